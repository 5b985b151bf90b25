"""Bars by REST for symbols that are newly wanted, and for the gap that a lost connection left (D6).

One call at a time, in a thread of its own: the budget of calls is the bottleneck, not the thread. Held symbols come
first because they are wanted first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from core.app.ports import Quotes
from core.domain.errors import Refused, Transient, WireSurprise
from core.domain.events import Bar
from core.domain.quality import EDGE_MS
from core.domain.values import MINUTE, SPANS, Millis
from core.feed.backoff import pause_ms
from core.feed.freshness import Gap

MORE = 2
"""Bars beyond the length of a gap: the one it began in, and the one that is still open."""
SETTLED_MS = 3_000
"""How long after its end a venue's bar is taken for final."""
log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True):
    """Fetch `symbol`; `gap` None means its whole history."""

    symbol: str
    gap: Gap | None = None

    @property
    def key(self) -> tuple[str, bool]:
        """One of each kind waits for a symbol."""
        return self.symbol, self.gap is None

    def joined(self, other: Job) -> Job:
        """Both of them, which are of one key, as one."""
        if self.gap is None or other.gap is None:
            return self
        return Job(self.symbol, Gap(min(self.gap.start, other.gap.start), max(self.gap.end, other.gap.end)))


class Warmup:
    """Keeps each job once. `done`: symbols whose history has been fetched and that are still wanted.

    give  takes the bars of one span of a symbol; of a gap, only those that it touches
    heal  told of each gap that was filled: its symbol, its span, and when the venue was asked
    clock None: gaps are filled soon after they end
    counts  bars by span that are read, where the venue tells all spans at once; else `bars` of each
    """

    def __init__(
        self,
        quotes: Quotes,
        bars: int,
        give: Callable[[str, Millis, list[Bar]], None],
        *,
        heal: Callable[[str, Millis, Millis], None] = lambda symbol, span, seen: None,
        clock: Callable[[], Millis] | None = None,
        counts: Mapping[Millis, int] | None = None,
        ladder_s: tuple[float, ...],
        dice: Callable[[], float],
    ) -> None:
        self._quotes, self._bars, self._give, self._heal, self._clock = quotes, bars, give, heal, clock
        self._ladder_s, self._dice, self._counts = ladder_s, dice, counts or {}
        self._jobs: dict[tuple[str, bool], Job] = {}
        self._busy = ""
        self._filled = asyncio.Event()
        self._later: list[asyncio.TimerHandle] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="warmup")
        self.done: set[str] = set()

    def want(self, symbols: Iterable[str]) -> None:
        """Fetch the history of those that do not have it; forget those that are not wanted any more."""
        wanted = list(symbols)
        self.done &= set(wanted)
        self._jobs = {key: job for key, job in self._jobs.items() if job.symbol in wanted}
        self._add(Job(symbol) for symbol in wanted if symbol not in self.done | {self._busy})

    def fill(self, symbols: Iterable[str], gap: Gap) -> None:
        """Fetch the bars of a gap for those that have their history; the others get theirs whole anyhow.

        Fetched again when the minute that the gap ended in is over: only then does its bar hold all of its trades.
        """
        self._refill(frozenset(symbols), gap)
        rest_ms = MINUTE - gap.end % MINUTE + SETTLED_MS
        loop = asyncio.get_running_loop()
        self._later = [timer for timer in self._later if timer.when() > loop.time()]
        self._later.append(loop.call_later(rest_ms / 1000, self._refill, frozenset(symbols), gap))

    async def run(self) -> None:
        """Carry the jobs out, one after the other, until cancelled."""
        while True:
            await self._filled.wait()
            if not self._jobs:
                self._filled.clear()
                continue
            job = self._jobs.pop(next(iter(self._jobs)))
            self._busy = job.symbol
            await self._carry_out(job)
            self._busy = ""

    def _refill(self, symbols: frozenset[str], gap: Gap) -> None:
        self._add(Job(symbol, gap) for symbol in sorted(self.done & symbols))

    def stop(self) -> None:
        for timer in self._later:  # each would keep all that this market knows for another minute
            timer.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _carry_out(self, job: Job) -> None:
        """Fetch every span. What passes is tried again behind the others; what is refused is left until wanted anew."""
        try:
            at_once = await self._fetch_all(job) if self._counts else {}
            for span in SPANS if self._bars else ():
                bars = at_once[span] if span in at_once else await self._fetch(job, span)
                self._give(job.symbol, span, _touched(bars, job.gap))
                if job.gap is not None and bars:
                    self._heal(job.symbol, span, max(bar.seen for bar in bars))
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

    async def _fetch(self, job: Job, span: Millis) -> list[Bar]:
        count = self._bars if job.gap is None else self._count(job.gap, span)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._quotes.bars, job.symbol, span, count, None)

    async def _fetch_all(self, job: Job) -> dict[Millis, list[Bar]]:
        """Every span from the same rows of the venue."""
        gap = job.gap
        counts = self._counts if gap is None else {span: self._count(gap, span) for span in SPANS}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._quotes.history, job.symbol, counts)

    def _count(self, gap: Gap, span: Millis) -> int:
        """Bars are asked for from now backwards, and the gap may be long ago."""
        until = max(gap.end, self._clock() if self._clock else gap.end)
        return min(self._bars, (until - gap.start) // span + MORE)

    def _add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            waiting = self._jobs.get(job.key)
            self._jobs[job.key] = job if waiting is None else waiting.joined(job)
        if self._jobs:
            self._filled.set()


def _touched(bars: list[Bar], gap: Gap | None) -> list[Bar]:
    """Candles that a gap does not touch are whole here, and stay: the venue's unfinished bar could only spoil one."""
    if gap is None:
        return bars
    return [bar for bar in bars if bar.opens < gap.end + EDGE_MS and bar.opens + bar.span > gap.start - EDGE_MS]
