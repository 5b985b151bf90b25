"""D7-D10, D13, D15: the engine as a fold over market data."""

from math import inf

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.effects import Emit
from core.domain.engine import Engine
from core.domain.events import Bar, Level, MarketState
from core.domain.levels import Reference, References
from core.domain.policies import RulePolicy
from core.domain.values import DAY, HOUR, MINUTE, SPANS, Instrument, Market, Millis

RULES = (
    RulePolicy(name="fall", kind="fall", params={"minutes": 2, "fall": 0.03}),
    RulePolicy(name="low", kind="disparity", params={"base": "1m", "threshold": -0.02}),
    RulePolicy(name="daily", kind="disparity", params={"base": "daily", "threshold": 0.02}),
    RulePolicy(name="surge", kind="surge", params={"minutes": 1, "times": 2, "average": 3, "fall": 0}),
    RulePolicy(name="cross", kind="cross", params={"span": "1m", "rsi_low": 0, "rsi_high": 100}),
    RulePolicy(name="breakout", kind="breakout"),
    RulePolicy(name="both", kind="all", all_of=("surge", "low")),
)
NOTHING = ()


def bar(desk, minute, price=99.0, volume=2.0, closed=True, span=MINUTE):
    return Bar(
        instrument=desk.coin(),
        span=span,
        opens=Millis(desk.T0 + minute * MINUTE),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=volume,
        value=volume * price,
        seen=Millis(desk.T0 + 9 * DAY),
        closed=closed,
    )


def test_an_ordinary_trade_costs_no_new_object_as_its_answer(desk):
    made = desk.engine()
    answers = [made.step(desk.trade(n, 99 + n % 2, sequence=n + 1)) for n in range(10)]

    assert all(answer is answers[0] for answer in answers)
    assert (made.trades, made.snapshot("KRW-A").price, made.snapshot("KRW-A").at) == (10, 100.0, desk.T0 + 9)
    assert len(made.snapshot("KRW-A").ticks) == 10


def test_a_trade_told_twice_counts_once(desk):  # D8
    made = desk.engine()
    for sequence in (5, 6, 5, 6, 4, 4):
        made.step(desk.trade(0, 99, 1.0, sequence))

    assert (made.trades, made.duplicates) == (6, 3)
    assert made.forming("KRW-A")[0].volume == 3.0


def test_trades_without_a_sequence_are_all_taken(desk):
    made = desk.engine()
    made.step(desk.trade(0))
    made.step(desk.trade(0))

    assert (made.duplicates, made.forming("KRW-A")[0].volume) == (0, 2.0)


@pytest.mark.parametrize(
    ("sequence", "after", "news"), [(7, 0, False), (6, 0, False), (8, 9, True), (0, 5, False), (0, 9, True)]
)
def test_a_trade_that_the_venue_repeats_as_a_state_counts_only_where_it_is_news(desk, sequence, after, news):
    made = desk.engine()
    made.step(desk.trade(5, 99, 1.0, 7))
    effects = made.step(desk.trade(after, 101, 1.0, sequence, replayed=True))

    assert effects is NOTHING  # and it never makes a signal, old as it may be
    assert made.duplicates == (not news)
    assert made.snapshot("KRW-A").price == (101.0 if news else 99.0)


def test_the_trade_after_a_repeated_one_makes_the_signal(desk):
    made = desk.engine()
    made.step(desk.trade(0, 101, 1.0, 1, replayed=True))

    assert len(made.step(desk.trade(1, 102, 1.0, 2))) == 2


@pytest.mark.parametrize(
    ("price", "quantity"), [(0, 1), (-1, 1), (float("nan"), 1), (99, 0), (99, -1), (99, float("nan"))]
)
def test_a_trade_without_price_or_quantity_is_dropped_and_counted(desk, price, quantity):  # D15
    made = desk.engine()
    made.step(desk.trade(0, price, quantity, 1))

    assert (made.bad, made.snapshot("KRW-A").price) == (1, 0.0)
    assert made.step(desk.trade(0, 99, 1.0, 1)) is NOTHING
    assert made.duplicates == 0


