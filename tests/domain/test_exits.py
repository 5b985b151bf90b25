"""E4: why and when a position is sold."""

from decimal import Decimal
from math import inf, nan

import pytest

from core.domain.exits import Leave, check, holding, ordered, sell
from core.domain.policies import ExitPolicy
from core.domain.positions import Position
from core.domain.signals import Exit, Urgency
from core.domain.values import DAY, Instrument, Market, Millis, Side

COIN = Instrument(Market.UPBIT, "KRW-A")
T0 = Millis(1_700_006_400_000)
POSITION = Position(
    instrument=COIN,
    worker="w1",
    quantity=Decimal(2),
    cost=Decimal(200),
    fees=Decimal("0.1"),
    price=Decimal(100),
    opened=T0,
    signal="s",
    rule="fall",
    reference=Decimal(100),
)
POLICY = ExitPolicy(stop_loss=0.1, take_profit=0.2, trend_grace_s=600.0)


def leave(price=100.0, trend=nan, left_ms=DAY, age_s=0.0, policy=POLICY):
    return check(holding(POSITION, policy), price, trend, left_ms, policy, Millis(T0 + int(age_s * 1000)))


def test_a_price_between_the_ends_is_no_reason():
    assert leave(90.1) is leave(119.9) is None


def test_the_stop_is_urgent_and_the_profit_is_not():
    assert leave(90.0) == Leave(Exit.STOP_LOSS, 90.0, 90.0, Urgency.HIGH)
    assert leave(120.0) == Leave(Exit.TAKE_PROFIT, 120.0, 120.0, Urgency.NORMAL)


def test_0_switches_stop_and_profit_off():
    off = ExitPolicy(stop_loss=0.0, take_profit=0.0)

    assert (holding(POSITION, off).stop, holding(POSITION, off).take) == (-inf, inf)
    assert leave(0.01, policy=off) is leave(1e9, policy=off) is None


@pytest.mark.parametrize(("age_s", "broken"), [(599.9, False), (600.0, True)])
def test_a_price_under_the_short_average_breaks_the_trend_once_the_grace_is_over(age_s, broken):
    found = leave(99.0, trend=99.5, age_s=age_s)

    assert found == (Leave(Exit.TREND, 99.0, 99.5) if broken else None)


def test_a_price_at_the_average_or_an_average_that_is_not_known_breaks_nothing():
    assert leave(99.0, trend=99.0, age_s=700) is leave(99.0, age_s=700) is None
    assert leave(99.0, trend=99.5, age_s=700, policy=ExitPolicy(trend=False)) is None


def test_a_position_is_sold_when_it_was_held_for_long_enough():
    timed = ExitPolicy(max_hold_s=60.0)

    assert leave(age_s=59.9, policy=timed) is None
    assert leave(age_s=60.0, policy=timed) == Leave(Exit.TIME, 60.0, 60.0)


def test_a_position_is_sold_with_urgency_when_the_day_is_about_to_end():
    timed = ExitPolicy(close_before_s=60.0)

    assert leave(left_ms=60_001, policy=timed) is None
    assert leave(left_ms=60_000, policy=timed) == Leave(Exit.TIME, 60.0, 60.0, Urgency.HIGH)


def test_without_a_price_only_the_time_decides():
    assert leave(0.0, trend=1.0, age_s=9999) is None
    assert leave(0.0, age_s=60.0, policy=ExitPolicy(max_hold_s=60.0)).reason is Exit.TIME


@pytest.mark.parametrize(
    ("reason", "urgency"),
    [(Exit.REMOVED, Urgency.NORMAL), (Exit.UNSAFE, Urgency.HIGH), (Exit.LIQUIDATION, Urgency.HIGH)],
)
def test_a_sale_decided_elsewhere_shows_the_entry_and_may_hurry(reason, urgency):
    assert ordered(reason, 95.0, 100.0) == Leave(reason, 95.0, 100.0, urgency)


def test_the_signal_has_the_same_id_for_as_long_as_it_is_not_repeated():
    ids = [
        sell(COIN, leave(90.0), 90.0, Millis(T0 + after), T0, position="s", repeat_s=2.5).id
        for after in (0, 2_499, 2_500, 5_000)
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_the_signal_names_the_position_that_is_meant():
    assert sell(COIN, leave(90.0), 90.0, T0, T0, position="s").position == "s"


def test_without_a_repeat_the_signal_has_the_same_id_for_a_minute():
    first, later, next_minute = (
        sell(COIN, leave(90.0), 90.0, Millis(T0 + after), Millis(T0 + after + 5), "coin")
        for after in (0, 59_999, 60_000)
    )

    assert (first.side, first.rule, first.price, first.value, first.threshold) == (
        Side.SELL,
        "stop_loss",
        90.0,
        90.0,
        90.0,
    )
    assert (first.urgency, first.name, first.expires, first.seen) == (Urgency.HIGH, "coin", T0 + 60_000, T0 + 5)
    assert first.id == later.id != next_minute.id
