"""How much history is asked for: what the rules and exits read, and no more (D8, D10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.backlog import MARGIN, backlog, kept
from core.domain.policies import ExitPolicy, IndicatorPolicy, RulePolicy
from core.domain.rules import build
from core.domain.values import HOUR, MINUTE, SPANS

FIVE = 5 * MINUTE
QUIET = ExitPolicy(trend=False)


def rule(kind="fall", enabled=True, **params):
    return RulePolicy(name=kind, kind=kind, params=params, enabled=enabled)


def wanted(*rules, exits=QUIET, **indicators):
    policy = IndicatorPolicy(**indicators)
    return backlog(build(rules, policy), policy, exits)


def test_as_shipped_minutes_for_the_indicators_and_five_minutes_for_the_trend_exit():
    assert wanted(exits=ExitPolicy()) == {MINUTE: 78, FIVE: 21, HOUR: 0}


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (rule("cross", span="1h", rsi_low=30.0, rsi_high=70.0), {MINUTE: 78, FIVE: 0, HOUR: 78}),
        (rule("disparity", base="5m", threshold=-0.02), {MINUTE: 78, FIVE: 60, HOUR: 0}),
        (rule("disparity", base="daily", threshold=-0.02), {MINUTE: 78, FIVE: 0, HOUR: 0}),
        (rule("fall", minutes=120.0, fall=0.05), {MINUTE: 122, FIVE: 0, HOUR: 0}),
        (rule("fall", enabled=False, minutes=120.0, fall=0.05), {MINUTE: 78, FIVE: 0, HOUR: 0}),
    ],
)
def test_a_rule_adds_what_it_reads(policy, found):
    assert wanted(policy) == found


@given(warmup=st.integers(0, 400), slow=st.integers(1, 300))
def test_never_more_than_the_owner_wants(warmup, slow):
    found = wanted(exits=ExitPolicy(), warmup=warmup, ema_slow=slow)
    assert set(found) == set(SPANS)
    assert max(found.values()) <= warmup


def stay(*rules, exits=QUIET, chart=0, **indicators):
    policy = IndicatorPolicy(**indicators)
    return kept(build(rules, policy), policy, exits, chart)


def test_as_shipped_what_settles_the_indicators_stays_of_every_length():  # D5
    assert set(stay(exits=ExitPolicy(), chart=30).values()) == {78 + MARGIN}


@pytest.mark.parametrize(
    "policy", [rule("fall", minutes=120.0, fall=0.05), rule("cross", span="1h", rsi_low=30.0, rsi_high=70.0)]
)
@given(warmup=st.integers(0, 400), slow=st.integers(13, 300), chart=st.integers(0, 40))
def test_whatever_is_asked_of_the_venue_and_looked_at_stays(policy, warmup, slow, chart):
    settings = {"warmup": warmup, "ema_slow": slow}
    asked, found = wanted(policy, **settings), stay(policy, chart=chart, **settings)

    assert all(found[span] >= asked[span] + MARGIN for span in SPANS)
    assert found[MINUTE] >= chart
    for span, window in build([policy], IndicatorPolicy(**settings))[0].windows:
        assert found[span] * span > window


def test_a_long_look_back_and_a_long_trend_stay_though_no_history_is_asked_for():
    assert stay(rule("fall", minutes=200.0, fall=0.05), warmup=0)[MINUTE] == 202 + MARGIN
    assert stay(exits=ExitPolicy(trend_length=90), warmup=0)[FIVE] == 91 + MARGIN
