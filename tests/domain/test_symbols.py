"""The state of one symbol."""

from core.domain.events import Trade
from core.domain.levels import Reference
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.sessions import always_open
from core.domain.symbols import CHART, REMEMBERED, begin, forming
from core.domain.values import DAY, MINUTE, SPANS, Instrument, Market, Millis

T0 = 1_700_006_400_000
COIN = Instrument(Market.UPBIT, "KRW-A")
POLICY = MarketPolicy(
    rest=RestPolicy(url="r"), stream=StreamPolicy(url="s"), indicators=IndicatorPolicy(ticks=10, warmup=5)
)


def fresh():
    return begin(COIN, POLICY, always_open(POLICY.day), rules=2, kept={span: CHART + span // MINUTE for span in SPANS})


def test_a_symbol_of_which_nothing_is_known_has_no_price_and_every_rule_armed():
    symbol = fresh()

    assert (symbol.price, symbol.at, symbol.armed, symbol.calm) == (0.0, 0, [True, True], True)
    assert [symbol.series(span).span for span in SPANS] == list(SPANS)
    assert forming(symbol) == []


def test_of_each_span_as_many_candles_are_kept_as_it_is_told():
    assert [fresh().series(span).closed.keep for span in SPANS] == [CHART + 1, CHART + 5, CHART + 60]


def test_references_count_for_their_own_day_only():
    symbol = fresh()
    symbol.reference, symbol.day = Reference(1.0, 1.0, 1.0, 1.0, 1), T0
    expected = {T0 - 1: False, T0: True, T0 + DAY - 1: True, T0 + DAY: False}

    for at, good in expected.items():
        symbol.candles.at = at
        assert (symbol.today() is not None) is good


def test_the_memory_for_sequences_and_ticks_is_bounded():  # D8
    symbol = fresh()
    for sequence in range(1, 2 * REMEMBERED):
        symbol.remember(sequence)
        symbol.ticks.add(sequence, 1.0, 1.0)
    symbol.remember(3)
    symbol.trim()

    assert list(symbol.sequences) == [*range(REMEMBERED + 1, 2 * REMEMBERED), 3]
    symbol.trim()
    assert len(symbol.sequences) == REMEMBERED
    assert len(symbol.ticks) == 10
    assert symbol.sequence == 2 * REMEMBERED - 1


def test_of_a_symbol_that_trades_often_as_many_sequences_are_remembered_as_trades_are_kept():  # D8
    busy = MarketPolicy(rest=RestPolicy(url="r"), stream=StreamPolicy(url="s"))
    symbol = begin(COIN, busy, always_open(busy.day), rules=0, kept=dict.fromkeys(SPANS, 1))
    for sequence in range(1, 1000):
        symbol.remember(sequence)
        symbol.ticks.add(sequence, 1.0, 1.0)
    symbol.trim()

    assert list(symbol.sequences) == [*range(1000 - busy.indicators.ticks, 1000)]


def test_the_chart_ends_with_the_present_price():
    symbol = fresh()
    for n in range(CHART + 9):
        symbol.candles.add(T0 + n * MINUTE, float(n), 1.0)

    assert symbol.chart() == tuple(float(n) for n in range(8, CHART + 9))


def test_a_forming_candle_is_told_as_an_open_bar():
    symbol = fresh()
    symbol.candles.add(T0 + 5, 10.0, 2.0)
    before = forming(symbol)
    symbol.trade = Trade(instrument=COIN, price=10.0, quantity=2.0, taker=None, at=Millis(T0 + 5), seen=Millis(T0 + 9))
    bars = forming(symbol)

    assert [(bar.span, bar.opens, bar.close, bar.volume, bar.value, bar.closed) for bar in bars] == [
        (span, T0, 10.0, 2.0, 20.0, False) for span in SPANS
    ]
    assert (before[0].seen, bars[0].seen) == (T0 + 5, T0 + 9)
