"""B6, E6, G2: the market's day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.policies import DayPolicy
from core.domain.sessions import (
    always_open,
    day_of,
    ends_at,
    liquidating,
    thin_liquidating,
)
from core.domain.values import DAY, HOUR, MINUTE, SECOND, Millis

NOON = Millis(1_700_017_200_000)  # 2023-11-15 12:00 KST
times = st.integers(0, 4_000_000_000_000)
cuts = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)).map(
    lambda t: f"{t[0]:02}:{t[1]:02}:{t[2]:02}"
)


@given(at=times, cut=cuts)
def test_every_moment_lies_in_exactly_one_day_of_24_hours(at, cut):
    days = always_open(DayPolicy(ends=cut))
    start, end = days.day_start(at), days.day_end(at)

    assert start <= at < end == start + DAY
    assert days.day_start(end) == end
    assert days.day_of(start) == days.day_of(Millis(end - 1)) == days.day_of(at)
    assert days.day_of(end) > days.day_of(at)


@given(at=times, cut=cuts)
def test_a_market_that_never_closes_is_open_at_every_moment(at, cut):
    assert always_open(DayPolicy(ends=cut)).is_open(at)


def test_the_day_is_cut_where_the_owner_says_in_korea():
    policy = DayPolicy(ends="14:23:30")

    assert ends_at(NOON, policy) == NOON + 2 * HOUR + 23 * MINUTE + 30 * SECOND


def test_a_day_from_nine_to_nine_has_the_name_that_the_venue_gives_its_daily_candle():
    policy = DayPolicy(ends="09:00")

    assert day_of(NOON, policy) == "2023-11-15"
    assert always_open(policy).day_of(Millis(NOON + 20 * HOUR)) == "2023-11-15"
    assert always_open(policy).day_of(Millis(NOON + 21 * HOUR)) == "2023-11-16"


@pytest.mark.parametrize(
    ("before_s", "thin", "normal"), [(1501, False, False), (1500, True, False), (901, True, False), (900, True, True)]
)
def test_the_window_of_forced_liquidation_opens_earlier_for_thin_symbols(before_s, thin, normal):  # E6
    policy = DayPolicy(ends="12:00", liquidate=True, liquidate_before_s=900.0, thin_before_s=1500.0)
    at = Millis(NOON - before_s * SECOND)

    days = always_open(policy)
    assert thin_liquidating(at, policy, days) is thin
    assert liquidating(at, policy, days) is normal


def test_nothing_is_liquidated_where_that_is_off():
    policy = DayPolicy(ends="12:00")

    assert not liquidating(Millis(NOON - 1), policy, always_open(policy))
    assert not thin_liquidating(Millis(NOON - 1), policy, always_open(policy))


def test_thin_symbols_never_start_later_than_the_others():
    policy = DayPolicy(ends="12:00", liquidate=True, liquidate_before_s=900.0, thin_before_s=60.0)

    assert thin_liquidating(Millis(NOON - 900 * SECOND), policy, always_open(policy))
