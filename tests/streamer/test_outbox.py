"""D9, D11: batches from a thread, bounded queues, nothing dropped in silence, nothing lost to a passing failure."""

import asyncio
import logging
import threading

import pytest

from core.domain.effects import Announce, Emit
from core.domain.errors import Misconfigured, Transient
from core.domain.messages import Alert, Kind
from core.domain.policies import StreamPolicy
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Side
from streamer.outbox import OVERLAP_MS, Outbox
from tests.streamer.conftest import until

BTC = Instrument(Market.UPBIT, "KRW-BTC")


def signal(number, side=Side.BUY, expires=10**15):
    return Emit(
        Signal(
            id=f"s{number}", instrument=BTC, side=side, rule="r", price=1.0, value=0.0, threshold=0.0,
            at=number, seen=number, expires=expires,
        )
    )  # fmt: skip


def alert(number, kind=Kind.SIGNAL):
    return Announce(Alert(id=f"a{number}", kind=kind, at=number))


class KeepingQueue:
    """Keeps each batch and the thread it came by; fails as often as it is told to."""

    def __init__(self, failures=0, fault=Transient):
        self.batches, self.threads, self.failures, self.fault = [], set(), failures, fault
        self.open = threading.Event()
        self.open.set()

    def send(self, items):
        self.open.wait(20)
        self.threads.add(threading.current_thread().name)
        if self.failures:
            self.failures -= 1
            raise self.fault("the queue is away")
        self.batches.append([item.id for item in items])

    @property
    def ids(self):
        return [each for batch in self.batches for each in batch]


def outbox(signals, alerts=None, size=10_000):
    policy = StreamPolicy(url="ws://x", outbox=size, flush_s=0.01, backoff_s=(0.01,))
    return Outbox(signals, alerts or KeepingQueue(), policy, clock=lambda: 1_000, dice=lambda: 0.5)


@pytest.fixture
async def started():
    tasks = []

    def start(box):
        tasks.append(asyncio.create_task(box.run()))
        return box

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_signals_leave_in_order_by_tens_and_never_from_the_loops_thread(started):
    queue = KeepingQueue()
    box = started(outbox(queue))
    box.put([signal(number) for number in range(25)])
    await until(lambda: len(queue.ids) == 25)
    assert queue.ids == [f"s{number}" for number in range(25)]
    assert max(len(batch) for batch in queue.batches) <= 10
    assert threading.current_thread().name not in queue.threads


async def test_a_queue_that_hangs_holds_up_neither_the_tick_path_nor_the_alerts(started):
    hanging, alerts = KeepingQueue(), KeepingQueue()
    hanging.open.clear()
    box = started(outbox(hanging, alerts))
    box.put([signal(1)])
    box.put([alert(1)])
    await until(lambda: alerts.ids == ["a1"])
    assert hanging.ids == []
    hanging.open.set()
    await until(lambda: hanging.ids == ["s1"])


async def test_what_could_not_be_sent_is_sent_later_in_its_old_order(started):
    queue = KeepingQueue(failures=3)
    box = started(outbox(queue))
    box.put([signal(number) for number in range(12)])
    await until(lambda: len(queue.ids) == 12)
    assert queue.ids == [f"s{number}" for number in range(12)]
    assert box.signals.failures == 3


async def test_a_full_queue_drops_a_buy_before_a_sell_and_says_so(caplog):
    box = outbox(KeepingQueue(), size=3)
    with caplog.at_level(logging.ERROR):
        box.put([signal(1, Side.SELL), signal(2, Side.BUY), signal(3, Side.BUY), signal(4, Side.SELL)])
    assert box.signals.dropped == 1
    assert [record.key for record in caplog.records] == ["s2"]
    assert len(box) == 3


async def test_a_full_queue_of_alerts_drops_the_oldest_approach():
    box = outbox(KeepingQueue(), size=2)
    box.put([alert(1, Kind.BOUGHT), alert(2, Kind.APPROACHING), alert(3, Kind.SOLD)])
    queue = box.alerts._send.__self__
    await box.drain(5)
    assert queue.ids == ["a1", "a3"]


async def test_the_drain_sends_everything_that_waits():
    queue, alerts = KeepingQueue(), KeepingQueue()
    box = outbox(queue, alerts)
    box.put([signal(number) for number in range(31)])
    box.put([alert(1)])
    assert await box.drain(5) == 0
    assert len(queue.ids) == 31
    assert alerts.ids == ["a1"]


async def test_the_drain_gives_up_when_its_patience_is_over_and_tells_what_is_left():
    queue = KeepingQueue()
    queue.open.clear()
    box = outbox(queue)
    box.put([signal(1)])
    assert await box.drain(0.05) == 1
    queue.open.set()


async def test_a_drain_in_the_middle_of_a_batch_sends_that_batch_again_rather_than_never():
    """Deduplication makes twice harmless; never would be a lost sell."""
    queue = KeepingQueue()
    queue.open.clear()
    box = outbox(queue)
    task = asyncio.create_task(box.run())
    box.put([signal(1)])
    await until(lambda: box.signals._in_flight)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    queue.open.set()
    assert await box.drain(5) == 0
    assert set(queue.ids) == {"s1"}


async def test_a_queue_that_does_not_exist_ends_nothing_and_its_messages_wait_for_it(started):
    queue = KeepingQueue(failures=2, fault=Misconfigured)
    box = started(outbox(queue))
    box.put([signal(1)])
    await until(lambda: queue.ids == ["s1"])
    assert box.signals.failures == 2


async def test_a_drain_into_a_queue_that_does_not_exist_goes_on_to_the_alerts_and_says_what_is_left():
    queue, alerts = KeepingQueue(failures=9, fault=Misconfigured), KeepingQueue()
    box = outbox(queue, alerts)
    box.put([signal(1)])
    box.put([alert(1)])
    assert await box.drain(5) == 1
    assert alerts.ids == ["a1"]


async def test_a_host_whose_lease_ran_out_while_it_hung_is_silent_before_it_even_looks():
    """D13: what it decides on the frames of meanwhile, the other host has said; or it is renewed, and says it then."""
    queue = KeepingQueue()
    box, held, at = outbox(queue), [True], [1_000]
    box.allowed, box._clock = lambda: held[0], lambda: at[0]
    box.put([signal(1)])
    held[0] = False
    box.put([signal(2)])
    at[0] += OVERLAP_MS
    box.put([signal(3)])
    assert len(box.signals) == 1
    held[0], at[0] = True, at[0] + 1
    box.put([])
    box.put([signal(4)])
    assert await box.drain(5) == 0
    assert queue.ids == ["s1", "s3", "s4"]
