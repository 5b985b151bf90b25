"""D8: candles from ticks equal a plain loop over the same trades, whatever order they come in."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.candles import DROPPED, Candles
from core.domain.events import Bar
from core.domain.gauges import Gauges
from core.domain.policies import DayPolicy, IndicatorPolicy
from core.domain.series import Series
from core.domain.sessions import always_open
from core.domain.values import DAY, HOUR, MINUTE, SPANS, Instrument, Market, Millis

T0 = 1_700_006_400_000  # 2023-11-15 09:00 KST: a day boundary, so a boundary of every span
COIN = Instrument(Market.UPBIT, "KRW-A")


def builder(ends="09:00", keep=1000):
    days = always_open(DayPolicy(ends=ends))
    return Candles(tuple(Series(span, Gauges(IndicatorPolicy(), 20), keep, days) for span in SPANS), days)


@dataclass
class Plain:
    """One candle of the plain loop."""

    first: tuple
    last: tuple
    high: float
    low: float
    volume: float
    value: float


def fold(trades, ends):
    """The independent loop: no minutes before the second newest one that traded; earliest opens, latest closes."""
    cut = always_open(DayPolicy(ends=ends))
    bars = {span: {} for span in SPANS}
    for turn, (at, price, quantity) in enumerate(trades):
        minutes = sorted(bars[MINUTE])
        if len(minutes) > 1 and at < minutes[-2]:
            continue
        for span in SPANS:
            opens = max(at // span * span, cut.day_start(at))
            bar = bars[span].setdefault(opens, Plain((at, turn), (at, turn), price, price, 0.0, 0.0))
            bar.first, bar.last = min(bar.first, (at, turn)), max(bar.last, (at, turn))
            bar.high, bar.low = max(bar.high, price), min(bar.low, price)
            bar.volume += quantity
            bar.value += price * quantity
    return {
        span: {
            opens: (trades[b.first[1]][1], b.high, b.low, trades[b.last[1]][1], b.volume, b.value)
            for opens, b in sorted(rows.items())
        }
        for span, rows in bars.items()
    }


def built(candles):
    forming = dict(candles.forming())
    return {
        series.span: {
            candle.opens: (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.value)
            for candle in [*series.closed, *([forming[series]] if series in forming else [])]
        }
        for series in candles.series
    }


steps = st.one_of(
    st.integers(0, 20_000), st.integers(-90_000, 0), st.integers(30_000, 400_000), st.just(HOUR), st.just(0)
)
tapes = st.lists(st.tuples(steps, st.integers(1, 30), st.integers(1, 9)), max_size=120)


def tape(rows, start=T0):
    at, out = start, []
    for step, price, quantity in rows:
        at = max(at + step, start - HOUR)
        out.append((at, float(price), quantity / 3))
    return out


@settings(max_examples=300, deadline=None)
@given(rows=tapes, ends=st.sampled_from(["09:00", "09:07", "09:00:30", "10:13:17"]))
def test_candles_equal_a_plain_loop_over_the_same_trades_in_any_order(rows, ends):
    trades, candles = tape(rows), builder(ends)
    for trade in trades:
        candles.add(*trade)

    assert built(candles) == fold(trades, ends)


@settings(max_examples=200, deadline=None)
@given(rows=tapes, ends=st.sampled_from(["09:00", "09:07:30"]))
def test_candles_told_when_they_close_and_again_when_amended_are_the_candles_in_the_end(rows, ends):
    trades, candles, told, late, dropped = tape(rows), builder(ends), {}, 0, 0
    newest = 0
    for trade in trades:
        turn = candles.add(*trade)
        if turn is not None:
            assert turn.late is (trade[0] < newest)
            late, dropped = late + turn.late, dropped + turn.dropped
            for change in turn.changes:
                key = change.series.span, change.candle.opens
                assert change.amended is (key in told)
                candle = change.candle
                told[key] = (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.value)
        else:
            assert trade[0] >= newest
        newest = max(newest, trade[0])

    closed = {(s.span, c.opens) for s in candles.series for c in s.closed}
    assert set(told) == closed
    assert all(built(candles)[span][opens] == candle for (span, opens), candle in told.items())
    counted = sum(trade[2] for trade in trades) if not dropped else None
    assert counted is None or sum(c[4] for c in built(candles)[MINUTE].values()) == pytest.approx(counted)


@settings(max_examples=200, deadline=None)
@given(rows=tapes, ends=st.sampled_from(["09:00", "09:07:30"]))
def test_a_candle_never_spans_the_market_s_day_boundary(rows, ends):
    candles, days = builder(ends), always_open(DayPolicy(ends=ends))
    for trade in tape(rows):
        candles.add(*trade)

    for series in candles.series:
        for candle in [*series.closed, *([series.forming] if series.forming else [])]:
            assert days.day_start(candle.opens) == days.day_start(candle.ends - 1)


@settings(max_examples=200, deadline=None)
@given(rows=tapes)
def test_indicators_after_late_trades_are_those_of_the_amended_candles(rows):
    candles = builder()
    for trade in tape(rows):
        candles.add(*trade)

    for series in candles.series:
        again = Gauges(IndicatorPolicy(), 20)
        for candle in series.closed:
            again.update(candle.high, candle.low, candle.close)
        for name in ("fast", "slow", "rsi", "mean", "trend", "atr"):
            ours, theirs = getattr(series.gauges, name).value, getattr(again, name).value
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(rows=tapes, ends=st.sampled_from(["09:00", "09:07:30"]))
def test_vwap_is_that_of_the_minutes_of_the_newest_day(rows, ends):
    candles, days = builder(ends), always_open(DayPolicy(ends=ends))
    for trade in tape(rows):
        candles.add(*trade)

    today = days.day_start(candles.at)
    minutes = [candle for opens, candle in built(candles)[MINUTE].items() if opens >= today]
    volume, value = sum(c[4] for c in minutes), sum(c[5] for c in minutes)
    assert candles.average() == pytest.approx(value / volume if volume else float("nan"), nan_ok=True)


def test_minutes_without_trades_make_no_candle():
    candles = builder()
    candles.add(T0, 10.0, 1.0)
    candles.add(T0 + 7 * MINUTE, 11.0, 1.0)

    assert list(built(candles)[MINUTE]) == [T0, T0 + 7 * MINUTE]


def test_of_several_trades_at_the_same_millisecond_the_first_opens_and_the_last_closes():
    candles = builder()
    for price in (10.0, 11.0, 12.0):
        candles.add(T0, price, 1.0)

    assert built(candles)[MINUTE][T0][:4] == (10.0, 12.0, 10.0, 12.0)


def test_a_late_trade_amends_the_closed_minute_but_not_its_close_unless_it_is_later_than_that():
    candles = builder()
    candles.add(T0 + 30_000, 10.0, 1.0)
    candles.add(T0 + MINUTE, 11.0, 1.0)

    candles.add(T0 + 20_000, 13.0, 2.0)
    assert built(candles)[MINUTE][T0] == (13.0, 13.0, 10.0, 10.0, 3.0, 36.0)

    candles.add(T0 + 59_999, 9.0, 1.0)
    assert built(candles)[MINUTE][T0] == (13.0, 13.0, 9.0, 9.0, 4.0, 45.0)
    assert candles.price == 11.0


def test_a_trade_older_than_the_last_closed_minute_is_dropped_for_every_span():
    candles = builder()
    for at in (T0, T0 + MINUTE, T0 + 2 * MINUTE):
        candles.add(at, 10.0, 1.0)
    before = built(candles)

    assert candles.add(T0 + 59_999, 99.0, 1.0) is DROPPED
    assert built(candles) == before


def test_the_forming_candles_show_the_newest_price():
    candles = builder()
    candles.add(T0, 10.0, 1.0)
    candles.add(T0 + 1, 12.0, 1.0)

    assert [candle.close for _, candle in candles.forming()] == [12.0, 12.0, 12.0]


def test_a_builder_without_trades_has_no_candles_and_no_average():
    candles = builder()

    assert candles.forming() == []
    assert str(candles.average()) == "nan"


def bars(*rows, span=MINUTE, seen=T0 + DAY):
    return [
        Bar(
            instrument=COIN,
            span=span,
            opens=Millis(opens),
            open=price,
            high=price + 1,
            low=price - 1,
            close=price,
            volume=volume,
            value=volume * price,
            seen=Millis(seen),
        )
        for opens, price, volume in rows
    ]


def test_history_that_comes_before_the_first_trade_counts_for_the_day():
    candles = builder()
    candles.adopt(MINUTE, bars((T0 - MINUTE, 5.0, 100.0), (T0, 10.0, 2.0)))
    candles.add(T0 + MINUTE, 16.0, 1.0)

    assert candles.average() == pytest.approx(12.0)
    assert built(candles)[MINUTE][T0] == (10.0, 11.0, 9.0, 10.0, 2.0, 20.0)


def test_history_told_twice_changes_nothing_the_second_time():
    candles = builder()
    candles.add(T0 + 3 * MINUTE, 10.0, 1.0)
    history = bars((T0, 10.0, 2.0), (T0 + MINUTE, 11.0, 2.0))
    for span in SPANS:
        candles.adopt(span, history if span == MINUTE else [])
    once, average = built(candles), candles.average()
    candles.adopt(MINUTE, history)

    assert (built(candles), candles.average()) == (once, pytest.approx(average))


def test_history_that_closes_the_forming_minute_lets_the_next_trade_begin_a_new_one():
    candles = builder()
    candles.add(T0, 10.0, 1.0)
    candles.adopt(MINUTE, bars((T0, 10.0, 5.0), (T0 + MINUTE, 11.0, 2.0)))
    candles.add(T0 + MINUTE + 1, 99.0, 7.0)  # of a minute that the venue has told whole
    candles.add(T0 + 2 * MINUTE, 12.0, 1.0)
    candles.add(T0 + 2 * MINUTE + 1, 12.0, 1.0)

    assert {opens: row[4] for opens, row in built(candles)[MINUTE].items()} == {
        T0: 5.0,
        T0 + MINUTE: 2.0,
        T0 + 2 * MINUTE: 2.0,
    }
    assert candles.average() == pytest.approx((50.0 + 22.0 + 24.0) / 9.0)


@pytest.mark.parametrize("keep", [2, 1000])
def test_history_told_again_does_not_count_minutes_twice_whose_candles_are_gone(keep):
    candles = builder(keep=keep)
    told = bars(*((T0 + minute * MINUTE, 10.0 + minute, 1.0) for minute in range(-1, 6)))
    for history in (told[3:], told, told):  # first without the earliest: those count when they come
        candles.adopt(MINUTE, history)

    assert candles.average() == pytest.approx(sum(10.0 + minute for minute in range(6)) / 6)


CAPTURES = Path(__file__).parents[2] / ".." / "shared" / "data" / "upbit"


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside this checkout")
def test_real_one_minute_bars_adopted_whole_give_the_closes_that_the_venue_told():
    rows = json.loads(next(CAPTURES.glob("rest_candles_KRW-BTC_1m_*.json")).read_text())
    rows = rows["body"] if isinstance(rows, dict) else rows
    closes = [float(row["trade_price"]) for row in reversed(rows)]
    candles = builder()
    candles.adopt(MINUTE, bars(*((T0 + n * MINUTE, close, 1.0) for n, close in enumerate(closes))))

    assert [candle.close for candle in candles.series[0].closed] == closes
