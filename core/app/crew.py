"""The workers of a market: slots of capital, put to work when needed, stopped when told to or one too many (E2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

import msgspec

from core.app.desk import Desk
from core.app.ports import Clock, Leases, Ledger
from core.domain.errors import WorkerError, WorkerTerminationError
from core.domain.leases import MARGIN, Lock
from core.domain.policies import WorkerPolicy
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker

RETIRED = "retired: there are more of them than `workers.count`"
STOPPED = "stopped by hand"
FORGOTTEN_MS = 300_000
"""A worker that was seen taken is not tried first for that long; it may be free again, and then another look tells."""
GUESSES = 2
NEVER = Millis(-FORGOTTEN_MS)


def names(count: int) -> list[str]:
    """
    >>> names(2)
    ['w-01', 'w-02']
    """
    return [f"w-{number:02d}" for number in range(1, count + 1)]


def enlist(desk: Desk, at: Millis) -> list[Worker]:
    """Every worker of the market after those that are missing or idle have been put to work.

    One that was retired begins a new life once it is wanted again; one that a person stopped stays so.
    """
    policy = desk.policy.workers
    known = {worker.id: worker for worker in desk.ledger.workers(desk.market)}
    started = False
    for name in names(policy.count):
        found = known.get(name)
        if found is None or (found.status is Status.EXIT and found.note == RETIRED):
            found = Worker(id=name, market=desk.market, status=Status.IDLE, capital=policy.capital, heartbeat=at)
            desk.ledger.register(found)
        if found.status is Status.IDLE:
            desk.ledger.move(found, Status.SCAN, at)
            started = True
    return desk.ledger.workers(desk.market) if started else list(known.values())


def candidates(signal: str, desk: Desk, at: Millis) -> Iterator[Worker]:
    """Workers to try for a signal, one after the other until one is taken.

    The first ones are picked by the signal, without a look: who has not lately been seen taken by this process is
    nearly always free, and a look costs a round trip. The others are those that a look finds free, in the order that
    the signal gives, so that two signals seldom meet.
    """
    slots = names(desk.policy.workers.count)
    turn = int.from_bytes(sha256(signal.encode()).digest()[:8]) % len(slots)
    slots = slots[turn:] + slots[:turn]
    unseen = [name for name in slots if at - desk.engaged.get(name, NEVER) >= FORGOTTEN_MS]
    for name in unseen[:GUESSES] or slots[:1]:
        yield Worker(id=name, market=desk.market, status=Status.SCAN, capital=desk.policy.workers.capital, heartbeat=at)
        if name not in desk.engaged:
            break  # it was not there: nor may the others be
    workers = {worker.id: worker for worker in enlist(desk, at)}
    desk.engaged.clear()
    desk.engaged.update({name: at for name, worker in workers.items() if worker.status is not Status.SCAN})
    yield from (workers[name] for name in slots if name in workers and name not in desk.engaged)


def surplus(workers: Sequence[Worker], desk: Desk) -> list[Worker]:
    """Workers that the settings do not have any more and that have not stopped yet."""
    wanted = set(names(desk.policy.workers.count))
    return [worker for worker in workers if worker.id not in wanted and worker.status is not Status.EXIT]


def retire(desk: Desk) -> list[str]:
    """Stop those of them that hold nothing; returns their names. The others follow once they are flat."""
    free = [worker for worker in surplus(desk.ledger.workers(desk.market), desk) if worker.status is not Status.HOLD]
    return [worker.id for worker in free if desk.ledger.move(worker, Status.EXIT, desk.clock(), RETIRED)]


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """What stopping and starting a worker needs: no broker, no price."""

    market: Market
    policy: WorkerPolicy
    leases: Leases
    ledger: Ledger
    clock: Clock


def stop(name: str, staff: Staff, note: str = STOPPED) -> str:
    """Stop one worker, its position first given to another. Returns the heir's name, "" where nothing was held.

    Raises:
        WorkerTerminationError: there is no such worker, it has stopped before, someone is at work on what it holds,
            nobody is free to take it over, or it moved meanwhile.
    """
    worker = _working(name, staff)
    heir = _handed_over(worker, staff) if worker.status is Status.HOLD else ""
    if not staff.ledger.move(worker, Status.EXIT, staff.clock(), note):
        raise WorkerTerminationError("the worker moved meanwhile: ask again", worker=name)
    return heir


def start(name: str, staff: Staff) -> bool:
    """Give a stopped worker a new life; False where it is at work. Raises WorkerError for a name that is not wanted."""
    if name not in names(staff.policy.count):
        wanted = f"w-01 to {names(staff.policy.count)[-1]}"
        raise WorkerError("the settings have no such worker", worker=name, allowed=wanted)
    at = staff.clock()
    fresh = Worker(id=name, market=staff.market, status=Status.IDLE, capital=staff.policy.capital, heartbeat=at)
    return staff.ledger.register(fresh) and staff.ledger.move(fresh, Status.SCAN, at)


def _working(name: str, staff: Staff) -> Worker:
    found = next((worker for worker in staff.ledger.workers(staff.market) if worker.id == name), None)
    if found is None:
        raise WorkerTerminationError("there is no such worker", worker=name, market=staff.market.value)
    if found.status is Status.EXIT:
        raise WorkerTerminationError("the worker has stopped before", worker=name, why=found.note or "no reason noted")
    return found


def _handed_over(worker: Worker, staff: Staff) -> str:
    """Its position to a free worker; "" where it holds nothing after all."""
    lock, at = staff.leases.lock(Instrument(staff.market, worker.symbol)), staff.clock()
    if lock is None or lock.position is None or lock.position.worker != worker.id:
        if lock is not None and lock.intent is not None:
            raise WorkerTerminationError("an order of it is under way", worker=worker.id, symbol=worker.symbol)
        return ""
    _resting(lock, worker, at)
    wanted = names(staff.policy.count)
    free = [each for each in staff.ledger.workers(staff.market) if each.status is Status.SCAN and each.id in wanted]
    for heir in free:
        if staff.leases.adopt(lock, heir, at):
            return heir.id
    raise WorkerTerminationError("nobody is free to take its position over", worker=worker.id, symbol=worker.symbol)


def _resting(lock: Lock, worker: Worker, at: Millis) -> None:
    if lock.intent is not None or (lock.owner and lock.ends + MARGIN >= at):
        raise WorkerTerminationError(
            "someone is at work on its position", worker=worker.id, symbol=worker.symbol, holder=lock.owner
        )
