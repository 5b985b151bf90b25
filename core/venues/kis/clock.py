"""KIS's times, codes and amounts as tables: each text is worked out once, because a frame holds five of them for every
trade.

Times are KST, HHMMSS without milliseconds, and only trades carry a date (reference/kis.md 1.2, 7.5). Korea has no
daylight saving time. A text that is not one is never kept, so broken frames cannot fill a table.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from core.domain.values import DAY, KST, Instrument, Market, Millis
from core.venues.table import Table

CODE = re.compile(r"[0-9A-Z]{6,9}")
"""A stock is six characters, letters among them (0074K0); an ETN has seven with a leading Q."""
SERIAL = 10**13
"""Room for a day's volume of one stock in the id of a trade."""


def _second(text: bytes) -> int:
    """HHMMSS -> ms since midnight."""
    if len(text) != 6 or not text.isdigit():
        raise ValueError("not a time of day")
    hours, minutes, seconds = int(text[:2]), int(text[2:4]), int(text[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("not a time of day")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


def _day(text: bytes) -> tuple[int, int]:
    """YYYYMMDD -> (first millisecond of that day in Korea, what the ids of its trades begin at)."""
    if len(text) != 8 or not text.isdigit() or not b"2000" <= text[:4] < b"2100":
        raise ValueError("not a date")
    day = datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)
    midnight = int(day.timestamp()) * 1000
    return midnight - KST, midnight // DAY * SERIAL


def _stock(text: bytes) -> Instrument:
    code = text.decode("ascii")
    if not CODE.fullmatch(code):
        raise ValueError("not a stock's code")
    return Instrument(Market.KRX, code)


SECONDS, DAYS, STOCKS = (
    Table[bytes, int](_second),
    Table[bytes, tuple[int, int]](_day),
    Table[bytes, Instrument](_stock),
)
AMOUNTS = Table[bytes, float](float)
"""A price or quantity in digits -> its value: most trades repeat one that came a moment ago."""


def around(text: bytes, seen: Millis) -> Millis:
    """The moment with this time of day that lies nearest to `seen`: for frames that carry no date.

    >>> around(b"235959", Millis(1_700_000_000_000 // DAY * DAY - KST)) % DAY == DAY - KST - 1000
    True
    """
    within = (seen + KST) % DAY
    away = SECONDS[text] - within
    return Millis(seen + (away + DAY // 2) % DAY - DAY // 2)
