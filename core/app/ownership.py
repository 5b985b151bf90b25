"""Who owns which position: dead workers' positions find a new one, and workers that hold nothing are free again.

Three readings, in this order: locks, workers, locks. A position that was there before and after the workers were read,
under the same fence, must have its worker at HOLD in between; a worker at HOLD must have its symbol afterwards. Each
write is conditioned on what was read, so whatever moves meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from core.app.crew import surplus
from core.app.desk import Desk
from core.domain.leases import MARGIN, Lock
from core.domain.values import Instrument, Millis
from core.domain.workers import Status, Worker


class Adoption(msgspec.Struct, frozen=True):
    """`worker` owns the position from now on; "" where no worker was free."""

    instrument: Instrument
    was: str
    worker: str


def running(lock: Lock, at: Millis) -> bool:
    """Is someone's lease on the symbol still to be respected?"""
    return bool(lock.owner) and lock.ends + MARGIN >= at


def adopt(before: Sequence[Lock], workers: Sequence[Worker], after: Sequence[Lock], desk: Desk) -> list[Adoption]:
    """Give each position without a worker of its own to a free one, its old one where that is free again.

    One worker too many hands its position over while another is free, else it keeps it until it is flat.
    """
    leaving = {worker.id for worker in surplus(workers, desk)}
    free = {worker.id: worker for worker in workers if worker.status is Status.SCAN and worker.id not in leaving}
    holding = {(worker.id, worker.symbol) for worker in workers if worker.status is Status.HOLD}
    staying = {(name, symbol) for name, symbol in holding if name not in leaving}
    adoptions = []
    for lock in _orphans(before, staying, after, desk.clock()):
        was = lock.position.worker if lock.position else ""
        if free or (was, lock.instrument.symbol) not in holding:
            adoptions.append(_adopt(lock, free, desk))
    return adoptions


def beat(workers: Sequence[Worker], after: Sequence[Lock], blind: set[Instrument], desk: Desk) -> None:
    """Each worker that is as it should be is alive: it scans, or it holds what it says and somebody watches its exits.

    blind  positions that nobody could look at
    """
    locks = {lock.instrument.symbol: lock for lock in after}
    unseen = {instrument.symbol for instrument in blind}
    for worker in workers:
        sound = worker.status is Status.HOLD and _engaged(worker, locks) and worker.symbol not in unseen
        if sound or worker.status is Status.SCAN:
            desk.ledger.beat(worker, desk.clock())


def release(workers: Sequence[Worker], after: Sequence[Lock], desk: Desk) -> list[str]:
    """Send workers that hold nothing back to SCAN; returns their names."""
    locks = {lock.instrument.symbol: lock for lock in after}
    idle = [worker for worker in workers if worker.status is Status.HOLD and not _engaged(worker, locks)]
    return [worker.id for worker in idle if desk.ledger.move(worker, Status.SCAN, desk.clock())]


def _orphans(before: Sequence[Lock], owners: set[tuple[str, str]], after: Sequence[Lock], at: Millis) -> Iterator[Lock]:
    fences = {lock.instrument: lock.fence for lock in before if lock.position}
    for lock in after:
        settled = lock.position is not None and lock.intent is None and not running(lock, at)
        if not settled or lock.position is None or fences.get(lock.instrument) != lock.fence:
            continue
        if (lock.position.worker, lock.instrument.symbol) not in owners:
            yield lock


def _adopt(lock: Lock, free: dict[str, Worker], desk: Desk) -> Adoption:
    was = lock.position.worker if lock.position else ""
    worker = free.pop(was, None) or (free.pop(min(free)) if free else None)
    if worker is None or not desk.leases.adopt(lock, worker, desk.clock()):
        return Adoption(lock.instrument, was, "")
    return Adoption(lock.instrument, was, worker.id)


def _engaged(worker: Worker, locks: dict[str, Lock]) -> bool:
    lock = locks.get(worker.symbol)
    if lock is None:
        return False
    return lock.intent is not None or (lock.position is not None and lock.position.worker == worker.id)
