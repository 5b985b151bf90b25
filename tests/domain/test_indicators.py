"""D8: indicators kept bar by bar agree with the whole series, with TA-Lib, and with themselves after a correction."""

import math

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from core.domain import curves
from core.domain.indicators import Atr, Ema, Rsi, Sma, Vwap, true_range

prices = st.floats(0.001, 2e8)
flat = st.builds(lambda price, n: [price] * n, prices, st.integers(1, 80))
rising = st.builds(lambda price, n: [price * (1 + 0.01 * k) for k in range(n)], prices, st.integers(1, 80))
falling = rising.map(lambda series: series[::-1])
walks = st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=80).map(
    lambda steps: (100.0 * np.cumprod(1.0 + np.array(steps))).tolist()
)
closes = st.one_of(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=80), flat, rising, falling, walks)
lengths = st.integers(2, 30)


def same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def values(gauge, series):
    out = []
    for close in series:
        gauge.update(close)
        out.append(gauge.value)
    return out


@given(series=closes, length=lengths)
def test_ema_agrees_with_the_whole_series_and_with_ta_lib(series, length):
    kept = values(Ema(length), series)

    same(kept, curves.ema(np.array(series), length))
    same(kept, talib.EMA(np.array(series), length))


@given(series=closes, length=lengths)
def test_sma_agrees_with_the_whole_series_and_with_ta_lib(series, length):
    kept = values(Sma(length), series)

    same(kept, curves.sma(np.array(series), length))
    same(np.array(kept), np.array(series) * (talib.SMA(np.array(series), length) / np.array(series)))


@given(series=closes, length=lengths)
def test_rsi_agrees_with_the_whole_series_and_with_ta_lib_except_that_what_never_moved_is_nan(series, length):
    kept = np.array(values(Rsi(length), series))
    theirs = talib.RSI(np.array(series), length)
    moved = np.array([len(set(series[: n + 1])) > 1 for n in range(len(series))])
    known = np.arange(len(series)) >= length

    same(kept, curves.rsi(np.array(series), length))
    same(kept[moved & known], theirs[moved & known])
    assert np.isnan(kept[~moved | ~known]).all()


@given(series=closes, reach=st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 0.1)), min_size=80), length=lengths)
def test_atr_agrees_with_the_whole_series_and_with_ta_lib(series, reach, length):
    highs = [close * (1 + up) for close, (up, _) in zip(series, reach, strict=False)]
    lows = [close * (1 - down) for close, (_, down) in zip(series, reach, strict=False)]
    gauge, kept = Atr(length), []
    for bar in zip(highs, lows, series, strict=True):
        gauge.update(*bar)
        kept.append(gauge.value)

    arrays = np.array(highs), np.array(lows), np.array(series)
    scale = max(highs)
    same(np.array(kept) / scale, curves.atr(*arrays, length) / scale)
    same(np.array(kept) / scale, talib.ATR(*arrays, length) / scale)


@given(series=closes, price=prices, length=lengths)
def test_a_peek_is_the_value_that_an_update_would_give_and_changes_nothing(series, price, length):
    for make in (Ema, Sma, Rsi):
        peeked, told = make(length), make(length)
        for close in series:
            peeked.update(close)
            told.update(close)
        guess = peeked.peek(price)
        assert str(peeked.value) == str(told.value)
        told.update(price)
        assert (math.isnan(guess) and math.isnan(told.value)) or guess == pytest.approx(told.value, rel=1e-9, abs=1e-9)


@given(series=closes, price=st.floats(1.0, 1e6), length=lengths)
def test_atr_peeks_like_the_others(series, price, length):
    gauge = Atr(length)
    for close in series:
        gauge.update(close * 1.01, close * 0.99, close)
    guess = gauge.peek(price * 1.01, price * 0.99)
    gauge.update(price * 1.01, price * 0.99, price)

    assert (math.isnan(guess) and math.isnan(gauge.value)) or guess == gauge.value


@given(series=closes, wrong=st.lists(st.floats(1.0, 1e6), min_size=80), length=lengths)
def test_a_close_that_is_corrected_leaves_the_same_as_if_it_had_been_right(series, wrong, length):
    for make in (Ema, Sma, Rsi):
        right, amended = make(length), make(length)
        for close, mistake in zip(series, wrong, strict=False):
            right.update(close)
            amended.update(mistake)
            amended.amend(mistake, close)
            scale = max(1.0, *wrong) if make is Ema else 1.0  # its seed is a sum from which the mistake is taken back
            np.testing.assert_allclose(amended.value, right.value, rtol=1e-9, atol=1e-9 * scale)


@given(series=closes, wrong=st.lists(st.floats(1.0, 1e6), min_size=80), length=lengths)
def test_atr_is_corrected_like_the_others(series, wrong, length):
    right, amended = Atr(length), Atr(length)
    for close, mistake in zip(series, wrong, strict=False):
        right.update(close, close, close)
        amended.update(mistake, mistake, mistake)
        amended.amend(close, close, close)
        same(amended.value, right.value)


@given(series=closes, price=prices, length=lengths)
def test_the_disparity_is_over_the_average_that_includes_the_price(series, price, length):
    gauge = Sma(length)
    for close in series:
        gauge.update(close)

    whole = curves.disparity(np.array([*series, price]), length)[-1]
    same(gauge.disparity(price), whole)


def test_an_average_of_one_bar_is_the_bar():
    gauge = Sma(1)
    assert gauge.peek(5.0) == 5.0

    gauge.update(7.0)
    assert (gauge.value, gauge.peek(5.0)) == (7.0, 5.0)


def test_vwap_is_nan_before_the_first_trade_and_after_a_new_session_begins():
    average = Vwap()
    assert math.isnan(average.value)

    average.add(value=30.0, volume=2.0)
    assert average.value == 15.0
    assert average.peek(value=30.0, volume=1.0) == 20.0

    average.reset()
    assert math.isnan(average.value)


@given(bars=st.lists(st.tuples(st.floats(0, 1e9), st.floats(0.001, 1e4), st.integers(0, 3)), min_size=1, max_size=40))
def test_vwap_agrees_with_the_whole_series(bars):
    bars.sort(key=lambda bar: bar[2])
    average, kept, session = Vwap(), [], None
    for value, volume, day in bars:
        if day != session:
            average.reset()
            session = day
        average.add(value, volume)
        kept.append(average.value)
    amounts, volumes, days = (np.array(column) for column in zip(*bars, strict=True))

    same(kept, curves.vwap(amounts, volumes, days))


def test_the_true_range_includes_the_gap():
    assert true_range(high=12.0, low=11.0, close=9.0) == 3.0
    assert true_range(high=12.0, low=11.0, close=13.0) == 2.0
