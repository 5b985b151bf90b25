"""Level state in memory, for replay and tests: the same words, the same round trip through JSON, nothing shared."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from core.app.ports import Clock
from core.domain.values import Market, Millis

T = TypeVar("T")


class MemoryShelf:
    """Implements `ports.Shelf`. Without a clock nothing expires."""

    def __init__(self, clock: Clock = lambda: Millis(0)) -> None:
        self._clock = clock
        self._rows: dict[tuple[str, str], tuple[bytes, int | None]] = {}

    def read(self, kind: type[T], market: Market) -> T | None:
        return self._read(kind, market.value)

    def read_tagged(self, kind: type[T], market: Market, tag: str) -> T | None:
        return self._read(kind, f"{market.value}#{tag}")

    def write(self, value: msgspec.Struct, *, ttl_s: int | None = None, tag: str = "") -> None:
        ends = None if ttl_s is None else self._clock() // 1000 + ttl_s
        key = f"{_market(value)}#{tag}" if tag else _market(value)
        self._rows[type(value).__name__, key] = (msgspec.json.encode(value), ends)

    def write_once(self, value: msgspec.Struct, tag: str) -> bool:
        key, row = (type(value).__name__, f"{_market(value)}#{tag}"), (msgspec.json.encode(value), None)
        return self._rows.setdefault(key, row) is row

    def _read(self, kind: type[T], key: str) -> T | None:
        body, ends = self._rows.get((kind.__name__, key), (None, None))
        if body is None or (ends is not None and ends <= self._clock() // 1000):
            return None
        return msgspec.json.decode(body, type=kind)


def _market(value: msgspec.Struct) -> str:
    market: Market = value.market  # type: ignore[attr-defined]
    return market.value
