"""Notices of our own orders on their way to the board: in order, from a thread, each until it is there.

The venue never repeats one, so none is dropped; a batch that failed is put again exactly as it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.app.ports import Notices
from core.domain.events import OrderNotice
from core.domain.policies import StreamPolicy
from core.feed.backoff import pause_ms
from streamer.outbox import TROUBLE

log = logging.getLogger(__name__)


class NoticeLane:
    """sent: notices that are on the board; foreign: those of other accounts, which one registration brings too."""

    def __init__(self, board: Notices, policy: StreamPolicy, dice: Callable[[], float]) -> None:
        self._board, self._policy, self._dice = board, policy, dice
        self._waiting: list[OrderNotice] = []
        self._batch: list[OrderNotice] = []
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="notices")
        self.sent = self.foreign = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._batch)

    def put(self, notice: OrderNotice) -> None:
        """Called in the path of a frame; returns at once."""
        self._waiting.append(notice)
        self._filled.set()

    async def run(self) -> None:
        attempt = 0
        while True:
            await self._filled.wait()
            if await self.empty_out():
                attempt = 0
                continue
            await asyncio.sleep(pause_ms(self._policy.backoff_s, attempt, self._dice) / 1000)
            attempt += 1

    async def empty_out(self) -> bool:
        """Put all that waits; False where the board does not answer."""
        while self.waiting:
            if not self._batch:
                self._batch, self._waiting = self._waiting, []
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._board.put, self._batch)
            except TROUBLE as fault:
                log.warning("notices wait: the board does not answer", extra={"outcome": "retry", "why": str(fault)})
                return False
            self.sent += len(self._batch)
            self._batch = []
        self._filled.clear()
        return True

    async def drain(self, patience_s: float) -> None:
        """At the end: put what waits, for at most `patience_s`; what is left shows when the venue is asked."""
        try:
            async with asyncio.timeout(patience_s):
                await self.empty_out()
        except TimeoutError:
            pass
        if self.waiting:
            log.error("notices were not put at the end", extra={"outcome": "lost", "waiting": self.waiting})
        self._thread.shutdown(wait=False, cancel_futures=True)
