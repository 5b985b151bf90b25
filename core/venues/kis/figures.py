"""What KIS's answers share: every value is text, times are Korean and without a zone. Evidence: README.md."""

import math
import re
from datetime import UTC, datetime
from functools import lru_cache

from core.domain.errors import WireSurprise
from core.domain.values import DAY, HOUR, KST, MINUTE, SECOND, Instrument, Market, Millis

CODE = re.compile(r"[0-9A-Z]{6}|Q[0-9A-Z]{6}")
"""Six characters, letters among them (0074K0); an ETN has seven, the first a Q."""
FALLING = frozenset("45")
"""prdy_vrss_sign: 4 lower limit, 5 down."""


@lru_cache(maxsize=4096)
def instrument(code: str) -> Instrument:
    """The one Instrument of a short code. Raises WireSurprise for what cannot be one."""
    if not CODE.fullmatch(code):
        raise WireSurprise("KIS names a stock that cannot be one", code=code[:20])
    return Instrument(Market.KRX, code)


def number(text: str) -> float:
    """A figure that KIS writes as text, padded or not; 0 where it is empty. Raises WireSurprise for what is none.

    >>> number(" 274500 "), number("-1.25"), number("")
    (274500.0, -1.25, 0.0)
    """
    try:
        value = float(text.strip() or "0")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WireSurprise("KIS sent a figure that is none", text=text[:40])
    return value


def amount(text: str) -> float:
    """A price, quantity or value: never below nothing.

    >>> amount("0")
    0.0
    """
    if (value := number(text)) < 0:
        raise WireSurprise("KIS sent an amount below nothing", text=text[:40])
    return value


def change(percent: str, sign: str) -> float:
    """Fraction against the previous close. KIS signs the per cent, and says the direction once more beside it.

    >>> change("2.50", "2"), change("-1.50", "5"), change("1.50", "5"), change("0.00", "3")
    (0.025, -0.015, -0.015, 0.0)
    """
    value = number(percent) / 100
    return -abs(value) if sign.strip() in FALLING else value


def day_began(at: Millis) -> Millis:
    """Midnight in Korea."""
    return Millis(at - (at + KST) % DAY)


def day(at: Millis) -> str:
    """The date in Korea as KIS writes it.

    >>> day(Millis(0))
    '19700101'
    """
    return datetime.fromtimestamp((at + KST) // 1000, UTC).strftime("%Y%m%d")


def clock(at: Millis) -> str:
    """The time of day in Korea as KIS writes it.

    >>> clock(Millis(0))
    '090000'
    """
    return datetime.fromtimestamp((at + KST) // 1000, UTC).strftime("%H%M%S")


@lru_cache(maxsize=1024)
def midnight(date: str) -> Millis:
    """First millisecond of YYYYMMDD in Korea. Raises WireSurprise for what is no date."""
    try:
        parsed = datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise WireSurprise("KIS sent a date that is none", date=date[:20]) from None
    return Millis(int(parsed.timestamp()) * 1000 - KST)


def iso(date: str) -> str:
    """YYYYMMDD with dashes. Raises WireSurprise for what is no date.

    >>> iso("20261120")
    '2026-11-20'
    """
    midnight(date)
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def of_day(hour: str) -> Millis:
    """Milliseconds since midnight of HHMMSS. Raises WireSurprise for what is no time of day.

    >>> of_day("093015")
    34215000
    """
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", hour):
        raise WireSurprise("KIS sent a time of day that is none", time=hour[:20])
    return Millis(int(hour[:2]) * HOUR + int(hour[2:4]) * MINUTE + int(hour[4:]) * SECOND)


def stamp(date: str, hour: str) -> Millis:
    """Epoch ms of a Korean date and time; KIS has no milliseconds."""
    return Millis(midnight(date) + of_day(hour))


def last(hour: str, seen: Millis) -> Millis:
    """The newest moment not after `seen` (a minute of clock error apart) that had this time of day in Korea.

    Before the market opens, KIS still tells the time of yesterday's last book.
    """
    at = Millis(day_began(seen) + of_day(hour))
    return at if at <= seen + MINUTE else Millis(at - DAY)
