"""The market's day: when it is open, when it ends, and what it is called.

Times of day are given in KST as `HH:MM` or `HH:MM:SS`; everything else is epoch milliseconds. Korea has no daylight
saving time, so this is arithmetic.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol

import msgspec

from core.domain.phases import AUCTIONS, Phase
from core.domain.policies import DayPolicy
from core.domain.values import DAY, HOUR, KST, MINUTE, SECOND, Millis

__all__ = ["AUCTIONS", "Calendar", "Calendars", "Phase", "always_open"]

PREPARE = HOUR
"""What must be known when the market opens (the safe set, references, subscriptions) is got this long before."""

SETTLE = Millis(10 * MINUTE)
"""After a close, what rested in its auction is still asked for this long, and what is left is told."""

TOLD: Mapping[str, bool] = MappingProxyType({})
"""Nothing was told of any day."""


class Calendar(msgspec.Struct, frozen=True):
    """A market's time as a record of functions: one with hours and holidays is another value of the same shape.

    is_open    is the market in a session that is traded in, at this moment
    day_start  first millisecond of the market's day that a moment lies in
    day_end    first millisecond of the next day; a moment exactly there lies in the next day
    day_of     the day's name, "YYYY-MM-DD"
    opens      the moment itself where the market is open, else the next one that it opens at
    closes     the first close later than a moment: what must be sold before the day ends is sold before this
    closed     the last close that is not later than a moment
    phase      what kind of trading goes on at this moment
    flat       is everything sold before a close (E6)
    """

    is_open: Callable[[Millis], bool]
    day_start: Callable[[Millis], Millis]
    day_end: Callable[[Millis], Millis]
    day_of: Callable[[Millis], str]
    opens: Callable[[Millis], Millis]
    closes: Callable[[Millis], Millis]
    closed: Callable[[Millis], Millis]
    phase: Callable[[Millis], Phase]
    flat: bool


class Calendars(Protocol):
    """How a venue makes its calendar: the owner's day, and what the venue told of single days (open or not)."""

    def __call__(self, policy: DayPolicy, told: Mapping[str, bool] = TOLD) -> Calendar: ...


def always_open(policy: DayPolicy, told: Mapping[str, bool] = TOLD) -> Calendar:
    """A market that never closes, its day cut where the owner says: a day's end is its close.

    >>> always_open(DayPolicy(ends="09:00")).day_of(Millis(1_700_000_000_000))
    '2023-11-14'
    """
    return Calendar(
        is_open=lambda at: True,
        day_start=lambda at: Millis(ends_at(at, policy) - DAY),
        day_end=lambda at: ends_at(at, policy),
        day_of=lambda at: day_of(at, policy),
        opens=lambda at: at,
        closes=lambda at: ends_at(at, policy),
        closed=lambda at: Millis(ends_at(at, policy) - DAY),
        phase=lambda at: Phase.REGULAR,
        flat=bool(policy.liquidate),
    )


def following(current: Callable[[], Calendar]) -> Calendar:
    """A calendar for whoever keeps one for long: it is what `current` gives at each moment, told days included."""
    return Calendar(
        is_open=lambda at: current().is_open(at),
        day_start=lambda at: current().day_start(at),
        day_end=lambda at: current().day_end(at),
        day_of=lambda at: current().day_of(at),
        opens=lambda at: current().opens(at),
        closes=lambda at: current().closes(at),
        closed=lambda at: current().closed(at),
        phase=lambda at: current().phase(at),
        flat=current().flat,
    )


def ends_at(at: Millis, policy: DayPolicy) -> Millis:
    """The first end of a day that is later than `at`.

    >>> ends_at(Millis(0), DayPolicy(ends="09:00")) == DAY  # 1970-01-01 00:00 UTC is 09:00 in Korea
    True
    """
    offset = of_day(policy.ends) - KST
    return Millis(((at - offset) // DAY + 1) * DAY + offset)


def day_of(at: Millis, policy: DayPolicy) -> str:
    """Name of the market's day that `at` lies in: the date in Korea of its middle (09:00 to 09:00 has its first date).

    >>> day_of(Millis(0), DayPolicy(ends="09:00")), day_of(Millis(0), DayPolicy(ends="15:30"))
    ('1970-01-01', '1970-01-01')
    """
    return date_of(Millis(ends_at(at, policy) - DAY // 2))


def liquidating(at: Millis, policy: DayPolicy, days: Calendar) -> bool:
    """True from `liquidate_before_s` before a close, where the day ends flat: nothing is bought any more."""
    return days.flat and days.closes(at) - at <= policy.liquidate_before_s * 1000


def thin_liquidating(at: Millis, policy: DayPolicy, days: Calendar) -> bool:
    """The same for symbols that trade thinly: from `thin_before_s`, and never later than the others."""
    before_s = max(policy.thin_before_s, policy.liquidate_before_s)
    return days.flat and days.closes(at) - at <= before_s * 1000


def settling(at: Millis, days: Calendar) -> bool:
    """Just after a close, where the market has one and its days end flat: the last orders are asked for, and told."""
    return days.flat and not days.is_open(at) and at - days.closed(at) < SETTLE


def awake(at: Millis, days: Calendar) -> bool:
    """Is the market open, or will it be soon? Nobody need watch it at any other time (B6)."""
    return days.opens(at) - at <= PREPARE


def latest_day(at: Millis, days: Calendar) -> str:
    """Name of the day that people mean when they ask for today's: the last one that has traded, or does now.

    So a market that has closed still shows what it came to, until it opens again.
    """
    return days.day_of(at if days.is_open(at) else Millis(days.closed(at) - 1))


def date_of(at: Millis) -> str:
    """The date in Korea, "YYYY-MM-DD"."""
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%Y-%m-%d")


def of_day(text: str) -> Millis:
    """Milliseconds after midnight of `HH:MM` or `HH:MM:SS`; hours of 24 and more lie in the next day."""
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return Millis(hours * HOUR + minutes * MINUTE + sum(rest) * SECOND)
