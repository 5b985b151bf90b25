"""Top N of the buyable set (C1-C5)."""

import pytest

from core.app.rank import Standing, run
from core.domain.errors import RateLimited
from core.domain.levels import Buyable, SafeSet, StreamHealth, TopN
from core.domain.policies import WhenRemoved
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from tests.watching import AT, Alerts, Hands, Holding, News, Quotes, Signals, closed, lookout

MINUTE = 60_000


class Floor:
    """A market with its ports, its streamer and its buyable set."""

    def __init__(self, *symbols, held=(), **sections):
        self.quotes, self.hands, self.alerts = Quotes(*symbols), Hands(), Alerts()
        self.signals, self.news = Signals(), News()
        self.place = lookout(self.quotes, self.hands, alerts=self.alerts, **sections)
        self.holding = Holding(*held)

    def buyable(self, *symbols, expires_in=30_000, at=None):
        at = at or self.hands.at
        rows = tuple(signal(symbol, at, Millis(at + expires_in)) for symbol in symbols)
        self.place.shelf.write(Buyable(market=Market.UPBIT, at=at, signals=rows))

    def run(self):
        return run(self.place, self.holding, self.signals, self.news)

    @property
    def stored(self):
        return self.place.shelf.read(TopN, Market.UPBIT)


def signal(symbol, at, expires):
    return Signal(
        id=f"{symbol}:{at}", instrument=Instrument(Market.UPBIT, symbol), side=Side.BUY, rule="disparity", price=100.0,
        value=-0.09, threshold=-0.08, at=at, seen=at, expires=expires,
    )  # fmt: skip


def test_the_buyable_symbols_are_ranked_by_traded_value_with_one_call():
    """C1."""
    floor = Floor("KRW-A", "KRW-B", "KRW-C", rank={"top_n": 2})
    floor.quotes.values = {"KRW-A": 1e9, "KRW-B": 3e9, "KRW-C": 2e9}
    floor.buyable("KRW-A", "KRW-B", "KRW-C", "KRW-B")

    ranked = floor.run()

    assert ranked.outcome is Standing.CHANGED
    assert ranked.members == ("KRW-B", "KRW-C")
    assert (ranked.buyable, ranked.calls) == (3, 1)
    assert floor.quotes.asked == [("tickers", ("KRW-A", "KRW-B", "KRW-C"))]


def test_news_is_published_once_for_each_change():
    """C2."""
    floor = Floor("KRW-A", "KRW-B")
    floor.buyable("KRW-A")
    floor.run()
    again = floor.run()

    assert again.outcome is Standing.SAME
    assert floor.news.published == [(Market.UPBIT, ("KRW-A",), (), 1, AT)]
    assert floor.stored.version == 1


def test_a_symbol_is_buyable_as_long_as_the_streamer_says_so_however_old_its_signal():
    """A condition that lasts is one signal; ranking every ten minutes must not miss those that were raised before."""
    floor = Floor("KRW-A", "KRW-B")
    floor.buyable("KRW-A", expires_in=0)

    assert floor.run().members == ("KRW-A",)


def test_a_symbol_that_was_bought_stays_in_the_top_n_though_it_is_not_buyable_any_more():
    """C4 sells what others outrank, not what was just bought."""
    floor = Floor("KRW-A", "KRW-B", held=["KRW-A"])
    floor.buyable("KRW-A")
    floor.run()
    for _ in range(3):
        floor.hands.later(10 * MINUTE)
        floor.buyable("KRW-B")
        ranked = floor.run()

    assert ranked.members == ("KRW-A", "KRW-B")
    assert floor.signals.sent == []


@pytest.mark.parametrize("said", [False, True])
def test_a_streamer_that_is_silent_does_not_empty_the_top_n(said):
    """Nobody knows what is buyable then; taking it for nothing would sell everything (C4)."""
    floor = Floor("KRW-A", held=["KRW-A"])
    floor.buyable("KRW-A")
    floor.run()
    floor.hands.later(60 * MINUTE)
    if said:
        floor.buyable(at=Millis(AT + 1))

    assert floor.run().outcome is Standing.SILENT
    assert [member.symbol for member in floor.stored.members] == ["KRW-A"]
    assert floor.signals.sent == []


def test_before_the_streamer_has_said_anything_there_is_nothing_to_rank():
    assert Floor("KRW-A").run().outcome is Standing.SILENT


def test_a_streamer_that_still_says_how_it_is_has_simply_nothing_buyable():
    floor = Floor("KRW-A")
    floor.buyable(at=Millis(AT - 60 * MINUTE))
    floor.place.shelf.write(health(AT))

    assert floor.run().outcome is Standing.SAME


