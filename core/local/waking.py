"""What wakes functions that wait for queues, so that no cold start falls into the first real signal of a short day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import msgspec

from core.domain.messages import Alert, Kind
from core.domain.signals import Signal, signal_id
from core.domain.values import Instrument, Market, Millis, Side

RULE = "waking"


@contextmanager
def unwaited(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose calls nobody waits for after the block: if Ctrl-C ended it, the embedded AWS goes, and they fail."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def stale(market: Market, symbol: str, at: Millis) -> Signal:
    """A signal whose time has been over for long: it is acknowledged, never acted on (E8)."""
    instrument = Instrument(market, symbol)
    return Signal(
        id=signal_id(instrument, Side.SELL, RULE, at),
        instrument=instrument,
        side=Side.SELL,
        rule=RULE,
        price=0.0,
        value=0.0,
        threshold=0.0,
        at=Millis(0),
        seen=at,
        expires=Millis(0),
    )


def record(signal: Signal) -> dict[str, Any]:
    """The event by which SQS hands one signal to a function."""
    attributes = {"ApproximateReceiveCount": "1", "MessageGroupId": str(signal.instrument)}
    message = {
        "messageId": signal.id,
        "receiptHandle": signal.id,
        "body": msgspec.json.encode(signal).decode(),
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [message]}


def hello(at: Millis) -> Alert:
    """A test alert with a picture."""
    wave = tuple(100 + math.sin(step / 4) for step in range(40))
    return Alert(id=f"hello:{at}", kind=Kind.TEST, at=at, memo="hoga", chart=wave, lasting=False)
