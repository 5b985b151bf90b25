"""A cache with a time to live (D16): refreshed by writers, emptied where something changed, and it counts itself."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from core.domain.values import Millis

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Values by key, each until its own end. Time is an argument; a clock that is set back makes nothing immortal.

    hits, misses   answers of `get`; `refreshed` writes over a value that was there, `invalidated` values taken out
    """

    def __init__(self) -> None:
        self._rows: dict[K, tuple[V, Millis, Millis]] = {}
        self.hits = self.misses = self.refreshed = self.invalidated = 0

    def put(self, key: K, value: V, ttl_ms: int, at: Millis) -> None:
        self.refreshed += key in self._rows
        self._rows[key] = (value, at, Millis(at + ttl_ms))

    def get(self, key: K, at: Millis) -> V | None:
        """The value while it lives, and count the answer."""
        found = self.peek(key, at)
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    def peek(self, key: K, at: Millis) -> V | None:
        """The same, uncounted."""
        row = self._rows.get(key)
        return row[0] if row is not None and row[1] <= at < row[2] else None

    def invalidate(self, keys: Iterable[K]) -> None:
        """Something changed that these values do not know of."""
        for key in keys:
            self.invalidated += self._rows.pop(key, None) is not None

    @property
    def hit_rate(self) -> float:
        """Share of the answers that came from the cache, 0 before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0
