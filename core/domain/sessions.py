"""The market's day: when it ends, and what it is called. Korea has no daylight saving time, so this is arithmetic.

Times of day are given in KST as `HH:MM` or `HH:MM:SS` (`DayPolicy.ends`); everything else is epoch milliseconds.
"""

from datetime import UTC, datetime

from core.domain.policies import DayPolicy
from core.domain.values import DAY, HOUR, KST, MINUTE, SECOND, Millis


def ends_at(at: Millis, policy: DayPolicy) -> Millis:
    """The first end of a day that is later than `at`.

    >>> ends_at(Millis(0), DayPolicy(ends="09:00")) == DAY  # 1970-01-01 00:00 UTC is 09:00 in Korea
    True
    """
    offset = _of_day(policy.ends) - KST
    return Millis(((at - offset) // DAY + 1) * DAY + offset)


def day_of(at: Millis, policy: DayPolicy) -> str:
    """Name of the market's day that `at` lies in: the date in Korea of its middle, so 09:00 to 09:00 has its first date.

    >>> day_of(Millis(0), DayPolicy(ends="09:00")), day_of(Millis(0), DayPolicy(ends="15:30"))
    ('1970-01-01', '1970-01-01')
    """
    middle = ends_at(at, policy) - DAY // 2 + KST
    return datetime.fromtimestamp(middle / 1000, UTC).strftime("%Y-%m-%d")


def liquidating(at: Millis, policy: DayPolicy) -> bool:
    """True from `liquidate_before_s` before the day's end, where the day ends flat: nothing is bought any more."""
    return policy.liquidate and ends_at(at, policy) - at <= policy.liquidate_before_s * 1000


def _of_day(text: str) -> Millis:
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return Millis(hours * HOUR + minutes * MINUTE + sum(rest) * SECOND)
