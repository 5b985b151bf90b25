"""What one reader of a stream has not read yet: the newest of each symbol, never more (D11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

V = TypeVar("V")


class Mailbox(Generic[V]):
    """A slow reader misses states, never the newest one, and keeps nobody waiting. `conflated` counts the missed."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self.symbols = symbols
        self._newest: dict[str, V] = {}
        self._filled = asyncio.Event()
        self.conflated = 0

    def put(self, symbol: str, value: V) -> None:
        """Called for each new state of one of its symbols; the first symbol that changed is read first."""
        self.conflated += symbol in self._newest
        self._newest[symbol] = value
        self._filled.set()

    async def read(self) -> AsyncGenerator[V, None]:
        """Every newest state, for ever."""
        while True:
            await self._filled.wait()
            while self._newest:
                symbol = next(iter(self._newest))
                yield self._newest.pop(symbol)
            self._filled.clear()
