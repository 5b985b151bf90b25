"""D10: every kind of rule, what it fires on, what it can be set to, and its price marks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Misconfigured
from core.domain.levels import Reference
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, RulePolicy, StreamPolicy
from core.domain.rules import KINDS, build
from core.domain.sessions import always_open
from core.domain.symbols import begin
from core.domain.values import DAY, HOUR, MINUTE, SPANS, Instrument, Market, Millis

T0 = 1_700_006_400_000
LENGTHS = IndicatorPolicy(ema_fast=2, ema_slow=4, rsi=2, disparity=3, atr=2, warmup=300)
POLICY = MarketPolicy(rest=RestPolicy(url="r"), stream=StreamPolicy(url="s"), indicators=LENGTHS)


def policy(kind, name="r", all_of=(), enabled=True, **params):
    return RulePolicy(name=name, kind=kind, params=params, all_of=all_of, enabled=enabled)


def rule(kind, **params):
    return build([policy(kind, **params)], LENGTHS)[0]


def symbol(*trades, reference=None, day=T0):
    """A symbol that saw one trade of (minute, price, quantity) each."""
    state = begin(Instrument(Market.UPBIT, "KRW-A"), POLICY, always_open(POLICY.day), 1, dict.fromkeys(SPANS, 242))
    for minute, price, *quantity in trades:
        state.candles.add(T0 + int(minute * MINUTE), float(price), float(*quantity or (1,)))
    state.reference, state.day = reference, day
    return state


def fires(judge, state):
    """What the rule says, having checked that its mark does not hide it."""
    mark = judge.prepare(state)
    if mark is None:
        return None
    fired = judge.check(state, mark)
    assert fired is None or not mark.below < state.price < mark.above
    return fired


class TestDisparity:
    def test_it_fires_at_the_threshold_of_the_daily_average_that_includes_today(self):
        judge = rule("disparity", base="daily", threshold=-0.08)
        days = Reference(0.0, 0.0, 0.0, 108.0, 1)

        assert fires(judge, symbol((0, 92), reference=days)) == (pytest.approx(-0.08), -0.08)
        assert fires(judge, symbol((0, 92.1), reference=days)) is None
        assert judge.condition == "disparity <= -0.08"

    @pytest.mark.parametrize(
        ("reference", "day"),
        [
            (None, T0),
            (Reference(0.0, 0.0, 0.0, 108.0, 1), T0 - DAY),
            (Reference(0.0, 0.0, 0.0, 0.0, 1), T0),
            (Reference(0.0, 0.0, 0.0, 108.0, 0), T0),
        ],
    )
    def test_it_is_not_ready_without_the_averages_of_this_day(self, reference, day):
        judge = rule("disparity", base="daily", threshold=-0.08)

        assert judge.prepare(symbol((0, 1), reference=reference, day=day)) is None

    def test_it_fires_on_the_average_of_our_own_candles(self):
        judge = rule("disparity", base="1m", threshold=-0.1)

        assert judge.prepare(symbol((0, 100), (1, 100))) is None
        assert fires(judge, symbol((0, 100), (1, 100), (2, 95))) is None
        assert fires(judge, symbol((0, 100), (1, 100), (2, 80))) == (pytest.approx(240 / 280 - 1), -0.1)
        assert judge.windows == ((MINUTE, 3 * MINUTE),)


class TestFall:
    def test_it_compares_with_the_close_n_minutes_ago(self):
        judge = rule("fall", minutes=2, fall=0.1)

        assert fires(judge, symbol((0, 100), (1, 50), (2, 90))) == (pytest.approx(-0.1), -0.1)
        assert fires(judge, symbol((0, 100), (1, 50), (2, 90.5))) is None
        assert judge.condition == "2 min return <= -0.1"

    def test_the_price_of_a_minute_without_trades_is_the_last_one_before_it(self):
        assert fires(rule("fall", minutes=2, fall=0.1), symbol((0, 100), (30, 80))) is not None

    def test_it_is_not_ready_before_history_reaches_so_far(self):
        judge = rule("fall", minutes=2, fall=0.1)

        assert judge.prepare(symbol()) is None
        assert judge.prepare(symbol((0, 100))) is None
        assert judge.prepare(symbol((0, 100), (1, 50))) is None


class TestSurge:
    QUIET = tuple((minute, 100, 1) for minute in range(10))

    def judge(self, **changes):
        return rule("surge", **({"minutes": 2, "times": 3, "average": 4, "fall": 0.05} | changes))

    def test_it_fires_when_value_surges_and_the_price_falls(self):
        busy = symbol(*self.QUIET, (10, 94, 6))

        ratio = (100 + 94 * 6) / 200
        assert fires(self.judge(), busy) == (pytest.approx(ratio), 3.0)
        assert fires(self.judge(times=3.5), busy) is None
        assert fires(self.judge(fall=0.07), busy) is None

    def test_the_forming_minute_counts_trade_by_trade(self):
        state = symbol(*self.QUIET, (10, 94, 1))
        judge = self.judge()
        mark = judge.prepare(state)
        assert judge.check(state, mark) is None

        state.candles.add(T0 + 10 * MINUTE + 1, 94.0, 5.0)

        assert judge.check(state, mark) is not None
        assert judge.by_volume

    def test_minutes_without_trades_count_as_0_in_the_average(self):
        state = symbol((0, 100, 1), (4, 100, 1), (9, 100, 1), (10, 94, 1.4))

        assert fires(self.judge(minutes=1, average=8, times=2.5, fall=0.0), state).value == pytest.approx(
            131.6 * 8 / 200
        )

    def test_it_is_not_ready_without_the_whole_average(self):
        assert self.judge().prepare(symbol()) is None
        assert self.judge().prepare(symbol((0, 100))) is None
        assert self.judge().prepare(symbol(*self.QUIET[:5])) is None
        assert self.judge().prepare(symbol((0, 100), (50, 100), (51, 90))) is None

    def test_a_symbol_whose_candles_are_all_closed_has_no_forming_value(self):
        state = symbol(*self.QUIET, (10, 94, 6))
        mark = self.judge().prepare(state)
        state.series(MINUTE).forming = None

        assert self.judge().prepare(state) is None
        assert self.judge().check(state, mark) is None


class TestCross:
    FALLING = ((0, 100), (1, 99), (2, 98), (3, 97), (4, 96))

    def test_it_fires_when_the_fast_average_passes_the_slow_one_with_the_rsi_in_its_band(self):
        state = symbol(*self.FALLING, (5, 110))
        fast, slow = state.series(MINUTE).gauges.fast, state.series(MINUTE).gauges.slow

        fired = fires(rule("cross", span="1m", rsi_low=0, rsi_high=100), state)

        assert fired == (pytest.approx(fast.peek(110) / slow.peek(110) - 1), 0.0)
        assert fires(rule("cross", span="1m", rsi_low=0, rsi_high=50), state) is None
        assert fires(rule("cross", span="1m", rsi_low=0, rsi_high=100), symbol(*self.FALLING, (5, 95))) is None

    def test_it_is_not_ready_while_the_averages_are_not_known_or_when_they_have_crossed_already(self):
        judge = rule("cross", span="1m", rsi_low=0, rsi_high=100)

        assert judge.prepare(symbol((0, 100), (1, 100))) is None
        assert judge.prepare(symbol((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6))) is None

    def test_the_fast_average_must_be_the_shorter_one(self):
        with pytest.raises(
            Misconfigured, match=r"key=indicators.ema_fast, value=4, allowed=less than indicators.ema_slow, 4"
        ):
            build([policy("cross", span="1m", rsi_low=0, rsi_high=100)], IndicatorPolicy(ema_fast=4, ema_slow=4))

    def test_it_listens_on_the_span_that_is_set(self):
        assert rule("cross", span="1h", rsi_low=0, rsi_high=100).windows == ((HOUR, 4 * HOUR),)


class TestBreakout:
    def test_it_fires_above_the_previous_high_by_the_margin(self):
        reference = Reference(100.0, 0.0, 0.0, 1.0, 1)

        assert fires(rule("breakout"), symbol((0, 100.1), reference=reference)) == (100.1, 100.0)
        assert fires(rule("breakout"), symbol((0, 100.0), reference=reference)) is None
        assert fires(rule("breakout", margin=0.01), symbol((0, 100.9), reference=reference)) is None
        assert rule("breakout").condition == "price > previous high"
        assert rule("breakout", margin=0.01).condition == "price > previous high + 0.01"

    def test_it_is_not_ready_without_yesterday(self):
        assert rule("breakout").prepare(symbol((0, 1))) is None
        assert rule("breakout").prepare(symbol((0, 1), reference=Reference(0.0, 0.0, 0.0, 1.0, 1))) is None


class TestComposite:
    PARTS = (
        policy("fall", "drop", minutes=1, fall=0.1),
        policy("disparity", "low", base="daily", threshold=-0.08, enabled=False),
    )

    def both(self, *names):
        return build([policy("all", "both", all_of=names), *self.PARTS], LENGTHS)[0]

    def test_it_fires_when_all_its_rules_do_with_the_figures_of_the_first(self):
        days = Reference(0.0, 0.0, 0.0, 110.0, 1)
        judge = self.both("drop", "low")

        assert fires(judge, symbol((0, 100), (1, 90), reference=days)) == (pytest.approx(-0.1), -0.1)
        assert fires(judge, symbol((0, 100), (1, 91), reference=days)) is None
        assert fires(self.both("low", "drop"), symbol((0, 100), (1, 93), reference=days)) is None
        assert judge.condition == "1 min return <= -0.1 and disparity <= -0.08"

    def test_it_is_ready_when_all_its_rules_are(self):
        days = Reference(0.0, 0.0, 0.0, 110.0, 1)

        assert self.both("drop", "low").prepare(symbol((0, 100), (1, 90))) is None
        assert self.both("drop", "low").prepare(symbol((0, 90), reference=days)) is None

    def test_it_looks_as_far_back_as_the_furthest_of_its_rules(self):
        judge = self.both("drop", "low")

        assert (judge.minutes, judge.windows, judge.by_volume) == (1, ((MINUTE, 2 * MINUTE),), False)


class TestGaps:
    def test_a_gap_within_the_window_makes_a_rule_deaf(self):
        state, judge = symbol((0, 100)), rule("fall", minutes=4, fall=0.1)
        state.series(MINUTE).tear(T0, T0 + MINUTE)

        assert judge.gapped(state, T0 + 6 * MINUTE - 1)
        assert not judge.gapped(state, T0 + 6 * MINUTE)
        assert not rule("breakout").gapped(state, T0 + MINUTE)


FAULTS = [
    (policy("boom"), r"key=kind, value=boom, allowed=one of all, breakout, cross, disparity, fall, surge"),
    (policy("fall", minutes=5, fall=0.1, all_of=("x",)), r"key=all_of, value=x, allowed=nothing, or kind all"),
    (policy("fall", minutes=5, drop=1), r"key=params.drop, value=1, allowed=one of minutes, fall"),
    (policy("fall", fall=0.1), r"key=params.minutes, value=nothing, allowed=a whole number from 1 to 240"),
    (policy("fall", minutes=2.5, fall=0.1), r"key=params.minutes, value=2.5, allowed=a whole number from 1 to 240"),
    (policy("fall", minutes=float("inf"), fall=0.1), r"value=inf, allowed=a whole number from 1 to 240"),
    (policy("fall", minutes="5", fall=0.1), r"key=params.minutes, value=5, allowed=a whole number from 1 to 240"),
    (policy("fall", minutes=5), r"key=params.fall, value=nothing, allowed=a number from 0.0001 to 0.99"),
    (policy("fall", minutes=5, fall="much"), r"key=params.fall, value=much, allowed=a number from 0.0001 to 0.99"),
    (policy("fall", minutes=5, fall=float("nan")), r"key=params.fall, value=nan"),
    (policy("disparity", base="daily", threshold=-1.5), r"value=-1.5, allowed=a number from -0.99 to 0.99"),
    (policy("disparity", threshold=-0.1), r"key=params.base, value=nothing, allowed=daily or 1m or 5m or 1h"),
    (policy("disparity", base="3m", threshold=-0.1), r"key=params.base, value=3m, allowed=daily or 1m or 5m or 1h"),
    (
        policy("surge", minutes=5, times=3, average=4, fall=0),
        r"key=params.average, value=4, allowed=a whole number from 5",
    ),
    (policy("cross", span="1m", rsi_low=60, rsi_high=50), r"key=params.rsi_high, value=50, allowed=a number from 60"),
    (policy("breakout", margin=-1), r"key=params.margin, value=-1, allowed=a number from 0 to 1"),
    (policy("all"), r"key=all_of, value=0, allowed=the names of at least 2 rules"),
    (policy("all", all_of=("a", "b")), r"key=all_of, value=a, allowed=names of rules that are not composites"),
    (policy("all", all_of=("a", "b"), x=1), r"key=params.x, value=1, allowed=one of"),
]


@pytest.mark.parametrize(("fault", "text"), FAULTS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_wrong_setting_is_told_with_rule_key_value_and_what_is_allowed(fault, text):
    with pytest.raises(Misconfigured, match=text) as told:
        build([fault])
    assert "a rule cannot be used like that (rule=r, " in str(told.value)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(Misconfigured, match=r"key=name, value=r, allowed=a name that no other rule has"):
        build([policy("breakout"), policy("breakout", margin=0.1)])


def test_rules_come_in_the_order_of_the_settings_with_their_name_life_and_switch():
    made = build([policy("breakout", "b", enabled=False), policy("breakout", "a")])

    assert [(judge.name, judge.enabled, judge.expires_ms) for judge in made] == [
        ("b", False, 30_000),
        ("a", True, 30_000),
    ]
    assert set(KINDS) == {"breakout", "cross", "disparity", "fall", "surge"}


EVERY = build(
    [
        policy("disparity", "d", base="daily", threshold=-0.02),
        policy("disparity", "m", base="1m", threshold=-0.01),
        policy("disparity", "over", base="1m", threshold=0.01),
        policy("fall", "f", minutes=2, fall=0.02),
        policy("surge", "s", minutes=1, times=1, average=2, fall=0.0),
        policy("cross", "c", span="1m", rsi_low=0, rsi_high=100),
        policy("breakout", "b", margin=0.01),
        policy("all", "fd", all_of=("f", "d")),
        policy("all", "sb", all_of=("s", "b")),
    ],
    LENGTHS,
)


@settings(max_examples=300, deadline=None)
@given(
    path=st.lists(st.tuples(st.integers(0, 2), st.integers(80, 120), st.integers(1, 50)), min_size=1, max_size=30),
    high=st.integers(80, 120),
    total=st.integers(80, 240),
)
def test_no_rule_is_true_at_a_price_that_its_mark_rules_out(path, high, total):
    minute, trades = 0, []
    for step, price, quantity in path:
        minute += step
        trades.append((minute, price, quantity))
    state = symbol(*trades, reference=Reference(float(high), 0.0, 0.0, float(total), 2), day=Millis(T0))

    for judge in EVERY:
        fires(judge, state)
