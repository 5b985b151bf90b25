"""The workers of a market: slots of capital, put to work when first needed (E2)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from core.app.desk import Desk
from core.domain.values import Millis
from core.domain.workers import Status, Worker


def names(count: int) -> list[str]:
    """
    >>> names(2)
    ['w-01', 'w-02']
    """
    return [f"w-{number:02d}" for number in range(1, count + 1)]


def enlist(desk: Desk, at: Millis) -> list[Worker]:
    """Every worker of the market after those that are missing or idle have been put to work."""
    policy = desk.policy.workers
    known = {worker.id: worker for worker in desk.ledger.workers(desk.market)}
    started = False
    for name in names(policy.count):
        worker = known.get(name) or Worker(
            id=name, market=desk.market, status=Status.IDLE, capital=policy.capital, heartbeat=at
        )
        if name not in known:
            desk.ledger.register(worker)
        if worker.status is Status.IDLE:
            desk.ledger.move(worker, Status.SCAN, at)
            started = True
    return desk.ledger.workers(desk.market) if started else list(known.values())


def candidates(signal: str, desk: Desk, at: Millis) -> Iterator[Worker]:
    """Workers to try for a signal, one after the other until one is taken.

    The first is picked by the signal alone, without a look: nearly always it is free, and a look costs a round trip.
    The others are those that a look finds free, in the order that the signal gives, so that two signals seldom meet.
    """
    slots = names(desk.policy.workers.count)
    first = int.from_bytes(sha256(signal.encode()).digest()[:8]) % len(slots)
    yield Worker(
        id=slots[first], market=desk.market, status=Status.SCAN, capital=desk.policy.workers.capital, heartbeat=at
    )
    free = {worker.id: worker for worker in enlist(desk, at) if worker.status is Status.SCAN}
    yield from (free[name] for name in slots[first:] + slots[:first] if name in free)