def health(at):
    return StreamHealth(
        market=Market.UPBIT, at=at, host="h", started=at, last_data=at, subscribed=(), connected=True, reconnects=0,
        messages=0, surprises=0, late=0, duplicates=0, gaps=0, signals=0, latency_p50_ms=0.0, latency_p99_ms=0.0,
    )  # fmt: skip


def leave_the_ranking(floor):
    """A is in the Top 1, then B is buyable too, and traded more, for longer than the stability time."""
    floor.quotes.values = {"KRW-A": 1e9, "KRW-B": 3e9}
    floor.place.shelf.write(
        SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-A",), excluded=(), names={"KRW-A": "Coin A"})
    )
    floor.buyable("KRW-A")
    floor.run()
    for _ in range(2):
        floor.hands.later(10 * MINUTE)
        floor.buyable("KRW-B")
        ranked = floor.run()
    return ranked


def test_a_held_symbol_that_leaves_is_sold_at_once():
    """C3, C4."""
    floor = Floor("KRW-A", "KRW-B", held=["KRW-A", "KRW-X"], rank={"top_n": 1})

    ranked = leave_the_ranking(floor)

    assert (ranked.removed, ranked.added, ranked.sold) == (("KRW-A",), ("KRW-B",), ("KRW-A",))
    (sell,) = floor.signals.sent
    assert (sell.side, sell.rule, sell.instrument.symbol, sell.name) == (Side.SELL, "removed", "KRW-A", "Coin A")


def test_a_symbol_that_leaves_and_is_not_held_is_not_sold():
    floor = Floor("KRW-A", "KRW-B", rank={"top_n": 1})

    assert leave_the_ranking(floor).sold == ()
    assert floor.signals.sent == []


def test_by_setting_a_held_symbol_that_leaves_is_kept_until_its_own_exit():
    floor = Floor("KRW-A", "KRW-B", held=["KRW-A"], rank={"top_n": 1, "when_removed": WhenRemoved.KEEP})

    assert leave_the_ranking(floor).removed == ("KRW-A",)
    assert floor.signals.sent == []


def test_names_are_not_needed_to_sell():
    floor = Floor("KRW-A", "KRW-B", held=["KRW-A"], rank={"top_n": 1})
    floor.quotes.values = {"KRW-A": 1e9, "KRW-B": 3e9}
    floor.buyable("KRW-A")
    floor.run()
    for _ in range(2):
        floor.hands.later(10 * MINUTE)
        floor.buyable("KRW-B")
        floor.run()

    assert floor.signals.sent[0].name == ""


def test_a_venue_that_does_not_answer_leaves_the_top_n_as_it_was():
    floor = Floor("KRW-A")
    floor.buyable("KRW-A")
    floor.run()
    floor.quotes.trouble = {"tickers": RateLimited("slow down")}

    ranked = floor.run()

    assert (ranked.outcome, ranked.calls) == (Standing.FAILED, 1)
    assert "slow down" in ranked.failure
    assert floor.stored.version == 1


def test_more_symbols_than_one_call_takes_go_in_batches_with_a_pause_between():
    """C5."""
    from msgspec.structs import replace

    floor = Floor(*(f"KRW-{number}" for number in range(5)))
    small = replace(floor.place.venue, rest=replace(floor.place.venue.rest, batch=2))
    floor.place = replace(floor.place, venue=small)
    floor.buyable(*(f"KRW-{number}" for number in range(5)))

    ranked = floor.run()

    assert (ranked.calls, floor.hands.pauses) == (3, [0.2, 0.2])


def test_a_closed_market_is_not_ranked():
    floor = Floor("KRW-A")
    floor.place = closed(floor.place)

    assert floor.run().outcome is Standing.CLOSED


@pytest.mark.parametrize("step", range(3))
def test_a_run_that_dies_on_the_way_never_leaves_a_removed_symbol_unsold(step):
    floor = Floor("KRW-A", "KRW-B", held=["KRW-A"], rank={"top_n": 1})
    floor.quotes.values = {"KRW-A": 1e9, "KRW-B": 3e9}
    floor.buyable("KRW-A")
    floor.run()
    floor.hands.later(10 * MINUTE)
    floor.buyable("KRW-B")
    floor.run()
    floor.hands.later(10 * MINUTE)
    floor.buyable("KRW-B")
    victim, name = [(floor.signals, "send"), (floor.place.shelf, "write"), (floor.news, "publish")][step]
    whole = getattr(victim, name)

    def die(*_, **__):
        raise SystemExit

    setattr(victim, name, die)
    with pytest.raises(SystemExit):
        floor.run()
    setattr(victim, name, whole)

    floor.run()

    assert "KRW-A" in [signal.instrument.symbol for signal in floor.signals.sent]
    assert [member.symbol for member in floor.stored.members] == ["KRW-B"]
