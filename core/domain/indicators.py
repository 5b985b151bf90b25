"""Indicators that are kept bar by bar (D8); `core/domain/curves.py` has the same ones over whole series.

Each has `update` for a bar that has closed, `amend` for a correction of the bar that closed last (a late trade),
`value` for the closed bars, and most have `peek` for what `value` would be if the forming bar closed at a price now.
NaN means that there is no average yet: a made-up figure would look like a signal.
"""

from array import array
from math import nan


class Ema:
    """Exponential moving average, seeded with the simple average of its first `length` closes, as TA-Lib does.

    >>> average = Ema(2)
    >>> for close in (1.0, 2.0, 4.0): average.update(close)
    >>> round(average.value, 4), round(average.peek(4.0), 4)
    (3.1667, 3.7222)
    """

    __slots__ = ("_count", "_sum", "_was", "alpha", "length", "value")

    def __init__(self, length: int) -> None:
        self.length = length
        self.alpha = 2.0 / (length + 1)
        self.value = nan
        self._count, self._sum, self._was = 0, 0.0, nan

    def update(self, close: float) -> None:
        self._was = self.value
        self.value = self.peek(close)
        self._count += 1
        if self._count <= self.length:
            self._sum += close

    def amend(self, was: float, close: float) -> None:
        """The last close was told as `was` and is `close`."""
        if self._count <= self.length:
            self._sum += close - was
            self.value = self._sum / self.length if self._count == self.length else nan
        else:
            self.value = self._was + self.alpha * (close - self._was)

    def peek(self, price: float) -> float:
        if self._count >= self.length:
            return self.value + self.alpha * (price - self.value)
        return (self._sum + price) / self.length if self._count == self.length - 1 else nan


class Sma:
    """Simple moving average; `tail` is the sum of the last `length - 1` closes, NaN while there are fewer.

    >>> average = Sma(2)
    >>> for close in (1.0, 2.0, 4.0): average.update(close)
    >>> average.value, average.peek(6.0)
    (3.0, 5.0)
    """

    __slots__ = ("_closes", "length", "tail", "value")

    def __init__(self, length: int) -> None:
        self.length = length
        self.value = nan
        self.tail = 0.0 if length == 1 else nan
        self._closes = array("d")

    def update(self, close: float) -> None:
        self._closes.append(close)
        if len(self._closes) > self.length:
            del self._closes[0]
        self._settle()

    def amend(self, was: float, close: float) -> None:
        """The last close is `close`; `was` is not needed, the closes themselves are kept."""
        self._closes[-1] = close
        self._settle()

    def peek(self, price: float) -> float:
        return (self.tail + price) / self.length

    def disparity(self, price: float) -> float:
        """Price over the average that includes it, minus 1 (-0.08 is 8 % under)."""
        return price * self.length / (self.tail + price) - 1.0

    def _settle(self) -> None:
        """Add up afresh: a running sum would gather rounding errors over the months a streamer runs."""
        closes, length = self._closes, self.length
        self.value = sum(closes) / length if len(closes) == length else nan
        last = closes[len(closes) - length + 1 :] if len(closes) >= length - 1 else None
        self.tail = nan if last is None else sum(last)


class Rsi:
    """Relative strength index with Wilder's smoothing, 0 to 100.

    NaN for the first `length` bars, and for as long as the price has never moved: there is neither strength nor
    weakness in it. (TA-Lib says 0 there, which reads as "fallen without end".) A series that never falls gives 100.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI.

    >>> strength = Rsi(2)
    >>> for close in (1.0, 2.0, 3.0, 2.0): strength.update(close)
    >>> strength.value
    50.0
    """

    __slots__ = ("_before", "_close", "_count", "_gain", "_loss", "_was", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self._count = 0
        self._close = self._before = nan
        self._gain, self._loss = 0.0, 0.0
        self._was = (0.0, 0.0)

    @property
    def value(self) -> float:
        return _strength(self._gain, self._loss) if self._count > self.length else nan

    def update(self, close: float) -> None:
        self._was = (self._gain, self._loss)
        if self._count:
            self._gain, self._loss = self._next(self._was, self._count, close - self._close)
        self._before, self._close = self._close, close
        self._count += 1

    def amend(self, was: float, close: float) -> None:
        """The last close is `close`; `was` is not needed, the step before it is kept."""
        if self._count > 1:
            self._gain, self._loss = self._next(self._was, self._count - 1, close - self._before)
        self._close = close

    def peek(self, price: float) -> float:
        if self._count < self.length:
            return nan
        return _strength(*self._next((self._gain, self._loss), self._count, price - self._close))

    def _next(self, was: tuple[float, float], count: int, change: float) -> tuple[float, float]:
        """Averages after one more change, the `count`th: a plain mean up to the length, smoothed after it."""
        gain, loss = (change, 0.0) if change > 0.0 else (0.0, -change)
        length = self.length
        if count <= length:  # sums of change / length: after `length` changes they are the first averages
            return was[0] + gain / length, was[1] + loss / length
        return (was[0] * (length - 1) + gain) / length, (was[1] * (length - 1) + loss) / length


class Atr:
    """Average true range with Wilder's smoothing, in quote currency; NaN for the first `length` bars.

    The first bar has no previous close and so no true range, as in TA-Lib.

    >>> reach = Atr(1)
    >>> for bar in ((2.0, 1.0, 1.5), (3.0, 2.0, 2.5)): reach.update(*bar)
    >>> reach.value
    1.5
    """

    __slots__ = ("_before", "_close", "_count", "_mean", "_was", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self._count = 0
        self._close = self._before = nan
        self._mean = self._was = 0.0

    @property
    def value(self) -> float:
        return self._mean if self._count > self.length else nan

    def update(self, high: float, low: float, close: float) -> None:
        self._was = self._mean
        if self._count:
            self._mean = self._next(self._was, self._count, true_range(high, low, self._close))
        self._before, self._close = self._close, close
        self._count += 1

    def amend(self, high: float, low: float, close: float) -> None:
        if self._count > 1:
            self._mean = self._next(self._was, self._count - 1, true_range(high, low, self._before))
        self._close = close

    def peek(self, high: float, low: float) -> float:
        if self._count < self.length:
            return nan
        return self._next(self._mean, self._count, true_range(high, low, self._close))

    def _next(self, mean: float, count: int, reach: float) -> float:
        if count <= self.length:
            return mean + reach / self.length
        return (mean * (self.length - 1) + reach) / self.length


class Vwap:
    """Volume-weighted average price since the session began; NaN before its first trade.

    >>> average = Vwap()
    >>> average.add(value=30.0, volume=2.0)
    >>> average.value, average.peek(value=30.0, volume=1.0)
    (15.0, 20.0)
    """

    __slots__ = ("_value", "_volume")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new session."""
        self._value, self._volume = 0.0, 0.0

    def add(self, value: float, volume: float) -> None:
        """Quote currency and units traded; negative to take back what was counted wrongly."""
        self._value += value
        self._volume += volume

    @property
    def value(self) -> float:
        return self.peek(0.0, 0.0)

    def peek(self, value: float, volume: float) -> float:
        """With what has traded in a bar that is still forming."""
        units = self._volume + volume
        return (self._value + value) / units if units > 0.0 else nan


def true_range(high: float, low: float, close: float) -> float:
    """Reach of a bar, the gap from the close before it included."""
    return max(high, close) - min(low, close)


def _strength(gain: float, loss: float) -> float:
    moved = gain + loss
    return 100.0 * gain / moved if moved > 0.0 else nan
