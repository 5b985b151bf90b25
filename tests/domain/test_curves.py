"""D8: the indicators over whole series; their agreement with the bar-by-bar ones is in test_indicators.py."""

import numpy as np
import pytest

from core.domain.curves import atr, disparity, ema, rsi, sma, vwap

NAN = float("nan")


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("curve", [sma, ema, rsi, disparity])
def test_a_series_shorter_than_the_average_has_no_value(curve):
    assert np.isnan(curve(np.array([1.0, 2.0]), 3)).all()
    assert curve(np.array([]), 3).shape == (0,)


def test_the_true_range_needs_a_close_before_it():
    assert np.isnan(atr(np.array([2.0]), np.array([1.0]), np.array([1.0]), 1)).all()


@pytest.mark.parametrize("curve", [sma, ema, rsi, disparity])
def test_an_average_of_no_bars_is_refused(curve):
    with pytest.raises(ValueError, match="an average of 0 bars: use at least 1"):
        curve(np.array([1.0]), 0)


@pytest.mark.parametrize("curve", [sma, ema, rsi, disparity])
def test_a_series_of_two_dimensions_is_refused(curve):
    with pytest.raises(ValueError, match="use one dimension"):
        curve(np.array([[1.0]]), 1)


def test_rsi_of_what_never_falls_is_100_and_of_what_never_rises_0_and_of_what_never_moves_nan():
    same(rsi(np.array([1.0, 2.0, 3.0]), 2), [NAN, NAN, 100.0])
    same(rsi(np.array([3.0, 2.0, 1.0]), 2), [NAN, NAN, 0.0])
    same(rsi(np.array([1.0, 1.0, 1.0]), 2), [NAN, NAN, NAN])


def test_a_session_without_volume_has_no_vwap_yet():
    same(vwap(np.array([0.0, 6.0]), np.array([0.0, 2.0]), np.array([1, 1])), [NAN, 3.0])
    assert vwap(np.array([]), np.array([]), np.array([], dtype=np.int64)).shape == (0,)


def test_each_curve_of_a_short_series_by_hand():
    closes = np.array([1.0, 2.0, 4.0, 2.0])

    same(sma(closes, 2), [NAN, 1.5, 3.0, 3.0])
    same(ema(closes, 2), [NAN, 1.5, 19 / 6, 43 / 18])
    same(disparity(closes, 2), [NAN, 1 / 3, 1 / 3, -1 / 3])
    same(rsi(closes, 2), [NAN, NAN, 100.0, 3000 / 70])
    same(atr(closes + 1, closes - 1, closes, 2), [NAN, NAN, 2.5, 2.75])
    same(vwap(closes, np.array([1.0, 1.0, 2.0, 1.0]), np.array([1, 1, 1, 2])), [1.0, 1.5, 1.75, 2.0])