def test_a_late_trade_is_counted_and_is_no_new_price(desk):
    made = desk.engine()
    made.step(desk.trade(60_000, 99))
    assert made.step(desk.trade(0, 150)) is NOTHING
    made.step(desk.trade(120_000, 98))
    made.step(desk.trade(1, 150))

    assert (made.late, made.dropped, made.snapshot("KRW-A").price) == (2, 1, 98.0)


def test_each_closed_candle_is_told_and_told_again_when_it_is_amended(desk):
    told = []
    made = desk.engine(on_candle=told.append)
    made.step(desk.trade(0, 99))
    made.step(desk.trade(HOUR, 98))
    assert [(bar.span, bar.opens, bar.close, bar.closed) for bar in told] == [(s, desk.T0, 99.0, True) for s in SPANS]
    assert told[0].seen == desk.T0 + HOUR + 7

    made.step(desk.trade(5, 97, 3.0))
    assert [(bar.volume, bar.close) for bar in told[3:]] == [(4.0, 97.0)] * 3
    assert made.candles == 3


def test_candles_close_without_a_listener_too(desk):
    made = desk.engine()
    made.step(desk.trade(0))
    made.step(desk.trade(60_000))

    assert made.candles == 1


def test_the_newest_book_is_kept_and_a_wrong_one_is_dropped_and_counted(desk):  # D15
    made = desk.engine()
    good = desk.book(5)
    made.step(good)
    made.step(desk.book(4))
    made.step(desk.book(6, bid=99.0, ask=99.0))
    made.step(desk.book(6, bid=-1.0))
    made.step(desk.book(6, ask=-1.0))
    made.step(msgspec.structs.replace(good, levels=[]))
    assert made.snapshot("KRW-A").book is good
    made.step(desk.book(6, bid=99.0, ask=0.0))

    assert made.snapshot("KRW-A").book.levels == [Level(99.0, 1.0, 0.0, 1.0)]
    assert (made.books, made.backwards, made.crossed, made.bad) == (7, 1, 1, 3)


def test_the_newest_ticker_is_kept_and_a_wrong_one_is_dropped_and_counted(desk):
    made = desk.engine()
    good = desk.ticker(5)
    for event in (good, desk.ticker(4), desk.ticker(6, 0.0), desk.ticker(6, float("nan"))):
        assert made.step(event) is NOTHING

    assert made.snapshot("KRW-A").ticker is good
    assert (made.tickers, made.backwards, made.bad) == (4, 1, 2)


def test_a_bar_on_the_stream_is_counted_and_changes_nothing(desk):
    made = desk.engine()
    made.step(bar(desk, 0))

    assert (made.bars, made.forming("KRW-A")) == (1, [])


def test_history_makes_rules_ready_before_the_first_candle_closes(desk):
    made = desk.engine([RULES[0]])
    made.warm("KRW-A", MINUTE, [bar(desk, minute) for minute in range(-5, 0)])

    effects = made.step(desk.trade(0, 90))
    assert [effect.signal.rule for effect in effects if type(effect) is Emit] == ["fall"]


def test_a_gap_is_counted_and_healed_by_history(desk):
    made = desk.engine([RULES[0]])
    made.gap("KRW-A", Millis(desk.T0 - 90_000), Millis(desk.T0 - 30_000))
    made.step(desk.trade(-200_000, 99))
    made.step(desk.trade(0, 99))
    assert made.step(desk.trade(1, 80)) is NOTHING
    made.warm("KRW-A", MINUTE, [bar(desk, minute) for minute in range(-5, 0)])

    assert made.gaps == 1
    assert len(made.step(desk.trade(2, 79))) == 2


def test_references_renew_the_rules_at_once_and_those_of_another_day_are_not_used(desk):
    made = desk.engine()
    made.step(desk.trade(0, 99))

    def told(day, high):
        rows = {"KRW-A": Reference(high, 1.0, 1.0, 1.0, 1)}
        made.references(References(market=made.market, day=Millis(day), at=desk.T0, rows=rows))

    told(desk.T0 - DAY - 1, 1.0)
    assert made.step(desk.trade(1, 98)) is NOTHING
    told(desk.T0, 50.0)
    assert len(made.step(desk.trade(2, 97))) == 2


