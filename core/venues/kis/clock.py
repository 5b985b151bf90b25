"""KIS's times, codes and amounts as tables: each text is worked out once, because a frame holds five of them for every
trade.

Times are KST, HHMMSS without milliseconds, and only trades carry a date (reference/kis.md 1.2, 7.5). Korea has no
daylight saving time. A text that is not one is never kept, so broken frames cannot fill a table.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from core.domain.values import DAY, KST, Instrument, Market, Millis

CODE = re.compile(r"[0-9A-Z]{6,9}")
"""A stock is six characters, letters among them (0074K0); an ETN has seven with a leading Q."""
CODES = 8192
SERIAL = 10**13
"""Room for a day's volume of one stock in the id of a trade."""


class Seconds(dict[bytes, int]):
    """HHMMSS -> ms since midnight."""

    def __missing__(self, text: bytes) -> int:
        if len(text) != 6 or not text.isdigit():
            raise ValueError("not a time of day")
        hours, minutes, seconds = int(text[:2]), int(text[2:4]), int(text[4:])
        if hours > 23 or minutes > 59 or seconds > 59:
            raise ValueError("not a time of day")
        self[text] = ((hours * 60 + minutes) * 60 + seconds) * 1000
        return self[text]


class Days(dict[bytes, tuple[int, int]]):
    """YYYYMMDD -> (first millisecond of that day in Korea, what the ids of its trades begin at)."""

    def __missing__(self, text: bytes) -> tuple[int, int]:
        if len(text) != 8 or not text.isdigit() or not b"2000" <= text[:4] < b"2100":
            raise ValueError("not a date")
        day = datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)
        midnight = int(day.timestamp()) * 1000
        self[text] = midnight - KST, midnight // DAY * SERIAL
        return self[text]


class Stocks(dict[bytes, Instrument]):
    """A code -> the one Instrument of it."""

    def __missing__(self, text: bytes) -> Instrument:
        code = text.decode("ascii")
        if not CODE.fullmatch(code):
            raise ValueError("not a stock's code")
        if len(self) >= CODES:
            self.clear()
        self[text] = Instrument(Market.KRX, code)
        return self[text]


class Amounts(dict[bytes, float]):
    """A price or quantity in digits -> its value. Most trades repeat one that came a moment ago."""

    def __missing__(self, text: bytes) -> float:
        amount = float(text)
        if len(self) >= CODES:
            self.clear()
        self[text] = amount
        return amount


SECONDS, DAYS, STOCKS, AMOUNTS = Seconds(), Days(), Stocks(), Amounts()


def around(text: bytes, seen: Millis) -> Millis:
    """The moment with this time of day that lies nearest to `seen`: for frames that carry no date.

    >>> around(b"235959", Millis(1_700_000_000_000 // DAY * DAY - KST)) % DAY == DAY - KST - 1000
    True
    """
    within = (seen + KST) % DAY
    away = SECONDS[text] - within
    return Millis(seen + (away + DAY // 2) % DAY - DAY // 2)
