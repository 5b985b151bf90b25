"""The indicators of `core/domain/indicators.py` over whole series, for pictures and backtests.

Apart from them because of numpy: what only keeps indicators bar by bar starts without it.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Series: TypeAlias = npt.NDArray[np.float64]
WILDER = 14


def sma(closes: Series, length: int) -> Series:
    """Simple moving average.

    Args:
        closes: shape (n,), quote currency, oldest first, no NaN.
        length: bars in the average, at least 1.

    Returns:
        Shape (n,), quote currency. The first `length - 1` entries are NaN.

    Raises:
        ValueError: `length` < 1, or `closes` is not one-dimensional.

    >>> sma(np.array([1.0, 2.0, 4.0]), length=2).tolist()
    [nan, 1.5, 3.0]
    """
    out = _empty(closes, length)
    if len(closes) >= length:
        out[length - 1 :] = np.lib.stride_tricks.sliding_window_view(closes, length).mean(axis=1)
    return out


def ema(closes: Series, length: int) -> Series:
    """Exponential moving average, seeded with the simple average of the first `length` closes, as TA-Lib does.

    Args:
        closes: shape (n,), quote currency, oldest first, no NaN.
        length: bars, at least 1; the newest close weighs 2 / (length + 1).

    Returns:
        Shape (n,), quote currency. The first `length - 1` entries are NaN.

    Raises:
        ValueError: `length` < 1, or `closes` is not one-dimensional.

    >>> ema(np.array([1.0, 2.0, 4.0]), length=2).round(4).tolist()
    [nan, 1.5, 3.1667]
    """
    out = _empty(closes, length)
    if len(closes) >= length:
        out[length - 1 :] = _smooth(closes[length:], float(closes[:length].mean()), 2.0 / (length + 1))
    return out


def rsi(closes: Series, length: int = WILDER) -> Series:
    """Relative strength index with Wilder's smoothing.

    Args:
        closes: shape (n,), quote currency, oldest first, no NaN.
        length: bars in the average, at least 1.

    Returns:
        Shape (n,), unit-free, 0..100. The first `length` entries are NaN: there is no average yet, and a made-up 50
        would look like a signal. A series that never falls gives 100, one that never moves gives NaN (TA-Lib says 0).

    Raises:
        ValueError: `length` < 1, or `closes` is not one-dimensional.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI.

    >>> rsi(np.array([1.0, 2.0, 3.0, 2.0, 4.0]), length=2).round(1).tolist()
    [nan, nan, 100.0, 50.0, 83.3]
    """
    out = _empty(closes, length)
    changes = np.diff(closes)
    gain, loss = _wilder(np.maximum(changes, 0.0), length), _wilder(np.maximum(-changes, 0.0), length)
    moved = gain + loss
    with np.errstate(invalid="ignore", divide="ignore"):
        out[length:] = np.where(moved > 0.0, 100.0 * gain / moved, np.nan)
    return out


def atr(highs: Series, lows: Series, closes: Series, length: int = WILDER) -> Series:
    """Average true range with Wilder's smoothing.

    Args:
        highs, lows, closes: shape (n,) each, quote currency, oldest first, no NaN.
        length: bars in the average, at least 1.

    Returns:
        Shape (n,), quote currency. The first `length` entries are NaN: the first bar has no previous close.

    Raises:
        ValueError: `length` < 1, or a series is not one-dimensional.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section III.

    >>> atr(np.array([2.0, 3.0]), np.array([1.0, 2.0]), np.array([1.5, 2.5]), length=1).tolist()
    [nan, 1.5]
    """
    out = _empty(closes, length)
    before = closes[:-1]
    out[length:] = _wilder(np.maximum(highs[1:], before) - np.minimum(lows[1:], before), length)
    return out


def disparity(closes: Series, length: int) -> Series:
    """Close over its simple moving average, minus 1. Shape (n,); the first `length - 1` entries are NaN.

    Raises:
        ValueError: `length` < 1, or `closes` is not one-dimensional.

    >>> disparity(np.array([100.0, 60.0]), length=2).tolist()
    [nan, -0.25]
    """
    return closes / sma(closes, length) - 1.0


def vwap(values: Series, volumes: Series, sessions: npt.NDArray[np.int64]) -> Series:
    """Volume-weighted average price since each session began.

    Args:
        values, volumes: shape (n,) each, what traded in each bar, quote currency and units, oldest first.
        sessions: shape (n,), which session a bar lies in (its first millisecond, say); a change begins a new one.

    Returns:
        Shape (n,), quote currency per unit; NaN until a session's first unit has traded.

    >>> vwap(np.array([30.0, 30.0, 5.0]), np.array([2.0, 1.0, 1.0]), np.array([1, 1, 2])).tolist()
    [15.0, 20.0, 5.0]
    """
    out = np.full(len(values), np.nan)
    edges = np.flatnonzero(np.diff(sessions)) + 1
    for part in np.split(np.arange(len(values)), edges):
        value, volume = np.cumsum(values[part]), np.cumsum(volumes[part])
        out[part] = np.divide(value, volume, out=np.full(len(part), np.nan), where=volume > 0.0)
    return out


def _wilder(values: Series, length: int) -> Series:
    """Wilder's average of each stretch of `values`, from the first `length` of them on; empty where there are fewer."""
    if len(values) < length:
        return np.empty(0)
    return _smooth(values[length:], float(values[:length].mean()), 1.0 / length)


def _smooth(values: Series, seed: float, alpha: float) -> Series:
    """The seed, then one average for each value: a recurrence, so a loop; over plain floats it is the fastest one."""
    average = seed
    out = [average]
    for value in values.tolist():
        average += alpha * (value - average)
        out.append(average)
    return np.array(out)


def _empty(closes: Series, length: int) -> Series:
    if length < 1:
        raise ValueError(f"an average of {length} bars: use at least 1")
    if closes.ndim != 1:
        raise ValueError(f"a series of shape {closes.shape}: use one dimension")
    return np.full(len(closes), np.nan)
