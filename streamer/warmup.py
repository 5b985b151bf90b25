"""Bars by REST for symbols that are newly wanted, and for the gap that a lost connection left (D6).

Few at a time, in threads of its own, so that neither the loop nor the shared budget is flooded. Held symbols come first
because they are wanted first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from core.app.ports import Quotes
from core.domain.errors import Refused, Transient, WireSurprise
from core.domain.events import Bar
from core.domain.values import SPANS, Millis
from core.feed.backoff import pause_ms
from core.feed.freshness import Gap

HANDS = 2
MORE = 2
"""Bars beyond the length of a gap: the one it began in, and the one that is still open."""
log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True):
    """Fetch `symbol`; `gap` None means its whole history."""

    symbol: str
    gap: Gap | None = None


class Hand(msgspec.Struct, frozen=True):
    """One thread and its own REST client: the client is not for several threads."""

    thread: ThreadPoolExecutor
    quotes: Quotes


class Warmup:
    """Keeps each job once. `done`: symbols whose history has been fetched and that are still wanted."""

    def __init__(
        self,
        quotes: Callable[[], Quotes],
        bars: int,
        give: Callable[[str, Millis, list[Bar]], None],
        *,
        ladder_s: tuple[float, ...],
        dice: Callable[[], float],
    ) -> None:
        self._quotes, self._bars, self._give = quotes, bars, give
        self._ladder_s, self._dice = ladder_s, dice
        self._jobs: dict[Job, None] = {}
        self._busy: set[str] = set()
        self._filled = asyncio.Event()
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix=f"warmup-{hand}") for hand in range(HANDS)]
        self.done: set[str] = set()

    def want(self, symbols: Iterable[str]) -> None:
        """Fetch the history of those that do not have it; forget those that are not wanted any more."""
        wanted = list(symbols)
        self.done &= set(wanted)
        self._jobs = {job: None for job in self._jobs if job.symbol in wanted}
        self._add(Job(symbol) for symbol in wanted if symbol not in self.done | self._busy)

    def fill(self, symbols: Iterable[str], gap: Gap) -> None:
        """Fetch the bars of a gap for those that have their history; the others get theirs whole anyhow."""
        self._add(Job(symbol, gap) for symbol in sorted(self.done & set(symbols)))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for hand, thread in enumerate(self._threads):
                group.create_task(self._work(Hand(thread, self._quotes())), name=f"warmup {hand}")

    def stop(self) -> None:
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self, hand: Hand) -> None:
        while True:
            await self._filled.wait()
            if not self._jobs:
                self._filled.clear()
                continue
            job = next(iter(self._jobs))
            del self._jobs[job]
            self._busy.add(job.symbol)
            try:
                await self._carry_out(job, hand)
            finally:
                self._busy.discard(job.symbol)

    async def _carry_out(self, job: Job, hand: Hand) -> None:
        """Fetch every span. What passes is tried again behind the others; what is refused is left until wanted anew."""
        try:
            for span in SPANS if self._bars else ():
                self._give(job.symbol, span, await self._fetch(job, span, hand))
        except Transient as fault:
            log.info(
                "bars are fetched again later", extra={"instrument": job.symbol, "outcome": "retry", "why": str(fault)}
            )
            self._add([job])
            await asyncio.sleep(pause_ms(self._ladder_s, len(self._ladder_s), self._dice) / 1000)
            return
        except (Refused, WireSurprise) as fault:
            log.warning("no bars", extra={"instrument": job.symbol, "outcome": "refused", "why": str(fault)})
        self.done.add(job.symbol)

    async def _fetch(self, job: Job, span: Millis, hand: Hand) -> list[Bar]:
        count = self._bars if job.gap is None else min(self._bars, (job.gap.end - job.gap.start) // span + MORE)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(hand.thread, hand.quotes.bars, job.symbol, span, count, None)

    def _add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._jobs.setdefault(job)
        if self._jobs:
            self._filled.set()
