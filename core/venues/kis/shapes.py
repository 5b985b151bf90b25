"""Patterns that take frames of trades: whole frames whose records are alike, and records one by one.

A pattern captures what is read and walks over the rest, which costs half of a split. Records of one frame are nearly
always of one stock, second, day and phase: those four are captured once, and asked for again in every record after it,
so a frame that holds another is left to the other way (`Shapes.fit`), as is any number that is not plain digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.venues.kis.fields import TRADE, TRS
from core.venues.spec import Topic

SYMBOL, HOUR, PRICE, QUANTITY, TOTAL, TAKER, DATE, PHASE = (
    TRADE.index(name)
    for name in (
        *("MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "CNTG_VOL", "ACML_VOL", "CCLD_DVSN", "BSOP_DATE"),
        "HOUR_CLS_CODE",
    )
)
READ: tuple[int, ...] = (SYMBOL, HOUR, PRICE, QUANTITY, TOTAL, TAKER, DATE, PHASE)
"""Places of the cells that are read, in the order in which a pattern gives them."""
OWN = slice(2, 6)
"""Of those, what each record has of its own: price, quantity, running total, taker."""
DIGITS = {PRICE: rb"([0-9.]{1,15}+)", QUANTITY: rb"([0-9.]{1,15}+)", TOTAL: rb"([0-9]{1,13}+)"}
"""Numbers that are at once less than MOST and SERIAL, and never less than nothing."""
HEAD = len(b"0|H0STCNT0|001|")
LONGEST = 8
"""Records of a frame that has a pattern of its own; KIS sends 1 to 4 nearly always."""
ANY, CELL = rb"[^^]*+", rb"([^^]*+)"
SAME = {SYMBOL: rb"(?P=stock)", HOUR: rb"(?P=hour)", DATE: rb"(?P=date)", PHASE: rb"(?P=phase)"}
FIRST = {SYMBOL: b"stock", HOUR: b"hour", DATE: b"date", PHASE: b"phase"}

Take = Callable[[bytes], list[tuple[bytes, ...]]]
"""Gives the cells of a whole frame as its only item: those READ of the first record, then the OWN of each other; or
nothing where the frame is not of its shape."""


class Heads(dict[bytes, int]):
    """Head of a plain frame of trades -> how many records follow; 0 for any other, which is not kept."""

    def __missing__(self, head: bytes) -> int:
        _, name, count, *_ = (*head.split(b"|"), b"", b"")
        tr = TRS.get(name.decode("latin-1"))
        if tr is None or tr.topic is not Topic.TRADE or not (head[:2] == b"0|" and count.isdigit()):
            return 0
        self[head] = int(count)
        return self[head]


class Takes(dict[bytes, Take]):
    """Head of a plain frame of trades -> what takes it where its records are alike and `width` cells wide."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __missing__(self, head: bytes) -> Take:
        if not 0 < (count := HEADS[head]) <= LONGEST:
            return _nothing
        self[head] = _whole(self.width, count).findall
        return self[head]


class Shapes:
    """Patterns of the known widths of a record, that of the frame that was fitted last first.

    takes     whole frames of alike records, the first thing to try
    patterns  a whole record each: captured, and in it what is read
    """

    __slots__ = ("_widths", "patterns", "takes")

    def __init__(self) -> None:
        self._widths = sorted({width for tr in TRS.values() if tr.topic is Topic.TRADE for width in tr.known})
        self.patterns = [re.compile(rb"(%b)(?:\^|\Z)" % _record(width)) for width in self._widths]
        self.takes = Takes(self._widths[0])

    def fit(self, frame: bytes) -> list[tuple[bytes, ...]] | None:
        """The records, each whole and its cells that are READ; None where no pattern takes all of the frame."""
        count = HEADS[frame[:HEAD]]
        if not count:
            return None
        for pattern in self.patterns:
            rows: list[tuple[bytes, ...]] = pattern.findall(frame, HEAD)
            if len(rows) == count and sum([len(row[0]) for row in rows]) + count == len(frame) - HEAD + 1:
                if pattern is not self.patterns[0]:
                    self._turn()
                return rows
        return None

    def _turn(self) -> None:
        self.patterns.reverse()
        self._widths.reverse()
        self.takes = Takes(self._widths[0])


def _record(width: int) -> bytes:
    return rb"\^".join(DIGITS.get(place, CELL if place in READ else ANY) for place in range(width))


def _whole(width: int, count: int) -> re.Pattern[bytes]:
    """A frame of `count` alike records."""
    own = {place: DIGITS.get(place, CELL) for place in READ[OWN]}
    first = own | {place: rb"(?P<%b>[^^]*+)" % name for place, name in FIRST.items()}
    records = [first, *[own | SAME] * (count - 1)]
    cells = (record.get(place, ANY) for record in records for place in range(width))
    return re.compile(rb"\A.{%d}%b\Z" % (HEAD, rb"\^".join(cells)), re.DOTALL)


def _nothing(frame: bytes) -> list[tuple[bytes, ...]]:
    return []


HEADS, SHAPES = Heads(), Shapes()
