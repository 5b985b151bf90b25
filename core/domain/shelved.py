"""A series' closed candles, packed: 34 bytes each or a few more, where an object with its numbers takes ten times that.

The newest is kept as the object itself, because a late trade may still amend it. The others are rows: prices as whole
numbers of a decimal fraction, and times in seconds, wherever that gives back exactly what was put in; where it does
not, every row of the series becomes a wide one, of doubles and milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import overload

import msgspec

from core.domain.candle import Candle
from core.domain.quality import Quality

TIGHT, NARROW, WIDE = Struct("=IHBBi3H2d"), Struct("=IHBBi3i2d"), Struct("=qIBBd3d2d")
"""Opens, length, grade, reason; low, open, high, close; volume, value. Tight: the three are counted from the low."""
SCALES = tuple(float(10**digits) for digits in range(9))
MOST, REACH = 2.0**31 - 1.0, 2**16
"""Beyond the units of a narrow price, and of a tight one's distance from the low."""
SECOND, LONGEST = 1000, 65_536_000
"""Units of a narrow row's times, and what is too long for it; in ms."""
ROWS = (TIGHT, NARROW, WIDE)
GRADES = tuple(quality.value for quality in Quality)
SETTLED = 0x80
REASONS: list[str] = [""]
"""Every reason that was ever given, all of them constants of this program."""
NUMBERS = {"": 0}


