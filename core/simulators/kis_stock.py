"""One issue's state at the simulated KRX: today's figures, best prices, halts, and its candles."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from core.domain.values import MINUTE, Millis
from core.simulators.history import Candle
from core.simulators.kis_history import minutes_of, past_days, past_minutes
from core.simulators.kis_issues import Issue
from core.simulators.kis_time import Day, Phase, Timetable, midnight_of
from core.simulators.ladder import Ladder
from core.venues.spec import Rules

KEPT = 3000


class Told(NamedTuple):
    """One execution as it was told, with the day's figures including it.

    side     1 the buyer crossed, 5 the seller, 3 the opening auction
    auction  printed by an auction: everything that fits trades at this one price
    volume, value                since the day began, shares and KRW
    sells, buys, sold, bought    executions and shares by side
    """

    symbol: str
    at: int
    price: int
    quantity: int
    side: str
    phase: Phase
    auction: bool
    bid: int
    ask: int
    version: int
    volume: int
    value: int
    opening: int
    high: int
    low: int
    opened_at: int
    high_at: int
    low_at: int
    sells: int
    buys: int
    sold: int
    bought: int
    vi_price: int


class Stock:
    """What has been told of one issue. Prices are whole KRW, quantities whole shares."""

    def __init__(self, issue: Issue, key: int, ladder: Ladder, timetable: Timetable, rules: Rules, birth: int) -> None:
        self.issue, self.key, self.ladder, self._rules = issue, key, ladder, rules
        self._timetable, self._birth = timetable, birth
        self.bid = self.ask = 0
        self.version = birth
        self.phase = Phase.SHUT
        self.interrupted = False
        self.interruptions = 0
        self.deals: deque[Told] = deque(maxlen=KEPT)
        self._live: dict[int, list[int]] = {}
        self._days: dict[str, Candle] = {}
        day = timetable.of(birth)
        self.date = day.date if day else timetable.date(birth)
        self.last = round(self.daily(1, self.date)[0].close)
        self._begin(self.date)
        if day and day.opens < birth:
            self._resume(day)

    # the day ----------------------------------------------------------------------------------------------------

    def begin(self, day: str) -> None:
        """Begin another day: what closed yesterday is the new reference."""
        if self._live:
            self._days[self.date] = self._today()
        self._live.clear()
        self._begin(day)

    def _begin(self, day: str) -> None:
        self.date = day
        self.reference = self.vi_price = self.last
        if self._rules.bounds is None:
            raise ValueError("these rules have no daily limits")
        lower, upper = self._rules.bounds(self.issue.symbol, Decimal(self.reference), Millis(midnight_of(day)))
        self.lower, self.upper = int(lower), int(upper)
        self.opening = self.high = self.low = self.volume = self.value = 0
        self.opened_at = self.high_at = self.low_at = 0
        self.sells = self.buys = self.sold = self.bought = 0

    def _resume(self, day: Day) -> None:
        """Take up today's figures from what the past says of it."""
        done = past_minutes(self.issue, self.key, self.ladder, day.opens, minutes_of(day))
        rows = done.between(day.opens, min(self._birth, day.closes)).rows()
        for row in rows:
            figures = [round(row.open), round(row.high), round(row.low), round(row.close)]
            self._live[row.opens] = [*figures, round(row.volume), round(row.value)]
        if not rows:
            return
        whole = self._today()
        self.opening, self.high, self.low = round(whole.open), round(whole.high), round(whole.low)
        self.volume, self.value, self.last = round(whole.volume), round(whole.value), round(whole.close)
        self.opened_at = self.high_at = self.low_at = day.opens
        self.vi_price = self.opening
        self.sold = self.volume // 2
        self.bought = self.volume - self.sold

    # what is told -----------------------------------------------------------------------------------------------

    def quote(self, at: int, bid: int, ask: int) -> None:
        self.bid, self.ask, self.version = bid, ask, at

    def add(self, at: int, price: int, quantity: int, side: str, phase: Phase, *, auction: bool) -> Told:
        """Take one execution."""
        self.last = price
        self.volume += quantity
        self.value += price * quantity
        if side == "5":
            self.sells, self.sold = self.sells + 1, self.sold + quantity
        else:
            self.buys, self.bought = self.buys + 1, self.bought + quantity
        if phase is not Phase.AFTER:
            self._extend(at, price)
        if auction:
            self.vi_price = price
        self._fold(at, price, quantity)
        told = Told(
            self.issue.symbol, at, price, quantity, side, phase, auction, self.bid, self.ask, self.version,
            self.volume, self.value, self.opening, self.high, self.low, self.opened_at, self.high_at, self.low_at,
            self.sells, self.buys, self.sold, self.bought, self.vi_price,
        )  # fmt: skip
        self.deals.append(told)
        return told

    def _extend(self, at: int, price: int) -> None:
        if not self.opening:
            self.opening = self.high = self.low = price
            self.opened_at = self.high_at = self.low_at = at
        if price > self.high:
            self.high, self.high_at = price, at
        if price < self.low:
            self.low, self.low_at = price, at

    def _fold(self, at: int, price: int, quantity: int) -> None:
        row = self._live.setdefault(at // MINUTE * MINUTE, [price, price, price, price, 0, 0])
        row[1], row[2], row[3] = max(row[1], price), min(row[2], price), price
        row[4] += quantity
        row[5] += price * quantity

    # what is asked for ------------------------------------------------------------------------------------------

    def shift(self, price: int, steps: int) -> int:
        """The legal price `steps` above (or below) a legal price; 0 beyond the day's limits."""
        for _ in range(abs(steps)):
            price = int(self.ladder.up(price) if steps > 0 else self.ladder.down(price))
        return price if self.lower <= price <= self.upper else 0

    def minutes(self) -> list[Candle]:
        """Today's one-minute candles, oldest first; `opens` is the minute."""
        return [_candle(opens, row) for opens, row in sorted(self._live.items())]

    def minutes_on(self, day: Day) -> list[Candle]:
        """One day's minutes, oldest first."""
        if day.date == self.date:
            return self.minutes()
        return past_minutes(self.issue, self.key, self.ladder, day.opens, minutes_of(day)).rows()

    def daily(self, count: int, before: str) -> list[Candle]:
        """Finished days before a date, newest first; see `today` for the one that goes on."""
        days = list(islice(self._timetable.before(before), count))
        missing = [day for day in days if day.date not in self._days]
        for day, candle in zip(missing, past_days(self.issue, self.key, self.ladder, missing), strict=True):
            self._days[day.date] = candle
        return [self._days[day.date] for day in days]

    def today(self) -> Candle | None:
        """Today's candle so far, None before the first execution."""
        return self._today() if self._live else None

    def _today(self) -> Candle:
        rows = [row for _, row in sorted(self._live.items())]
        opens, (first, last) = min(self._live), (rows[0], rows[-1])
        high, low = max(row[1] for row in rows), min(row[2] for row in rows)
        volume, value = sum(row[4] for row in rows), sum(row[5] for row in rows)
        return Candle(opens, first[0], high, low, last[3], volume, value, max(self._live))

    def average(self, days: int) -> float:
        """Mean close of the last `days` finished days."""
        closes = [candle.close for candle in self.daily(days, self.date)]
        return sum(closes) / len(closes)


def _candle(opens: int, row: list[int]) -> Candle:
    return Candle(opens, row[0], row[1], row[2], row[3], row[4], row[5], opens + MINUTE - 1_000)
