"""A deep book out of a snapshot and the changes that follow it, joined as Binance says (reference/binance.md 3.4).

    WAITING --snapshot that the changes reach--> WHOLE --a change that does not follow--> WAITING

Rules:
  1. Changes are kept from the first on; a snapshot older than the first of them is of no use: another is needed.
  2. What a snapshot holds already (`last` <= its id) is dropped; the first that is left must reach over its id.
  3. From then on each change begins where the last one ended. A jump means that something was lost: all over again.
  4. A book is told only while it is whole, and never crossed: a cross is something lost that no number showed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from core.domain.events import Book, Delta, Level
from core.domain.values import Instrument, Millis
from core.venues.binance.answers import DepthRow
from core.venues.binance.fields import levels

KEPT = 5_000
"""Changes that wait for a snapshot: 8 minutes at ten a second. Older ones are given up, and a newer snapshot is due."""


class DepthBook:
    """One symbol's book.

    last  number of the newest change in it, None while a snapshot is needed
    gaps  how often it had to begin anew after it was whole
    """

    __slots__ = ("_asks", "_bids", "_waiting", "at", "gaps", "instrument", "last", "seen")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self.last: int | None = None
        self._waiting: deque[Delta] = deque(maxlen=KEPT)
        self.at = self.seen = Millis(0)
        self.gaps = 0

    @property
    def whole(self) -> bool:
        return self.last is not None

    def changed(self, change: Delta) -> bool:
        """Take one change, in the order in which they came. False where a snapshot is needed now."""
        if self.last is None:
            self._waiting.append(change)
            return False
        if change.last <= self.last:
            return True
        if change.first > self.last + 1 or not self._apply(change):
            self._lose(change)
            return False
        return True

    def joined(self, snapshot: DepthRow) -> bool:
        """Begin from a snapshot. False where it does not meet the changes: a newer one is needed."""
        oldest = next(iter(self._waiting), None)
        if self.last is not None or (oldest is not None and snapshot.lastUpdateId < oldest.first - 1):
            return self.last is not None
        self._bids, self._asks = dict(snapshot.bids), dict(snapshot.asks)
        self.last = snapshot.lastUpdateId
        waiting, self._waiting = list(self._waiting), deque(maxlen=KEPT)
        for place, change in enumerate(waiting):
            if not self.changed(change):
                self._waiting.extend(waiting[place + 1 :])
                return False
        return True

    def book(self, depth: int) -> Book | None:
        """The best `depth` steps; None while it is not whole."""
        if self.last is None:
            return None
        bids = sorted(self._bids.items(), reverse=True)[:depth]
        steps: list[Level] = levels(bids, sorted(self._asks.items())[:depth])
        return Book(instrument=self.instrument, levels=steps, at=self.at, seen=self.seen)

    def _apply(self, change: Delta) -> bool:
        """False where the book would be crossed."""
        _set(self._bids, change.bids)
        _set(self._asks, change.asks)
        self.last, self.at, self.seen = change.last, change.at, change.seen
        return not (self._bids and self._asks) or max(self._bids) < min(self._asks)

    def _lose(self, change: Delta) -> None:
        self.last = None
        self._waiting.append(change)
        self.gaps += 1


def _set(side: dict[float, float], steps: Iterable[tuple[float, float]]) -> None:
    for price, size in steps:
        if size:
            side[price] = size
        else:
            side.pop(price, None)
