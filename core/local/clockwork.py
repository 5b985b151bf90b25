"""Fires the template's schedules in KST, which the embedded AWS cannot, and keeps what became of each run.

Time is compressed by `pace`: at 30, a schedule of every minute fires every two seconds. Only the *distance* between
runs is compressed; the scheduled time that a function is told is the real one, so that it can refuse a late run.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.app.ports import Clock
from core.domain.errors import CoreError
from core.domain.values import Millis
from core.local.schedules import Schedule, fires

SCHEDULED = "<aws.scheduler.scheduled-time>"
KEPT = 200
BEAT_S = 0.05

Invoke = Callable[[str, dict[str, Any]], Any]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One scheduled run. `fault` is empty where the function answered."""

    function: str
    schedule: str
    at: Millis
    took_ms: int
    answer: Any = None
    fault: str = ""


class Clockwork:
    """Calls functions by their schedules from a thread of its own; one run of a function at a time.

    A moment that comes while the function still runs is skipped and counted, as one more would only queue up.
    """

    def __init__(self, plan: Sequence[Schedule], invoke: Invoke, clock: Clock, *, pace: float = 1.0) -> None:
        self._plan = [one for one in plan if one.enabled]
        self._invoke = invoke
        self._clock = clock
        self._pace = pace
        self._start = self._seen = clock()
        self._busy: dict[str, Future[None]] = {}
        self._ended = Event()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self.functions)), thread_name_prefix="run")
        self._thread = Thread(target=self._turn, name="clockwork", daemon=True)
        self.runs: deque[Run] = deque(maxlen=KEPT)
        self.counts: dict[str, int] = {}
        self.faults: dict[str, int] = {}
        self.skipped: dict[str, int] = {}

    @property
    def functions(self) -> list[str]:
        """The functions that have a schedule, in the template's order."""
        return list(dict.fromkeys(one.function for one in self._plan))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Fire nothing more, wait for what runs."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def due(self, at: Millis) -> list[Schedule]:
        """The schedules with a moment between the last look and `at`, each once."""
        after, until = self._paced(self._seen), self._paced(at)
        self._seen = max(self._seen, at)
        return [one for one in self._plan if fires(one.when, after, until, self._start)]

    def run(self, one: Schedule, at: Millis) -> Run:
        """Run one schedule now and keep what came of it."""
        begun = self._clock()
        try:
            answer, fault = self._invoke(one.function, event_of(one, at)), ""
        except (CoreError, ClientError, BotoCoreError) as trouble:
            answer, fault = None, str(trouble)
        took = self._clock() - begun
        run = Run(function=one.function, schedule=one.name, at=at, took_ms=took, answer=answer, fault=fault)
        self._keep(run)
        return run

    def first(self, function: str, at: Millis) -> Run:
        """Run a function now, by its first schedule: for the first look when a system starts."""
        return self.run(next(one for one in self._plan if one.function == function), at)

    def soon(self, function: str, at: Millis) -> None:
        """The same, from the clockwork's own threads, without waiting for it."""
        self._submit(next(one for one in self._plan if one.function == function), at)

    def _turn(self) -> None:
        while not self._ended.wait(BEAT_S):
            at = self._clock()
            for one in self.due(at):
                self._submit(one, at)

    def _submit(self, one: Schedule, at: Millis) -> None:
        running = self._busy.get(one.function)
        if running is not None and not running.done():
            self.skipped[one.function] = self.skipped.get(one.function, 0) + 1
            return
        self._busy[one.function] = self._pool.submit(self._carry, one, at)

    def _carry(self, one: Schedule, at: Millis) -> None:
        self.run(one, at)

    def _keep(self, run: Run) -> None:
        with self._lock:
            self.runs.append(run)
            self.counts[run.function] = self.counts.get(run.function, 0) + 1
            if run.fault:
                self.faults[run.function] = self.faults.get(run.function, 0) + 1

    def _paced(self, at: Millis) -> Millis:
        return Millis(self._start + int((at - self._start) * self._pace))


def event_of(one: Schedule, at: Millis) -> dict[str, Any]:
    """The schedule's input with the scheduled time put in, as EventBridge does.

    >>> from core.local.schedules import read
    >>> one = Schedule(function="Rank", name="x", when=read("rate(1 day)"), input='{"scheduled":"%s"}' % SCHEDULED)
    >>> event_of(one, Millis(1_700_000_000_000))
    {'scheduled': '2023-11-14T22:13:20Z'}
    """
    moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event: dict[str, Any] = json.loads(one.input.replace(SCHEDULED, moment))
    return event
