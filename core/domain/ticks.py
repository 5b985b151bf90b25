"""A symbol's newest trades, packed: 24 bytes each, where an object of each with its numbers takes ten times as much.

A trade that is kept as an object also costs time twice: when it is put away, and when its memory, long out of every
cache, is given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

ROW = Struct("=qdd")
PUT: Final = ROW.pack_into
WIDTH: Final = 24
"""Bytes of a row, written out: only so is it a number to the compiler."""
FIRST = 16
"""Rows that a symbol begins with, and the fewest that it has."""
RECENT = 10_000
"""Of how long (ms) trades are kept, as far as there is room: what reads them looks back a second."""


class Tick(NamedTuple):
    """One trade: the venue's clock (ms), quote currency per unit, units."""

    at: int
    price: float
    quantity: float


class Ticks:
    """The newest trades, in the order in which they came: those of the last RECENT ms, but at most `most` (D8).

    rows, place, room   the packed rows, where the next one goes, and where they end; in bytes. There are twice as many
                        of them, or half, where those that there are hold less than RECENT, or twice of it: memory goes
                        by what a symbol trades now, not by what it ever traded

    >>> kept = Ticks(2)
    >>> for at in (1, 2, 3): kept.add(at, 10.0, 0.5)
    >>> len(kept), list(kept)[0]
    (2, Tick(at=2, price=10.0, quantity=0.5))
    """

    __slots__ = ("_most", "_turned", "place", "room", "rows")

    def __init__(self, most: int) -> None:
        self._most = most * WIDTH
        self.room = min(FIRST * WIDTH, self._most)
        self.rows = bytearray(self.room)
        self.place, self._turned = 0, False

    def add(self, at: int, price: float, quantity: float) -> None:
        """The newest one; the oldest goes where there is no room. (The engine says these four lines itself.)"""
        if (place := self.place) == self.room:
            place = self.more()
        PUT(self.rows, place, at, price, quantity)
        self.place = place + WIDTH

    def __len__(self) -> int:
        return (self.room if self._turned else self.place) // WIDTH

    def __iter__(self) -> Iterator[Tick]:
        """Oldest first."""
        older = self.rows[self.place :] if self._turned else b""
        return map(Tick._make, ROW.iter_unpack(older + self.rows[: self.place]))

    def more(self) -> int:
        """Where the next row goes when `place` is beyond the last: into new room, or over the oldest.

        Only here are the rows in order from the first on, so only here is the room changed.
        """
        newest, half = self._at(self.room - WIDTH), self.room // WIDTH // 2 * WIDTH
        if self.room < self._most and newest - self._at(0) < RECENT:
            place, self.room = self.room, min(2 * self.room, self._most)
            self.rows = self.rows + bytes(self.room - place)  # extended in place it would keep spare room for ever
            self._turned = False
            return place
        if half >= FIRST * WIDTH and newest - self._at(half) >= 2 * RECENT:
            self.rows = self.rows[half:]
            self.room -= half
        self._turned = True
        return 0

    def _at(self, place: int) -> int:
        row: tuple[int, float, float] = ROW.unpack_from(self.rows, place)
        return row[0]
