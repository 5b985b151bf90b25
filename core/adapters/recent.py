"""A shelf that is not asked twice within seconds: a trade reads its levels without a round trip each (E1).

For whoever trades only. A level is at most KEPT_MS older than the table's; the halts, limits and locks of a trade are
not levels and are never kept. That a level is not there is kept as long.
"""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from core.app.ports import Clock, Shelf
from core.domain.values import Market
from core.feed.cache import Cache

T = TypeVar("T")

KEPT_MS = 5_000


class RecentShelf:
    """Implements `ports.Shelf` over another one; not for several threads at once."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf, self._clock = shelf, clock
        self._kept: Cache[tuple[type, Market], tuple[object]] = Cache()

    def read(self, kind: type[T], market: Market) -> T | None:
        at = self._clock()
        if (kept := self._kept.get((kind, market), at)) is not None:
            return cast("T | None", kept[0])
        found = self._shelf.read(kind, market)
        self._kept.put((kind, market), (found,), KEPT_MS, at)
        return found

    def write(self, value: msgspec.Struct, *, ttl_s: int | None = None, tag: str = "") -> None:
        market: Market = value.market  # type: ignore[attr-defined]
        self._kept.invalidate([(type(value), market)])
        self._shelf.write(value, ttl_s=ttl_s, tag=tag)

    def write_once(self, value: msgspec.Struct, tag: str) -> bool:
        return self._shelf.write_once(value, tag)

    def read_tagged(self, kind: type[T], market: Market, tag: str) -> T | None:
        return self._shelf.read_tagged(kind, market, tag)
