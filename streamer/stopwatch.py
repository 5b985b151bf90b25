"""Counting and timing what one connection brings, between the transport and the link: `streamer.bench` puts it there.

Only a few frames are timed, so the path that is measured is the one that runs: every other frame costs a count and
one comparison more than in production.
"""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from streamer.transport import Ear

SAMPLES = 1024
"""Frames that are timed, at most, spread evenly over the run."""
FINE = 10**15
"""From here on a time stamp counts microseconds or less."""
CELL = re.compile(rb"\^(1[0-9]{15})\^")
"""A cell of a KIS frame that can only be microseconds: KIS itself tells seconds, so a server that wants to be measured
writes its sending time where nobody reads."""
NEAR_NS = 10_000_000_000
"""A sending time further than this from our clock is not one (a recording, another clock)."""


class Sample(msgspec.Struct, gc=False):
    """A frame that was timed, or the oldest of several handled at once: our wall clock when that was done, and how long
    it took, both in ns."""

    body: bytes
    done: int
    took: int


class Stopwatch:
    """An ear before another: passes frames on until `messages` of them were market data, and no more.

    others    how many frames so far were none (answers, signs of life)
    finished  called when the last one has been handled
    seconds, cpu_s   from the first market data to the last: by the clock, and CPU of the whole process
    """

    def __init__(self, messages: int, others: Callable[[], int], finished: Callable[[], None]) -> None:
        self._wanted, self._others, self._finished = messages, others, finished
        self._stride = max(1, messages // SAMPLES)
        self._ear: Ear
        self._pass: Callable[[list[bytes]], None]
        self._over = False
        self._count, self._next = 0, 1
        self._began, self._cpu = 0.0, 0.0
        self.seconds = self.cpu_s = 0.0
        self.samples: list[Sample] = []

    @property
    def messages(self) -> int:
        """Frames passed on that were market data, or did not read."""
        return self._count - self._others()

    def before(self, ear: Ear) -> Ear:
        """Stand before this ear from now on."""
        self._ear, self._pass = ear, ear.frames
        return self

    def frames(self, bodies: list[bytes]) -> None:
        """Frames of one wake-up. Where one of them is to be timed all are, from the oldest on, as one."""
        count = self._count + len(bodies)
        if count < self._next:
            self._count = count
            self._pass(bodies)
            return
        while bodies and not self._over:
            room = self._wanted + self._others() - self._count if self.samples else 1
            part, bodies = bodies[:room], bodies[room:]
            self._count += len(part)
            self._look(part)

    def sign(self) -> None:
        self._ear.sign()

    def stop(self) -> None:
        """The run is over: what comes from now on is neither handled nor counted."""
        if self.samples and not self.seconds:
            self.seconds, self.cpu_s = time.perf_counter() - self._began, time.process_time() - self._cpu
        self._over, self._next = True, -1

    def _look(self, bodies: list[bytes]) -> None:
        """Hand these over and time it. They count from the first market data on."""
        if not self.samples:
            self._began, self._cpu = time.perf_counter(), time.process_time()
        start = time.perf_counter_ns()
        self._pass(bodies)
        took = time.perf_counter_ns() - start
        goal = self._wanted + self._others()
        if goal - self._count == self._wanted:  # no market data yet
            self._next += 1
            return
        self.samples.append(Sample(bodies[0], time.time_ns(), took))
        self._next = min(self._count + self._stride, goal)
        if self._count == goal:
            self.stop()
            self._finished()


class Stamps(msgspec.Struct, frozen=True):
    """Where venues put the time at which they sent a frame: Upbit in both spellings, Binance bare."""

    timestamp: int = 0
    tms: int = 0
    E: int = 0

    @property
    def sent_ns(self) -> int:
        """Epoch ns; 0 where no stamp is finer than a millisecond."""
        stamp = self.timestamp or self.tms or self.E
        return 0 if stamp < FINE else stamp * 1000 if stamp < FINE * 1000 else stamp


class Wrapped(Stamps, frozen=True):
    """The same, or Binance's combined form: the frame is the value of `data`."""

    data: Stamps = Stamps()


def received_us(samples: Sequence[Sample]) -> list[float]:
    """From the transport's callback to the decision, in microseconds, sorted."""
    return sorted(sample.took / 1000 for sample in samples)


def sent_us(samples: Sequence[Sample]) -> list[float]:
    """From the server's own stamp to the decision, sorted; empty where the server stamps no finer than milliseconds,
    or by a clock that is not ours."""
    spans = [(sample.done, _sent_ns(sample.body)) for sample in samples]
    return sorted((done - sent) / 1000 for done, sent in spans if sent and abs(done - sent) < NEAR_NS)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that at least `share` of all lie at or under, of sorted ones; 0 where there are none."""
    return values[max(0, -int(-len(values) * share // 1) - 1)] if values else 0.0


def resident_mb() -> float:
    """Memory of this process that is in RAM now, in MB of 2**20 bytes; the most it ever was where the system does not
    say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return round(pages * resource.getpagesize() / 2**20, 1)


def _sent_ns(body: bytes) -> int:
    if cell := CELL.search(body):
        return int(cell[1]) * 1000
    try:
        found = msgspec.json.decode(body, type=Wrapped)
    except (msgspec.MsgspecError, ValueError):
        return 0
    return found.sent_ns or found.data.sent_ns