class Packed(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A series' newest closed candles as they are written down, still packed; `last` is not among the `rows`.

    kind, scale   which of ROWS, and the units of its prices
    reasons       what the numbers in the rows mean: another process may have given other numbers
    """

    kind: int
    scale: float
    rows: bytes
    reasons: dict[int, str]


class Closed:
    """Closed candles of one series, oldest first, the newest `keep` of those that were added.

    What an index or a loop gives is made when it is asked for; but for the newest it is a copy: change it by `spoil`.

    >>> kept = Closed(2)
    >>> for minute in range(3): kept.append(Candle(minute * 60_000, minute * 60_000 + 60_000, 0, 10.5))
    >>> [candle.opens for candle in kept], kept[0].high
    ([60000, 120000], 10.5)
    """

    __slots__ = ("_row", "_scale", "_unit", "keep", "last", "rows")

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._row, self._unit, self._scale = TIGHT, SECOND, 1.0
        self.rows = bytearray()
        self.last: Candle | None = None

    def append(self, candle: Candle) -> None:
        """The newest one; the oldest goes where there are `keep`."""
        if (before := self.last) is not None:
            if self._row is not WIDE and not _fits(before, self._scale, self._row):
                older = [*self]
                self._choose(older)
                self.rows = bytearray(b"".join(map(self._pack, older[:-1])))
            packed, size = self._pack(before), self._row.size
            if len(self.rows) < (self.keep - 1) * size:
                self.rows = self.rows + packed  # grown in place it would keep an eighth of spare room for ever
            elif self.rows:
                self.rows[:-size] = self.rows[size:]
                self.rows[-size:] = packed
        self.last = candle

    def replace(self, candles: Iterable[Candle]) -> None:
        """These, oldest first, instead of all that are here."""
        newest = [*candles][-self.keep :]
        older, self.last = newest[:-1], newest[-1] if newest else None
        self._choose(older)
        self.rows = bytearray(b"".join(map(self._pack, older)))

    def __len__(self) -> int:
        return len(self.rows) // self._row.size + (self.last is not None)

    def __iter__(self) -> Iterator[Candle]:
        for place in range(0, len(self.rows), self._row.size):
            yield self._made(place)
        if self.last is not None:
            yield self.last

    def __reversed__(self) -> Iterator[Candle]:
        if self.last is not None:
            yield self.last
        for place in self._backwards():
            yield self._made(place)

    @overload
    def __getitem__(self, which: int) -> Candle: ...
    @overload
    def __getitem__(self, which: slice) -> list[Candle]: ...
    def __getitem__(self, which: int | slice) -> Candle | list[Candle]:
        count = len(self)
        if isinstance(which, slice):
            return [self[place] for place in range(*which.indices(count))]
        if not -count <= which < count:
            raise IndexError("no such candle")
        if which % count == count - 1 and self.last is not None:
            return self.last
        return self._made(which % count * self._row.size)

    def close_at(self, moment: int) -> float | None:
        """Close of the newest that had ended by then; None where none had."""
        if self.last is not None and self.last.ends <= moment:
            return self.last.close
        unpack, rows, unit = self._row.unpack_from, self.rows, self._unit
        for place in self._backwards():
            row = unpack(rows, place)
            if (row[0] + row[1]) * unit <= moment:
                return float((row[7] + (row[4] if self._row is TIGHT else 0)) / self._scale)
        return None

    def value_between(self, start: int, end: int) -> float:
        """Quote currency traded in those that opened in [start, end)."""
        last, total = self.last, 0.0
        if last is None or last.opens < start:
            return total
        if last.opens < end:
            total += last.value
        unpack, rows, unit = self._row.unpack_from, self.rows, self._unit
        for place in self._backwards():
            row = unpack(rows, place)
            opens = row[0] * unit
            if opens < start:
                break
            if opens < end:
                total += row[9]
        return total

    def spoil(self, start: int, end: int, quality: Quality, reason: str) -> list[Candle]:
        """Say of those that overlap [start, end) that they are not whole. Those of which it is news, oldest first."""
        touched: list[Candle] = []
        if (last := self.last) is not None and last.ends > start and last.opens < end and last.spoil(quality, reason):
            touched.append(last)
        for place in self._backwards():
            candle = self._made(place)
            if candle.ends <= start:
                break
            if candle.opens < end and candle.spoil(quality, reason):
                self.rows[place : place + self._row.size] = self._pack(candle)
                touched.append(candle)
        return touched[::-1]

    def packed(self, keep: int) -> Packed:
        """The newest `keep`, but for the last one; as many fewer as there are."""
        size = self._row.size
        rows = bytes(self.rows[max(0, len(self.rows) - max(0, keep - 1) * size) :])
        reasons = {number: REASONS[number] for number in set(rows[_reason(self._row) :: size])}
        return Packed(ROWS.index(self._row), self._scale, rows, reasons)

    def take(self, given: Packed, last: Candle | None) -> None:
        """What `packed` gave, and the newest candle. Raises ValueError for what no `packed` gives."""
        if not 0 <= given.kind < len(ROWS) or given.scale not in SCALES or len(given.rows) % ROWS[given.kind].size:
            raise ValueError("rows of no known kind")
        self._row, self._scale, self.last = ROWS[given.kind], given.scale, last
        self._unit = 1 if self._row is WIDE else SECOND
        self.rows = bytearray(given.rows)
        for place in range(_reason(self._row), len(self.rows), self._row.size):
            if self.rows[place] not in given.reasons:
                raise ValueError("a reason without a name")
            self.rows[place] = _number(given.reasons[self.rows[place]])

    def _backwards(self) -> range:
        size = self._row.size
        return range(len(self.rows) - size, -1, -size)

    def _made(self, place: int) -> Candle:
        row = self._row.unpack_from(self.rows, place)
        unit, scale = self._unit, self._scale
        opens, grade, base = row[0] * unit, row[2], row[4] if self._row is TIGHT else 0
        candle = Candle(opens, opens + row[1] * unit, opens, (base + row[5]) / scale)
        candle.high, candle.low, candle.close = (base + row[6]) / scale, row[4] / scale, (base + row[7]) / scale
        candle.volume, candle.value, candle.last_at = row[8], row[9], candle.ends - 1
        candle.settled, candle.quality, candle.reason = grade >= SETTLED, GRADES[grade % SETTLED], REASONS[row[3]]
        return candle

    def _pack(self, candle: Candle) -> bytes:
        unit, told = self._unit, [candle.low, candle.open, candle.high, candle.close]
        if self._row is not WIDE:
            told = [round(price * self._scale) for price in told]
        if self._row is TIGHT:
            told[1:] = [price - told[0] for price in told[1:]]
        grade = GRADES.index(candle.quality) + SETTLED * candle.settled
        length = (candle.ends - candle.opens) // unit
        return self._row.pack(
            candle.opens // unit, length, grade, _number(candle.reason), *told, candle.volume, candle.value
        )

    def _choose(self, candles: list[Candle]) -> None:
        """The narrowest rows that hold each of these exactly."""
        for scale in SCALES:
            if all(_fits(candle, scale, NARROW) for candle in candles):
                tight = all(_fits(candle, scale, TIGHT) for candle in candles)
                self._row, self._unit, self._scale = TIGHT if tight else NARROW, SECOND, scale
                return
        self._row, self._unit, self._scale = WIDE, 1, 1.0


def _fits(candle: Candle, scale: float, row: Struct) -> bool:
    """Does it come back unchanged from a tight or narrow row whose prices are whole units of 1 / `scale`?"""
    whole = not (candle.opens % SECOND or candle.ends % SECOND) and candle.ends - candle.opens < LONGEST
    prices = (candle.open, candle.high, candle.low, candle.close)
    if row is TIGHT and not (candle.low == min(prices) and (max(prices) - candle.low) * scale < REACH - 1):
        return False
    return whole and all(price * scale < MOST and round(price * scale) / scale == price for price in prices)


def _reason(row: Struct) -> int:
    """Where in a row the number of the reason is: behind the two times and the grade."""
    return 13 if row is WIDE else 7


def _number(reason: str) -> int:
    if reason not in NUMBERS:
        NUMBERS[reason] = len(REASONS)
        REASONS.append(reason)
    return NUMBERS[reason]
