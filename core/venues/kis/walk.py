"""One walk over a plain frame of trades, byte by byte: how the compiled streamer reads them (`make native`).

Compiled it takes a third of what the patterns of `shapes.py` take, and the patterns are not left out for it: run from
source a loop over bytes takes thirty times as long as they do. Both read the same frames to the same events, which a
test holds against each other; what a walk does not take is left to the other ways of `stream.py`.
"""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, Final

from core.domain.events import Beat, Inbound, Trade
from core.domain.values import Instrument, Millis, Side
from core.venues.kis.clock import DAYS, SECONDS, STOCKS

if TYPE_CHECKING:
    from mypy_extensions import i64

HEAD: Final = 15
PRICE: Final = 2
QUANTITY: Final = 12
TOTAL: Final = 13
TAKER: Final = 21
DATE: Final = 33
PHASE: Final = 43
"""Places of `shapes.py` once more: only a number that is written out is one to the compiler. A test compares them."""
TIME_LONG: Final = 6
DATE_LONG: Final = 8
LONGEST: Final = 15
"""Digits of a price or a quantity, at most; a running total has two less (`shapes.DIGITS`)."""
BUY: Final = Side.BUY
SELL: Final = Side.SELL
TRADE: Final = Trade
STOCK: Final = STOCKS
SECOND: Final = SECONDS
DAY: Final = DAYS
"""What every record needs. Compiled, an imported name is looked up in a dictionary each time, and these are not."""


class Walk:
    """A frame, and how far it is read: `place` is the first byte of the next cell, `ends` the one behind the last.

    Of the record that was read last: its figures, and what its stock, time and date mean. In one frame these are nearly
    always the same, so they are looked up once.
    """

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.place: i64 = HEAD
        self.ends: i64 = len(frame)
        self.price: i64 = 0
        self.quantity: i64 = 0
        self.total: i64 = 0
        self.taker: i64 = 0
        self.phase: i64 = 0
        self.stock = self.time = self.date = b""
        self.instrument: Instrument | None = None
        self.at = self.serial = 0

    def record(self, width: i64) -> bool:
        """Read one record of so many cells; False where it is none. Raises what the tables raise."""
        stock, time = self.cell(0), self.cell(TIME_LONG)
        if not (stock and time and self.traded() and self.over(DATE - TAKER - 1)):
            return False
        date = self.cell(DATE_LONG)
        if not (date and self.over(PHASE - DATE - 1)):
            return False
        self.phase = self.letter()
        if not self.over(width - PHASE - 1):
            return False
        self.known(stock, time, date)
        return True

    def traded(self) -> bool:
        """Price, quantity, running total and taker."""
        self.price = self.number(LONGEST)
        if self.price < 0 or not self.over(QUANTITY - PRICE - 1):
            return False
        self.quantity, self.total = self.number(LONGEST), self.number(LONGEST - 2)
        if self.quantity < 0 or self.total < 0 or not self.over(TAKER - TOTAL - 1):
            return False
        self.taker = self.letter()
        return True

    def known(self, stock: bytes, time: bytes, date: bytes) -> None:
        """Look up what is not as in the record before. Raises ValueError or LookupError for what means nothing."""
        if stock != self.stock:
            self.stock, self.instrument = stock, STOCK[stock]
        if time != self.time or date != self.date:
            midnight, self.serial = DAY[date]
            self.time, self.date, self.at = time, date, midnight + SECOND[time]

    def over(self, cells: i64) -> bool:
        """Go on by so many cells. False where there are not so many."""
        frame, place, ends = self.frame, self.place, self.ends
        while cells > 0 and place <= ends:
            if place == ends or frame[place] == 94:
                cells -= 1
            place += 1
        self.place = place
        return cells == 0

    def number(self, longest: i64) -> i64:
        """A cell of 1 to `longest` digits; -1 where it is none."""
        frame, first = self.frame, self.place
        place, ends = first, min(self.ends, first + longest)
        found: i64 = 0
        while place < ends:
            digit: i64 = frame[place] - 48
            if digit < 0 or digit > 9:
                break
            found = found * 10 + digit
            place += 1
        if place == first or not self.closes(place):
            return -1
        self.place = place + 1
        return found

    def closes(self, place: i64) -> bool:
        """Does a cell end here?"""
        return place == self.ends or (place < self.ends and self.frame[place] == 94)

    def cell(self, length: i64) -> bytes:
        """A cell of so many bytes, b"" where this one has another length; 0 stands for any."""
        first = self.place
        if not self.over(1) or (length > 0 and self.place - first != length + 1):
            return b""
        return self.frame[first : self.place - 1]

    def letter(self) -> i64:
        """The cell's only byte; 0 where it is empty, or has more."""
        first = self.place
        alone = first < self.ends and self.closes(first + 1)
        if not self.over(1) or not alone:
            return 0
        return self.frame[first]


def alike(frame: bytes, count: i64, width: i64, seen: Millis, events: list[Inbound]) -> bool:
    """Add the events of `count` records of `width` cells each; False, and nothing was added, where it is no such frame.

    Raises ValueError or LookupError where a code, a time or a date is none.
    """
    before = len(events)
    walk = Walk(frame)
    while count > 0 and walk.record(width):
        events.append(event(walk, seen))
        count -= 1
    if count == 0 and walk.place == walk.ends + 1:
        return True
    del events[before:]
    return False


def event(walk: Walk, seen: Millis) -> Inbound:
    """A match that is only expected, and a row of zeros as of a halted stock, are signs of life and no trades."""
    price, quantity, total = walk.price, walk.quantity, walk.total
    if price == 0 or quantity == 0 or total == 0 or 65 <= walk.phase <= 68 or walk.instrument is None:
        return Beat(seen)
    taker = BUY if walk.taker == 49 else SELL if walk.taker == 53 else None
    at: Any = walk.at
    sequence = walk.serial + total
    return TRADE(walk.instrument, float(price), float(quantity), taker, at, seen, sequence, False, float(total))


COMPILED = isinstance(alike, BuiltinFunctionType)
"""Whether this is the compiled module."""
