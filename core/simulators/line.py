"""Everything that one simulated pair has printed so far, kept so that REST and stream tell the same story."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from core.domain.values import DAY, HOUR, MINUTE
from core.simulators.coins import Coin
from core.simulators.drift import drift
from core.simulators.history import Candle, Columns, columns, folded, joined, past
from core.simulators.ladder import Ladder

LISTED = 1000 * DAY
"""How long before the market began every pair was listed."""

KEPT = 5000
"""Trades of one pair that can be asked for again."""


LATE_SPANS = 2
"""A late trade is less than this many seconds behind those told before it."""


class Print(NamedTuple):
    """One trade as a market tells it.

    at        when it happened; `told` when it was sent, later for the few late ones
    sequence  unique within its pair, at x 10,000 + counter: grows with `at`, not with `told`
    buying    whether the taker bought
    bid, ask  best prices when it happened; `version` names the book that showed them
    """

    symbol: str
    price: float
    quantity: float
    buying: bool
    at: int
    told: int
    sequence: int
    bid: float
    ask: float
    version: int


class Summary(NamedTuple):
    """A pair's ticker. `volume` and `value` since 00:00 UTC, `*_24h` over the last 24 hours."""

    opening: float
    high: float
    low: float
    previous_close: float
    volume: float
    value: float
    bought: float
    volume_24h: float
    value_24h: float