def test_references_that_are_told_again_change_nothing(desk):
    made = desk.engine()
    made.step(desk.trade(0, 99))
    marks = made.snapshot("KRW-A").marks
    made.references(made._references)

    assert made.snapshot("KRW-A").marks is marks


def test_a_symbol_without_references_is_watched_by_the_other_rules(desk):
    made = desk.engine(symbols=("KRW-A",))
    made.safe(frozenset({"KRW-NEW"}))

    assert made.step(desk.trade(0, 1e9, symbol="KRW-NEW")) is NOTHING


def test_what_is_not_watched_any_more_is_forgotten_unless_it_is_held(desk):
    made = desk.engine()
    made.step(desk.trade(0, 99))
    made.step(desk.trade(0, 99, symbol="KRW-B"))
    made.hold([desk.position("KRW-B")], desk.T0)

    made.forget(["KRW-A", "KRW-B", "KRW-GONE"])

    assert made.snapshot("KRW-A") is None
    assert made.snapshot("KRW-B") is not None
    assert made.forming("KRW-A") == []


def test_an_engine_says_what_its_figures_were_made_under_and_restores_them(desk):  # D13
    made = desk.engine()
    made.step(desk.trade(0, 101, sequence=3))
    again = desk.engine()

    assert again.restore(made.save())
    assert again.step(desk.trade(0, 101, sequence=3)) is NOTHING
    assert again.duplicates == 1
    assert again.step(desk.trade(1, 102, sequence=4)) is NOTHING
    assert not desk.engine(RULES).restore(made.save())


@pytest.mark.parametrize("kind", ["hold", "removed", "tick"])
def test_a_position_at_its_stop_is_sold_whatever_asks(desk, kind):
    made = desk.engine()
    made.step(desk.trade(0, 95))
    made.hold([desk.position()], desk.T0)
    made.snapshot("KRW-A").candles.price = 50.0

    match kind:
        case "hold":
            effects = made.hold([desk.position()], desk.T0)
        case "removed":
            effects = made.removed(["KRW-A"], desk.T0)
        case _:
            effects = made.tick(desk.T0)
    assert [type(effect) for effect in effects] == [Emit]
    assert made.signals == 1


trades = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 20_000), st.integers(-70_000, 0), st.integers(30_000, 150_000)),
        st.integers(92, 108),
        st.integers(1, 40),
        st.sampled_from(["KRW-A", "KRW-B"]),
    ),
    max_size=80,
)


class Wide:
    """A rule that could be true at any price, as far as its mark says."""

    def __init__(self, rule):
        self.rule = rule

    def __getattr__(self, name):
        return getattr(self.rule, name)

    def prepare(self, symbol):
        mark = self.rule.prepare(symbol)
        return mark and mark._replace(below=inf, above=-inf)


def run(made, desk, tape):
    after, out = 0, []
    for turn, (step, price, size, symbol) in enumerate(tape):
        after += step
        out.append(list(made.step(desk.trade(after, price, size / 3, turn + 1, symbol))))
    return out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tape=trades)
def test_the_short_cut_by_price_never_changes_what_is_said(desk, tape):
    plain, slow = desk.engine(RULES), desk.engine(RULES)
    slow._entries.rules = tuple(map(Wide, slow._entries.rules))

    assert run(plain, desk, tape) == run(slow, desk, tape)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tape=trades)
def test_the_same_events_give_the_same_effects(desk, tape):  # H3
    assert run(desk.engine(RULES), desk, tape) == run(desk.engine(RULES), desk, tape)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tape=trades)
def test_a_tape_with_every_trade_doubled_gives_the_same_effects_and_candles(desk, tape):
    once, twice = desk.engine(RULES), desk.engine(RULES)
    expected = run(once, desk, tape)
    after, found = 0, []
    for turn, (step, price, size, symbol) in enumerate(tape):
        after += step
        event = desk.trade(after, price, size / 3, turn + 1, symbol)
        found.append(list(twice.step(event)))
        assert twice.step(event) is NOTHING

    assert found == expected
    assert (twice.duplicates, twice.candles, twice.late) == (len(tape), once.candles, once.late)


