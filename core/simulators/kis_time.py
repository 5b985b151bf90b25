"""KRX's days: which phase a moment lies in, said in Korean time. Pure; a compressed day is another table of hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from core.domain.values import DAY, KST
from core.venues.kis.calendar import HOLIDAYS, HOURS


class Phase(StrEnum):
    """What the exchange does: auctions collect orders and print once at their end."""

    SHUT = "shut"
    OPENING = "opening auction"
    REGULAR = "regular"
    CLOSING = "closing auction"
    CLOSE_PRICE = "trading at the closing price"
    AFTER = "after-market"


AUCTIONS = frozenset({Phase.OPENING, Phase.CLOSING})
TRADING = frozenset({Phase.REGULAR, Phase.CLOSING, Phase.AFTER})
Hours = tuple[tuple[float, Phase], ...]
"""(seconds after midnight in Korea, the phase that begins then), ascending, the last one SHUT; none is a holiday."""


def clock_s(text: str) -> float:
    """Seconds after midnight of `HH:MM` or `HH:MM:SS`. Raises ValueError."""
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)


def hours(opens: str = "09:00", closes: str = "15:30", *, after: bool = True) -> Hours:
    """A KRX day with its auctions; delayed opens and half days by other times. Source: reference/kis.md 9."""
    start, end = clock_s(opens), clock_s(closes)
    day: Hours = (
        (start - 1800, Phase.OPENING),
        (start, Phase.REGULAR),
        (end - 600, Phase.CLOSING),
        (end, Phase.SHUT),
        (end + 600, Phase.CLOSE_PRICE),
        (end + 1800, Phase.AFTER if after else Phase.SHUT),
    )
    return (*day, (max(end + 1800, clock_s("20:00")), Phase.SHUT))


def compressed(
    at: int, *, opening_s: float = 5.0, regular_s: float = 45.0, closing_s: float = 10.0, after_s: float = 0.0
) -> Hours:
    """A whole day from `at` (epoch ms) on, in about a minute."""
    begins = (at + KST) % DAY / 1000
    spans = (
        (opening_s, Phase.OPENING),
        (regular_s, Phase.REGULAR),
        (closing_s, Phase.CLOSING),
        (after_s, Phase.AFTER),
    )
    marks: list[tuple[float, Phase]] = []
    for span, phase in spans:
        if span:
            marks.append((begins, phase))
        begins += span
    return (*marks, (begins, Phase.SHUT))


def span(text: str) -> Hours:
    """The hours that `OPENS-CLOSES[/AUCTION_S]` names, times in Korea. Raises ValueError for what names none.

    The opening auction is before it and the closing auction within it: of `/SECONDS` each, or a tenth of the span (ten
    minutes at most). Hours of 24 and more lie in the next day.
    """
    hours, _, auction = text.partition("/")
    opens, _, closes = hours.partition("-")
    start, end = clock_s(opens), clock_s(closes)
    if end <= start:
        raise ValueError(f"{text} does not end after it begins")
    return spanning(start, end, float(auction) if auction else None)


def spanning(start: float, end: float, auction: float | None = None) -> Hours:
    """Regular trading from `start` to `end`, seconds after midnight in Korea.

    The opening auction is before it, the closing auction within it: `auction` seconds each, or a tenth of the length
    and ten minutes at most.
    """
    auction = min((end - start) / 10, 600.0) if auction is None else auction
    return (
        (start - auction, Phase.OPENING),
        (start, Phase.REGULAR),
        (end - auction, Phase.CLOSING),
        (end, Phase.SHUT),
    )


ALWAYS: Hours = ((0.0, Phase.REGULAR), (86_400.0, Phase.SHUT))
"""Regular trading around the clock, for whoever does not care about the hour."""


class Day(NamedTuple):
    """One trading day. `marks` are (epoch ms, phase that begins), ascending."""

    date: str
    marks: tuple[tuple[int, Phase], ...]

    def phase(self, at: int) -> Phase:
        """The phase at a moment of this day."""
        found = Phase.SHUT
        for begins, phase in self.marks:
            if begins > at:
                break
            found = phase
        return found

    @property
    def opens(self) -> int:
        """When regular trading begins."""
        return next(begins for begins, phase in self.marks if phase is Phase.REGULAR)

    @property
    def closes(self) -> int:
        """When regular trading has ended, its closing auction included."""
        after = (begins for begins, phase in self.marks if begins > self.opens and phase is not Phase.CLOSING)
        return next(after)


def official() -> Timetable:
    """KRX's own calendar, by the table that the venue ships: holidays, late opens, half days."""
    special = {day.replace("-", ""): hours(*pair) for day, pair in HOURS.items()}
    return Timetable(special=special, holidays={day.replace("-", "") for day in HOLIDAYS})