class Line:
    """One pair's state. Trades are added in the order told; a late one changes its own minute, not the last price."""

    def __init__(self, coin: Coin, key: int, ladder: Ladder, birth: int) -> None:
        self.coin, self.key, self.ladder, self.birth = coin, key, ladder, birth
        self.bid = self.ask = 0.0
        self.version = birth
        self.prints: deque[Print] = deque(maxlen=KEPT)
        self._live: dict[int, list[float]] = {}
        self._days: dict[int, Candle | None] = {}
        self._bought = 0.0
        self._extremes: tuple[float, int, float, int] | tuple[()] = ()
        self._window, self._rolling = -1, (0.0, 0.0, 0.0)
        before = past(coin, key, ladder, birth - DAY, birth)
        self._marks = _marks(before, birth)
        self._begin_day(birth // DAY * DAY, before.between(birth // DAY * DAY, birth))
        final = self.candles(MINUTE, 1, birth)[0]
        told = final.stamp
        self.last = Print(coin.symbol, final.close, final.volume, True, told, told, told * 10_000, 0.0, 0.0, birth)

    def _begin_day(self, day: int, today: Columns) -> None:
        """Begin the UTC day with what history says of it; where it says nothing, with the last close."""
        self.day = day
        self.previous_close = self.candles(MINUTE, 1, day)[0].close
        self.opening = self.high = self.low = self.previous_close
        self._bought, self._unseen = float(today.volume.sum()) / 2, True
        if len(today.opens):
            self.opening, self.high, self.low = float(today.open[0]), float(today.high.max()), float(today.low.min())
            self._unseen = False

    def quote(self, bid: float, ask: float, version: int) -> None:
        self.bid, self.ask, self.version = bid, ask, version

    def add(self, trade: Print) -> None:
        """Take a trade that is told now."""
        self.roll(trade.told)
        _fold(trade, MINUTE, self._live)
        total = self._marks[-1]
        self._marks[-1] = (total[0] + trade.quantity, total[1] + trade.price * trade.quantity)
        if trade.at >= self.day:
            self._extend_day(trade)
        self.prints.append(trade)
        first, top, bottom = self._rolling
        self._rolling = first, max(top, trade.price), min(bottom, trade.price)
        if trade.sequence > self.last.sequence:
            self.last = trade

    def _extend_day(self, trade: Print) -> None:
        if self._unseen:
            self.opening = self.high = self.low = trade.price
            self._unseen = False
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self._bought += trade.quantity if trade.buying else 0.0

    def roll(self, at: int) -> None:
        """Go on to the minute and day of `at`, silent ones included."""
        minute = (at - self.birth) // MINUTE + DAY // MINUTE
        while len(self._marks) <= minute + 1:
            self._marks.append(self._marks[-1])
        if at >= self.day + DAY:
            self.day = at // DAY * DAY
            self.previous_close = self.opening = self.high = self.low = self.last.price
            self._bought, self._unseen = 0.0, True

    def summary(self, at: int) -> Summary:
        """The ticker as of `at`, which must not be before anything that was added."""
        self.roll(at)
        total, today = self._marks[-1], self._marked(self.day)
        earlier = self._marked(at // MINUTE * MINUTE - DAY + MINUTE)
        return Summary(
            self.opening, self.high, self.low, self.previous_close,
            max(total[0] - today[0], 0.0), max(total[1] - today[1], 0.0), self._bought,
            total[0] - earlier[0], total[1] - earlier[1],
        )  # fmt: skip

    def rolling(self, at: int) -> tuple[float, float, float]:
        """First, highest and lowest price of the last 24 hours. The window moves on once a minute, each pair's at a
        moment of its own: to look at a day anew is dear, and a thousand pairs would do it at once."""
        window = (at + self.key % MINUTE) // MINUTE
        if window != self._window:
            minutes, last = self.minutes(at - DAY, at + 1), self.last.price
            first = float(minutes.open[0]) if len(minutes.opens) else last
            tops, bottoms = (*minutes.high.tolist(), last), (*minutes.low.tolist(), last)
            self._window, self._rolling = window, (first, max(tops), min(bottoms))
        return self._rolling

    def _marked(self, moment: int) -> tuple[float, float]:
        """Volume and value traded up to `moment`, a minute's edge, since a day before the market began."""
        return self._marks[max((moment - self.birth) // MINUTE + DAY // MINUTE, 0)]

    def minutes(self, first: int, end: int) -> Columns:
        """One-minute candles that open in first <= opens < end, oldest first, without the silent ones."""
        rows = [_row(opens, row) for opens, row in sorted(self._live.items()) if first <= opens < end]
        live = columns(rows)
        if first >= self.birth:
            return live
        return joined(past(self.coin, self.key, self.ladder, first, min(end, self.birth)), live)

    def candles(self, span: int, count: int, end: int) -> list[Candle]:
        """The newest `count` candles of `span` ms that open before `end` (epoch ms), newest first."""
        if span < MINUTE:
            return self._short(span, count, end)
        if span == DAY:
            return self._daily(count, end)
        found: list[Candle] = []
        edge, floor = -(-end // span) * span, self.birth - LISTED
        while len(found) < count and edge > floor:
            start = max(edge - (count - len(found) + 5) * span, floor // span * span)
            found += folded(self.minutes(start, edge), span).rows()[::-1]
            edge = start
        return found[:count]

    def _short(self, span: int, count: int, end: int) -> list[Candle]:
        """Candles under a minute, from the trades that are still kept: there are none from before the market began."""
        folds: dict[int, list[float]] = {}
        for trade in reversed(self.prints):
            if trade.at < end:
                _fold(trade, span, folds)
            if len(folds) > count + LATE_SPANS:
                break
        return [_row(opens, row) for opens, row in sorted(folds.items(), reverse=True)][:count]

    def _daily(self, count: int, end: int) -> list[Candle]:
        newest = (end - 1) // DAY * DAY
        days = (
            self._one_day(newest - back * DAY) for back in range(count) if newest - back * DAY >= self.birth - LISTED
        )
        return [day for day in days if day is not None]

    def _one_day(self, day: int) -> Candle | None:
        """One UTC day; a day that ended before the market began never changes, so it is kept."""
        if day in self._days:
            return self._days[day]
        rows = folded(self.minutes(day, day + DAY), DAY).rows()
        found = rows[0] if rows else None
        if day + DAY <= self.birth:
            self._days[day] = found
        return found

    def average(self, days: int, at: int) -> float:
        """Mean close of the last `days` finished UTC days."""
        closes = [candle.close for candle in self._daily(days, at // DAY * DAY)]
        return sum(closes) / len(closes)

    def extremes(self) -> tuple[float, int, float, int]:
        """Highest price of 52 weeks and its time, lowest and its time: hourly looks at the past, today in full."""
        if not self._extremes:
            hours = np.arange(self.birth - 364 * DAY, self.birth, HOUR, dtype=np.int64)
            prices = self.ladder.floors(self.coin.price * np.exp(drift(np.array([self.key], dtype=np.uint64), hours)))
            top, bottom = int(prices.argmax()), int(prices.argmin())
            self._extremes = (float(prices[top]), int(hours[top]), float(prices[bottom]), int(hours[bottom]))
        high, high_at, low, low_at = self._extremes
        if self.high > high:
            high, high_at = self.high, self.day
        if self.low < low:
            low, low_at = self.low, self.day
        return high, high_at, low, low_at


def _fold(trade: Print, span: int, into: dict[int, list[float]]) -> None:
    """Put a trade into its candle: open and close go by sequence, so that late trades land where they belong."""
    opens = trade.at // span * span
    price = trade.price
    row = into.setdefault(opens, [price, price, price, price, 0.0, 0.0, trade.at, trade.sequence, trade.sequence])
    row[1], row[2] = max(row[1], price), min(row[2], price)
    row[4] += trade.quantity
    row[5] += price * trade.quantity
    if trade.sequence < row[7]:
        row[0], row[7] = price, trade.sequence
    if trade.sequence > row[8]:
        row[3], row[6], row[8] = price, trade.at, trade.sequence


def _row(opens: int, row: list[float]) -> Candle:
    return Candle(opens, row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]))


def _marks(before: Columns, birth: int) -> list[tuple[float, float]]:
    """Running sums at each minute's edge of the day before `birth`, its own edge included, and one to go on from."""
    edges = birth - DAY + np.arange(DAY // MINUTE + 1) * MINUTE
    done = np.searchsorted(before.opens, edges)
    volume = np.concatenate(([0.0], np.cumsum(before.volume)))[done]
    value = np.concatenate(([0.0], np.cumsum(before.value)))[done]
    marks = list(zip(volume.tolist(), value.tolist(), strict=True))
    return [*marks, marks[-1]]
