"""D6, D8: one span's candles, their history and their gaps."""

import pytest

from core.domain.events import Bar
from core.domain.gauges import Gauges
from core.domain.policies import DayPolicy, IndicatorPolicy
from core.domain.series import Series
from core.domain.sessions import always_open
from core.domain.values import MINUTE, Instrument, Market, Millis

T0 = 1_700_006_400_000
COIN = Instrument(Market.UPBIT, "KRW-A")


def fresh(keep=100):
    return Series(MINUTE, Gauges(IndicatorPolicy(ema_fast=1), 20), keep, always_open(DayPolicy(ends="09:00")))


def take(series, *trades):
    changes, newest = [], 0
    for at, price, quantity in trades:
        series.take(at, price, quantity, price * quantity, at >= newest, changes)
        newest = max(newest, at)
    return changes


def bar(minute, price=10.0, volume=2.0, closed=True, seen=0):
    opens = Millis(T0 + minute * MINUTE)
    return Bar(
        instrument=COIN,
        span=MINUTE,
        opens=opens,
        open=price - 1,
        high=price + 2,
        low=price - 2,
        close=price,
        volume=volume,
        value=volume * price,
        seen=Millis(seen),
        closed=closed,
    )


def rows(series):
    return [(c.opens - T0, c.open, c.high, c.low, c.close, c.volume, c.settled) for c in series.closed]


def test_a_minute_closes_when_a_trade_of_a_later_one_comes():
    series = fresh()
    changes = take(series, (T0, 10.0, 1.0), (T0 + 1, 12.0, 1.0), (T0 + MINUTE, 11.0, 1.0))

    assert [(change.candle.opens, change.amended) for change in changes] == [(T0, False)]
    assert rows(series) == [(0, 10.0, 12.0, 10.0, 12.0, 2.0, False)]
    assert (series.forming.opens, series.forming.ends) == (T0 + MINUTE, T0 + 2 * MINUTE)


def test_a_late_trade_makes_the_candle_that_its_minute_lacked():
    series = fresh()
    changes = take(series, (T0, 10.0, 1.0), (T0 + 5 * MINUTE, 11.0, 1.0), (T0 + 3 * MINUTE, 9.0, 4.0))

    assert [(change.candle.opens - T0, change.amended) for change in changes] == [(0, False), (3 * MINUTE, False)]
    assert [row[0] for row in rows(series)] == [0, 3 * MINUTE]
    assert series.forming.opens == T0 + 5 * MINUTE


def test_only_as_many_closed_candles_are_kept_as_are_needed():
    series = fresh(keep=2)
    take(series, *((T0 + n * MINUTE, 10.0 + n, 1.0) for n in range(6)))

    assert [row[0] // MINUTE for row in rows(series)] == [3, 4]


def test_the_price_at_a_moment_is_the_last_close_before_it():
    series = fresh()
    take(series, (T0, 10.0, 1.0), (T0 + 3 * MINUTE, 11.0, 1.0), (T0 + 4 * MINUTE, 12.0, 1.0))

    assert series.close_at(T0 + MINUTE - 1) is None
    assert series.close_at(T0 + MINUTE) == series.close_at(T0 + 4 * MINUTE - 1) == 10.0
    assert series.close_at(T0 + 4 * MINUTE) == 11.0


def test_traded_value_is_added_up_over_the_minutes_that_opened_in_a_stretch():
    series = fresh()
    take(series, *((T0 + n * MINUTE, 10.0, float(n)) for n in range(5)))

    assert series.value_between(T0 + MINUTE, T0 + 3 * MINUTE) == 30.0
    assert series.value_between(T0, T0 + 9 * MINUTE) == 60.0


def test_several_gaps_are_one_stretch_until_the_venue_s_bars_reach_over_it():
    series = fresh()
    series.tear(T0 + 10, T0 + 20)
    series.tear(T0, T0 + 5)
    assert (series.gap_start, series.gap_end) == (T0, T0 + 20)
    assert series.gapped(T0 + 19)
    assert not series.gapped(T0 + 20)

    series.adopt([bar(0, seen=T0 + 19)], T0)
    assert series.gapped(T0 + 19)
    series.adopt([], T0)
    assert series.gapped(T0 + 19)
    series.adopt([bar(0, seen=T0 + 20)], T0)
    assert (series.gap_start, series.gap_end) == (0, 0)


def test_the_venue_s_bars_replace_ours_and_are_not_changed_by_late_trades():
    series = fresh()
    take(series, (T0, 10.0, 1.0), (T0 + MINUTE, 11.0, 1.0))
    gained = series.adopt([bar(0, 20.0, 7.0), bar(-1, 5.0, 1.0)], T0)

    assert gained == (130.0, 6.0)
    assert rows(series) == [(-MINUTE, 4.0, 7.0, 3.0, 5.0, 1.0, True), (0, 19.0, 22.0, 18.0, 20.0, 7.0, True)]
    assert series.gauges.fast.value == 20.0
    changes = []
    series.take(T0 + 30_000, 99.0, 1.0, 99.0, False, changes)
    assert (changes, series.closed[-1].high) == ([], 22.0)


def test_the_forming_candle_takes_its_open_and_extremes_from_the_venue_s_open_bar():
    series = fresh()
    take(series, (T0 + 30_000, 10.0, 1.0), (T0 + 31_000, 11.0, 4.0))
    series.adopt([bar(0, 10.5, 3.0, closed=False)], T0)

    candle = series.forming
    assert (candle.open, candle.high, candle.low, candle.close) == (9.5, 12.5, 8.5, 11.0)
    assert (candle.volume, candle.first_at) == (5.0, T0)


def test_an_open_bar_that_comes_before_the_first_trade_waits_for_it():
    series = fresh()
    series.adopt([bar(0, 10.0, 3.0, closed=False)], T0)
    take(series, (T0 + 1, 10.0, 1.0))

    assert (series.forming.open, series.forming.volume, series.pending) == (9.0, 3.0, None)


@pytest.mark.parametrize(("minute", "kept"), [(0, False), (2, True)])
def test_an_open_bar_of_another_minute_is_dropped_when_it_is_old_and_kept_when_it_is_to_come(minute, kept):
    series = fresh()
    take(series, (T0 + MINUTE, 10.0, 1.0))
    series.adopt([bar(minute, closed=False)], T0)

    assert (series.pending is not None) is kept
    assert series.forming.volume == 1.0


def test_a_closed_bar_newer_than_the_forming_candle_ends_it():
    series = fresh()
    take(series, (T0, 10.0, 1.0))
    gained = series.adopt([bar(2)], T0)

    assert series.forming is None
    assert [(row[0] // MINUTE, row[-1]) for row in rows(series)] == [(0, False), (2, True)]
    assert gained == (30.0, 3.0)


def test_a_late_trade_amends_a_closed_candle_of_ours_and_says_so():
    series = fresh()
    changes = take(series, (T0 + 5, 10.0, 1.0), (T0 + MINUTE, 11.0, 1.0), (T0 + 1, 9.0, 1.0), (T0 + 6, 8.0, 1.0))

    assert [change.amended for change in changes] == [False, True, True]
    assert rows(series) == [(0, 9.0, 10.0, 8.0, 8.0, 3.0, False)]
    assert series.gauges.fast.value == 8.0