def test_a_held_symbol_is_sold_by_a_trade_and_by_a_book_and_both_are_counted(desk):  # E4
    made = desk.engine()
    made.step(desk.trade(0, 95))
    made.step(desk.book(0, bid=94.0, ask=96.0))
    made.hold([desk.position()], desk.T0)

    assert made.step(desk.trade(1, 96)) is NOTHING
    assert len(made.step(desk.trade(2, 80))) == 1
    assert len(made.step(desk.book(20_000, bid=70.0, ask=71.0))) == 1
    assert made.signals == 2


def test_a_price_that_leaves_the_rules_reach_arms_them_again(desk):
    made = desk.engine()
    made.step(desk.trade(0, 101))
    state = made.snapshot("KRW-A")
    assert (state.armed, state.calm) == ([False], False)
    made.step(desk.trade(1, 99))

    assert (state.armed, state.calm) == ([True], True)


@pytest.mark.source
def test_a_trade_at_the_unchanged_price_is_not_judged_again_unless_a_rule_reads_volume(desk):
    made, judged = desk.engine(), []
    judge = made._entries.judge
    made._entries.judge = lambda *args: judged.append(args) or judge(*args)
    for after in (0, 1, 2):
        made.step(desk.trade(after, 101))

    assert len(judged) == 1


def test_a_symbol_nobody_knows_has_no_state_and_no_candles(desk):
    assert desk.engine().snapshot("KRW-A") is None
    assert desk.engine().forming("KRW-A") == []


def test_live_signals_are_told_in_the_order_of_their_symbols(desk):  # D9
    made = desk.engine()
    for symbol in ("KRW-B", "KRW-A"):
        made.step(desk.trade(0, 101, symbol=symbol))

    assert [signal.instrument.symbol for signal in made.buyable(desk.T0)] == ["KRW-A", "KRW-B"]


def test_an_engine_without_references_runs_on_what_it_sees(desk):
    made = Engine(desk.coin().market, desk.policy(RULES), str)
    made.safe(frozenset({"KRW-A"}))
    made.step(desk.trade(0, 100))

    assert made.step(desk.trade(60_000, 101)) is NOTHING
    assert made.snapshot("KRW-A").reference is None


def state(halted=False, interrupted=False):
    about = Instrument(Market.UPBIT, "KRW-A")
    return MarketState(instrument=about, halted=halted, interrupted=interrupted, code="", seen=Millis(0))


@pytest.mark.parametrize("kind", ["halted", "interrupted"])
def test_a_symbol_that_does_not_trade_freely_is_not_bought_until_it_does(desk, kind):
    made = desk.engine()
    made.state(state(**{kind: True}))
    assert made.halted == {"KRW-A"}
    assert made.step(desk.trade(0, 99)) == made.step(desk.trade(10, 101)) == ()
    assert made.buyable(desk.T0) == []
    assert [signal.instrument.symbol for signal in effects_of(made, desk.trade(20, 101, symbol="KRW-B"))] == ["KRW-B"]
    made.state(state())
    assert made.halted == frozenset()
    assert [signal.instrument.symbol for signal in effects_of(made, desk.trade(30, 102))] == ["KRW-A"]


def effects_of(made, event):
    return [effect.signal for effect in made.step(event) if isinstance(effect, Emit)]


@pytest.mark.parametrize(
    ("totals", "skipped"),
    [([5, 10, 15], 0), ([5, 15, 20], 1), ([5, 30, 60, 65], 2), ([0, 0, 0], 0), ([900, 5, 10], 0), ([50], 0)],
)
def test_volume_that_rose_by_more_than_the_trade_is_counted_as_skipped(desk, totals, skipped):
    """KIS has no sequence: its running volume says what did not reach us. A new day begins it anew."""
    made = desk.engine()
    for number, total in enumerate(totals):
        trade = desk.trade(number, 99, quantity=5, sequence=number + 1)
        made.step(msgspec.structs.replace(trade, total=float(total)))
    assert made.skipped == skipped
