"""What leaves the process: signals and alerts, in batches, from a thread, never from the path of a tick.

Both queues are bounded; what goes first when one is full is told in core/feed/shedding.py. Whatever is dropped is
counted, and a signal that is dropped is also logged as an error: never in silence.
What could not be sent waits and is tried again with back-off. Sending twice is harmless: signals carry a FIFO
deduplication id, and an alert's cooldown knows the alert's own id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from core.app.ports import Alerts, Signals
from core.domain.effects import Announce, Effect, Emit
from core.domain.errors import CoreError
from core.domain.messages import Alert
from core.domain.policies import StreamPolicy
from core.domain.signals import Signal
from core.domain.values import Millis
from core.feed.backoff import pause_ms
from core.feed.latency import Latency
from core.feed.shedding import alert_to_shed, signal_to_shed

BATCH = 10
"""What one SQS call takes."""
OVERLAP_MS = 5_000
"""At a hand-over, what both hosts decided within so long is said by both: its ids are the same, so it counts once."""
KEPT = 1_000
TROUBLE = (CoreError, BotoCoreError, ClientError)
"""What a cloud call may end in. None of it ends the streamer: a missing queue or table may be there again later."""
log = logging.getLogger(__name__)
Item = TypeVar("Item", Signal, Alert)


class Lane(Generic[Item]):
    """One bounded queue and the thread that empties it. taken, sent, dropped, failures: counts since the start."""

    def __init__(
        self,
        name: str,
        send: Callable[[list[Item]], None],
        shed: Callable[[Sequence[Item]], int],
        policy: StreamPolicy,
        dice: Callable[[], float],
    ) -> None:
        self._send: Callable[[list[Item]], None] = send
        self._shed: Callable[[Sequence[Item]], int] = shed
        self.name, self._policy, self._dice = name, policy, dice
        self._waiting: deque[Item] = deque()
        self._in_flight: list[Item] = []
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"outbox-{name}")
        self.taken = self.sent = self.dropped = self.failures = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    def put(self, item: Item) -> None:
        self.taken += 1
        self._waiting.append(item)
        if len(self) > self._policy.outbox:
            self._drop()
        self._filled.set()

    async def run(self) -> None:
        """Send what comes in: at once where nothing was sent lately, else every `flush_s`. Until cancelled."""
        attempt = 0
        while True:
            await self._filled.wait()
            if await self.empty_out():
                attempt, pause_s = 0, self._policy.flush_s
            else:
                pause_s = pause_ms(self._policy.backoff_s, attempt, self._dice) / 1000
                attempt += 1
            await asyncio.sleep(pause_s)

    async def empty_out(self) -> bool:
        """Send all that waits, by tens. False where it did not work; what was not sent waits in its old order."""
        while self._waiting:
            self._in_flight = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._send, self._in_flight)
            except TROUBLE as fault:
                self.failures += 1
                log.warning(f"{self.name} wait: sending failed", extra={"outcome": "retry", "why": str(fault)})
                return False
            else:
                self._told()
            finally:
                self._waiting.extendleft(reversed(self._in_flight))
                self._in_flight = []
        self._filled.clear()
        return True

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _told(self) -> None:
        self.sent += len(self._in_flight)
        for item in self._in_flight:
            extra = {"outcome": "sent", "key": item.id, "instrument": str(item.instrument or "")}
            log.info(f"{self.name} sent", extra=extra)
        self._in_flight = []

    def _drop(self) -> None:
        gone = self._waiting[(index := self._shed(self._waiting))]
        del self._waiting[index]
        self.dropped += 1
        level = logging.ERROR if self.name == "signal" else logging.WARNING
        log.log(level, f"{self.name} dropped: the outbox is full", extra={"outcome": "dropped", "key": gone.id})


class Outbox:
    """Where effects go. `put` is called in the path of a tick and returns at once, whatever the network does.

    allowed          whether this host may speak at all now, asked each time; what it may not say is kept for a moment
    to_signal, own   ms from the exchange, and from receipt, to here, of each signal
    """

    def __init__(
        self,
        signals: Signals,
        alerts: Alerts,
        policy: StreamPolicy,
        *,
        clock: Callable[[], Millis],
        dice: Callable[[], float],
    ) -> None:
        self.signals = Lane[Signal]("signal", signals.send, lambda all: signal_to_shed(all, clock()), policy, dice)
        self.alerts = Lane[Alert]("alert", alerts.send, alert_to_shed, policy, dice)
        self._clock = clock
        self.allowed: Callable[[], bool] = lambda: True
        self._kept: deque[tuple[Millis, Effect]] = deque(maxlen=KEPT)
        self._muted = False
        self.to_signal, self.own = Latency(), Latency()

    def mute(self) -> None:
        """Say nothing from now on: another host does. What was decided lately is kept for `speak`."""
        self._muted = True

    def speak(self) -> None:
        """Say what was decided in the last moments, which the other host may not have said any more, and go on."""
        self._muted = False
        kept, at = list(self._kept), self._clock()
        self._kept.clear()
        self._say([effect for when, effect in kept if at - when <= OVERLAP_MS])

    def put(self, effects: Sequence[Effect]) -> None:
        """Take effects over, whatever their number."""
        if not effects:
            return
        if self._muted or not self.allowed():
            self._kept.extend((self._clock(), effect) for effect in effects)
            return
        if self._kept:
            self.speak()
        self._say(effects)

    def _say(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Emit(signal):
                    self.to_signal.add(self._clock() - signal.at)
                    self.own.add(self._clock() - signal.seen)
                    self.signals.put(signal)
                case Announce(alert):
                    self.alerts.put(alert)
                case _:
                    assert_never(effect)

    def __len__(self) -> int:
        return len(self.signals) + len(self.alerts)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.signals.run(), name="outbox signals")
            group.create_task(self.alerts.run(), name="outbox alerts")

    async def drain(self, patience_s: float) -> int:
        """Send all that waits, signals first, for at most `patience_s`. How many are left, which is also logged."""
        try:
            async with asyncio.timeout(patience_s):
                await self.signals.empty_out()
                await self.alerts.empty_out()
        except TimeoutError:
            pass
        if left := len(self):
            log.error("the outbox was not empty at the end", extra={"outcome": "lost", "waiting": left})
        self.signals.stop()
        self.alerts.stop()
        return left
