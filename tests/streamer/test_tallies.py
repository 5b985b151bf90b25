"""D8: the trades since the last look, out of the room that they are kept in, which is used anew when it is full."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.events import Ticker
from core.domain.policies import MarketPolicy, RestPolicy, StreamPolicy
from core.domain.sessions import always_open
from core.domain.symbols import begin
from core.domain.ticks import Ticks
from core.domain.values import SPANS, Instrument, Market
from streamer.tallies import Tallies, _mark, _since

POLICY = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"))


@settings(max_examples=400, deadline=None)
@given(counts=st.lists(st.integers(0, 60), max_size=30), most=st.integers(1, 64))
def test_every_trade_since_the_last_look_is_read_once_or_it_is_said_that_some_are_not_kept(counts, most):
    ticks, mark, next_one = Ticks(most), None, 0
    for count in counts:
        fresh = list(range(next_one, next_one + count))
        next_one += count
        for each in fresh:
            ticks.add(each, 1.0, float(each))
        found = _since(ticks, mark)
        assert found == fresh or (found is None and (mark is None or not mark.last or count >= most))
        mark = _mark(ticks)


def test_a_trade_that_did_not_come_is_found_by_the_tickers_volume():
    symbol = begin(Instrument(Market.UPBIT, "A"), POLICY, always_open(POLICY.day), 0, dict.fromkeys(SPANS, 2))
    tallies, volume, found = Tallies(), 1_000.0, []
    for second in range(20):
        volume += 0.25 + second / 100
        if second != 12:
            symbol.ticks.add(second, 1.0, 0.25 + second / 100)
        symbol.ticker = Ticker(
            instrument=symbol.instrument, price=1.0, change=0.0, volume=volume, value=1.0, value_24h=1.0, high=1.0,
            low=1.0, at=second, seen=second,
        )  # fmt: skip
        found += [(second, name) for name, _ in tallies.look([symbol], {"A": 1}, second * 1_000)]
    assert [(second <= 15, name) for second, name in found] == [(True, "A")]
    assert tallies.missing == 1
    tallies.forget(["A"])
    assert tallies.look([], {}, 20_000) == []
