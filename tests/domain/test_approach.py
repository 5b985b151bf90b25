"""Near a threshold, not past it (B7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.approach import approaching
from core.domain.levels import Snapshot
from core.domain.policies import RulePolicy
from core.domain.values import Millis

DIP = RulePolicy(name="dip", kind="disparity", params={"base": "daily", "threshold": -0.08})
HIGH = RulePolicy(name="high", kind="breakout")


def snapshot(**fields):
    plain = Snapshot(
        symbol="KRW-A", price=100.0, change=0.0, volume=1.0, value=1.0, value_24h=1.0, high=100.0, low=100.0,
        prev_high=None, prev_low=None, bid=0.0, ask=0.0, spread=None, disparity=None, at=Millis(1), seen=Millis(1),
    )  # fmt: skip
    return replace(plain, **fields)


def found(snapshot, *rules, near=0.01):
    return [(approach.rule, approach.threshold) for approach in approaching([snapshot], rules, near)]


@pytest.mark.parametrize(
    ("disparity", "told"),
    [(-0.0699, False), (-0.07, True), (-0.079, True), (-0.08, False), (-0.2, False), (None, False)],
)
def test_a_disparity_is_near_from_above_and_no_longer_once_it_has_passed(disparity, told):
    assert bool(found(snapshot(disparity=disparity), DIP, near=0.0100001)) is told


@pytest.mark.parametrize(("price", "told"), [(98.9, False), (99.0, True), (99.9, True), (100.0, False), (101.0, False)])
def test_a_breakout_is_near_from_below_and_no_longer_once_it_is_there(price, told):
    assert bool(found(snapshot(price=price, prev_high=100.0), HIGH)) is told


def test_a_breakout_with_a_margin_is_near_its_own_level():
    rule = RulePolicy(name="high", kind="breakout", params={"margin": 0.02})

    (approach,) = approaching([snapshot(price=101.5, prev_high=100.0)], [rule], 0.01)

    assert (approach.threshold, approach.condition) == (102.0, "price > previous high + 0.02")
    assert found(snapshot(price=99.5, prev_high=100.0), rule) == []


def test_without_yesterday_nothing_is_near():
    assert found(snapshot(), DIP, HIGH) == []


def test_rules_that_a_scan_cannot_measure_or_that_are_off_are_never_near():
    minutes = RulePolicy(name="m", kind="disparity", params={"base": "1m", "threshold": -0.08})
    fall = RulePolicy(name="fall", kind="fall", params={"minutes": 5, "fall": 0.03})
    off = RulePolicy(name="off", kind="breakout", enabled=False)

    assert found(snapshot(disparity=-0.075, price=99.5, prev_high=100.0), minutes, fall, off) == []


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(0.0, 0.2))
def test_what_is_told_lies_between_the_threshold_and_the_margin(disparity, threshold, near):
    rule = RulePolicy(name="dip", kind="disparity", params={"base": "daily", "threshold": threshold})

    for approach in approaching([snapshot(disparity=disparity)], [rule], near):
        assert threshold < approach.value <= threshold + near
        assert approach.condition.startswith("disparity <= ")


def test_each_symbol_and_each_rule_is_told_on_its_own():
    rows = [snapshot(symbol=symbol, disparity=-0.075, price=99.5, prev_high=100.0) for symbol in ("KRW-A", "KRW-B")]

    told = [(approach.symbol, approach.rule) for approach in approaching(rows, (DIP, HIGH), 0.01)]

    assert told == [("KRW-A", "dip"), ("KRW-A", "high"), ("KRW-B", "dip"), ("KRW-B", "high")]
