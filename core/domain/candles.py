"""Candles of 1 m, 5 m and 1 h from ticks (D8), in one mutable builder per symbol because this is the hot path.

The rules, for each candle of each span:
- A candle covers its stretch of the UTC grid, cut at the market's day boundary, and exists only where there was a
  trade: minutes without one make no candle, as at the venues.
- High, low, volume and value are over all its trades. Its open is the price of the earliest trade and its close that
  of the latest, by the venue's clock; of several at the same millisecond the first to arrive opens and the last to
  arrive closes. So the order of arrival does not matter but for such ties.
- A trade is late when it is older than the newest one. It is taken while its minute is not older than the last closed
  1 m candle, amends what it belongs to (or makes the candle that its minute lacked), and is counted. A trade older
  than that is counted and dropped, for every span alike, so that the spans keep telling the same story.
- A candle that the venue told (`Series.adopt`) is settled: trades no longer change it, the venue has counted them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.domain.candle import Candle
from core.domain.events import Bar
from core.domain.indicators import Vwap
from core.domain.quality import TOO_LATE, Quality
from core.domain.series import Change, Series
from core.domain.sessions import Calendar
from core.domain.values import MINUTE, Millis


class Turn(NamedTuple):
    """What a trade did beyond the ordinary. Of a late one `dropped` says that it was too late to count."""

    late: bool
    dropped: bool
    changes: list[Change]


DROPPED = Turn(late=True, dropped=True, changes=[])


class Candles:
    """All spans of one symbol. `price` and `at` are of the newest trade by the venue's clock; 0 before the first.

    counted  when the earliest minute began that is in the day's VWAP, 0 for none: the candles of some are gone already

    While trades come in order within a minute, the close of the forming candles is left to `price` and `at`.
    """

    __slots__ = ("at", "counted", "day_end", "days", "ends", "h1", "m1", "m5", "price", "series", "vwap")

    def __init__(self, series: tuple[Series, Series, Series], days: Calendar) -> None:
        self.series, self.days = series, days
        self.price, self.at, self.ends, self.day_end, self.counted = 0.0, 0, 0, 0, 0
        self.vwap = Vwap()
        nothing = Candle(0, 0, 0, 0.0)
        self.m1 = self.m5 = self.h1 = nothing

    def add(self, at: int, price: float, quantity: float) -> Turn | None:
        """Count one trade. None when it was in order and within the minute, which nearly every one is."""
        if not self.at <= at < self.ends:  # the next 1 m boundary is one of 5 m and 1 h too, or neither ends
            return self._turn(at, price, quantity)
        amount = price * quantity
        m1, m5, h1 = self.m1, self.m5, self.h1
        m1.volume += quantity
        m5.volume += quantity
        h1.volume += quantity
        m1.value += amount
        m5.value += amount
        h1.value += amount
        if price != self.price:
            self.price = price
            if price > m1.high:  # no wider candle has a lower high, nor a higher low
                m1.high = price
                if price > m5.high:
                    m5.high = price
                    if price > h1.high:
                        h1.high = price
            elif price < m1.low:
                m1.low = price
                if price < m5.low:
                    m5.low = price
                    if price < h1.low:
                        h1.low = price
        self.at = at
        return None

    def redate(self) -> None:
        """The calendar knows more of single days than it did: the newest trade's day may end at another moment."""
        closed = self.series[0].closed
        newest = max(self.at, closed[-1].opens if closed else 0)
        if newest:
            self.day_end = self.days.day_end(Millis(newest))

    def forming(self) -> list[tuple[Series, Candle]]:
        """The forming candles with their closes brought up to date, shortest span first."""
        self._sync()
        return [(series, series.forming) for series in self.series if series.forming is not None]

    def adopt(self, span: Millis, bars: Sequence[Bar]) -> None:
        """Take the venue's own bars of one span; see `Series.adopt`."""
        self._sync()
        if bars:
            self._enter(max(bar.opens for bar in bars))
        for series in self.series:
            if series.span == span:
                today = self.days.day_start(Millis(self.day_end - 1))
                value, volume = series.adopt(bars, today, self.counted)
                if span == MINUTE:
                    self.vwap.add(value, volume)
                    self._reach(min((bar.opens for bar in bars if bar.closed and bar.opens >= today), default=0))
        self.ready()

    def average(self) -> float:
        """VWAP of the market's day so far, or of as much of it as is known."""
        minute = self.series[0].forming
        return self.vwap.peek(minute.value, minute.volume) if minute is not None else self.vwap.value

    def _turn(self, at: int, price: float, quantity: float) -> Turn:
        """The rare cases: a new minute, or a trade that is late."""
        minutes, newest = self.series[0], at >= self.at
        if not newest and minutes.closed and at < minutes.closed[-1].opens:
            self._lacks(at)
            return DROPPED
        self._sync()
        changes: list[Change] = []
        amount = price * quantity
        for series in self.series:
            series.take(at, price, quantity, amount, newest, changes)
        self._count(at, changes, amount, quantity)
        if newest:
            self.price, self.at = price, at
        self.ready()
        return Turn(late=not newest, dropped=False, changes=changes)

    def _lacks(self, at: int) -> None:
        """A trade of `at` was dropped: the candles that it belongs to are not whole."""
        for series in self.series:
            series.spoil(at, at + 1, Quality.GAPPED, TOO_LATE)

    def _enter(self, at: int) -> bool:
        """Begin the market's day that `at` lies in, where it is a new one."""
        if at < self.day_end:
            return False
        self.vwap.reset()
        self.counted = 0
        self.day_end = self.days.day_end(Millis(at))
        return True

    def _count(self, at: int, changes: list[Change], amount: float, quantity: float) -> None:
        """Keep the VWAP of the closed minutes, anchored at the day."""
        if self._enter(at):
            return
        start = self.days.day_start(Millis(self.day_end - 1))
        for change in changes:
            if change.series.span == MINUTE and change.candle.opens >= start:
                whole = (change.candle.value, change.candle.volume)
                self.vwap.add(*((amount, quantity) if change.amended else whole))
                self._reach(change.candle.opens)

    def _reach(self, opens: int) -> None:
        self.counted = min(self.counted or opens, opens or self.counted)

    def _sync(self) -> None:
        for series in self.series:
            if series.forming is not None:
                series.forming.close, series.forming.last_at = self.price, self.at

    def ready(self) -> None:
        """Point the hot path at the forming candles; where one is missing the next trade takes the long way."""
        m1, m5, h1 = (series.forming for series in self.series)
        if m1 is None or m5 is None or h1 is None:
            self.ends = 0
            return
        self.m1, self.m5, self.h1 = m1, m5, h1
        self.ends = m1.ends
