"""The market's day: when it ends, and what it is called. Korea has no daylight saving time, so this is arithmetic.

Times of day are given in KST as `HH:MM` or `HH:MM:SS` (`DayPolicy.ends`); everything else is epoch milliseconds.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from core.domain.policies import DayPolicy
from core.domain.values import DAY, HOUR, KST, MINUTE, SECOND, Millis


class Phase(StrEnum):
    """What kind of trading goes on; a venue takes other kinds of order in each."""

    CLOSED = "closed"
    OPENING = "opening auction"
    REGULAR = "regular"
    INTERRUPTED = "interrupted"  # a call auction in the middle of the day
    CLOSING = "closing auction"
    BEFORE = "before the open at the last close"
    SETTLED = "after the close at the close"
    AFTER = "after-market"


class Calendar(msgspec.Struct, frozen=True):
    """A market's time as a record of functions: one with hours and holidays is another value of the same shape.

    is_open    is the market trading at this moment
    day_start  first millisecond of the market's day that a moment lies in
    day_end    first millisecond of the next day; a moment exactly there lies in the next day
    day_of     the day's name, "YYYY-MM-DD"
    phase      what kind of trading goes on at this moment
    """

    is_open: Callable[[Millis], bool]
    day_start: Callable[[Millis], Millis]
    day_end: Callable[[Millis], Millis]
    day_of: Callable[[Millis], str]
    phase: Callable[[Millis], Phase] = lambda at: Phase.REGULAR


def always_open(policy: DayPolicy) -> Calendar:
    """A market that never closes, its day cut where the owner says.

    >>> always_open(DayPolicy(ends="09:00")).day_of(Millis(1_700_000_000_000))
    '2023-11-14'
    """
    return Calendar(
        is_open=lambda at: True,
        day_start=lambda at: Millis(ends_at(at, policy) - DAY),
        day_end=lambda at: ends_at(at, policy),
        day_of=lambda at: day_of(at, policy),
    )


def ends_at(at: Millis, policy: DayPolicy) -> Millis:
    """The first end of a day that is later than `at`.

    >>> ends_at(Millis(0), DayPolicy(ends="09:00")) == DAY  # 1970-01-01 00:00 UTC is 09:00 in Korea
    True
    """
    offset = _of_day(policy.ends) - KST
    return Millis(((at - offset) // DAY + 1) * DAY + offset)


def day_of(at: Millis, policy: DayPolicy) -> str:
    """Name of the market's day that `at` lies in: the date in Korea of its middle (09:00 to 09:00 has its first date).

    >>> day_of(Millis(0), DayPolicy(ends="09:00")), day_of(Millis(0), DayPolicy(ends="15:30"))
    ('1970-01-01', '1970-01-01')
    """
    middle = ends_at(at, policy) - DAY // 2 + KST
    return datetime.fromtimestamp(middle / 1000, UTC).strftime("%Y-%m-%d")


def liquidating(at: Millis, policy: DayPolicy) -> bool:
    """True from `liquidate_before_s` before the day's end, where the day ends flat: nothing is bought any more."""
    return policy.liquidate and ends_at(at, policy) - at <= policy.liquidate_before_s * 1000


def thin_liquidating(at: Millis, policy: DayPolicy) -> bool:
    """The same for symbols that trade thinly: from `thin_before_s`, and never later than the others."""
    before_s = max(policy.thin_before_s, policy.liquidate_before_s)
    return policy.liquidate and ends_at(at, policy) - at <= before_s * 1000


def _of_day(text: str) -> Millis:
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return Millis(hours * HOUR + minutes * MINUTE + sum(rest) * SECOND)