class Timetable:
    """Which days trade, and when.

    usual     hours of an ordinary day
    special   other hours by date ("YYYYMMDD"); empty hours make a holiday
    holidays  dates on which nothing trades
    weekends  whether Saturdays and Sundays trade, as they must in a demo
    """

    def __init__(
        self,
        usual: Hours | None = None,
        *,
        special: Mapping[str, Hours] | None = None,
        holidays: Set[str] = frozenset(),
        weekends: bool = False,
    ) -> None:
        self._usual = hours() if usual is None else usual
        self._special = dict(special or {})
        self._holidays, self._weekends = holidays, weekends
        self._known: dict[str, Day | None] = {}
        self._past: dict[str, Day | None] = {}

    def change(self, day: str, hours: Hours) -> None:
        """Give a date other hours from now on; empty ones make it a holiday."""
        self._special[day] = hours
        self._known.pop(day, None)

    def on(self, day: str) -> Day | None:
        """The trading day of a date, None where nothing trades."""
        if day not in self._known:
            self._known[day] = self._make(day, self._usual)
        return self._known[day]

    def past(self, day: str) -> Day | None:
        """The same for a day before the simulator began: always of KRX's own length, however short today is."""
        if day not in self._past:
            self._past[day] = self._make(day, hours())
        return self._past[day]

    def _make(self, day: str, usual: Hours) -> Day | None:
        found = self._special.get(day, usual)
        closed = day in self._holidays or (weekday(day) >= 5 and not self._weekends and day not in self._special)
        if closed or not found:
            return None
        midnight = midnight_of(day)
        return Day(day, tuple((midnight + round(second * 1000), phase) for second, phase in found))

    def of(self, at: int) -> Day | None:
        """The trading day that `at` lies in; one that runs past midnight keeps its date until it ends."""
        before = self.on(date_of(at - DAY))
        if before and before.marks[-1][0] > at:
            return before
        return self.on(date_of(at))

    def date(self, at: int) -> str:
        """The date that `at` belongs to."""
        day = self.of(at)
        return day.date if day else date_of(at)

    def phase(self, at: int) -> Phase:
        day = self.of(at)
        return day.phase(at) if day else Phase.SHUT

    def before(self, day: str) -> Iterator[Day]:
        """Trading days before a date, newest first, without end."""
        while True:
            day = shifted(day, -1)
            if found := self.past(day):
                yield found

    def later(self, day: str, count: int) -> str:
        """The date `count` trading days after a date."""
        while count:
            day = shifted(day, 1)
            count -= self.on(day) is not None
        return day


def date_of(at: int) -> str:
    """Date in Korea, YYYYMMDD."""
    return _date((at + KST) // DAY)


@lru_cache(maxsize=4096)
def _date(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).strftime("%Y%m%d")


def time_of(at: int) -> str:
    """Time of day in Korea, HHMMSS."""
    seconds = (at + KST) % DAY // 1000
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


@lru_cache(maxsize=4096)
def midnight_of(day: str) -> int:
    """First millisecond of a date in Korea. Raises ValueError."""
    return round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000) - KST


def shifted(day: str, by: int) -> str:
    return date_of(midnight_of(day) + by * DAY)


@lru_cache(maxsize=4096)
def weekday(day: str) -> int:
    """0 is Monday."""
    return date(int(day[:4]), int(day[4:6]), int(day[6:])).weekday()
