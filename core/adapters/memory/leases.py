"""The symbol locks in one process."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from core.adapters.memory.amendments import amended, book
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.reservations import barrier, take
from core.adapters.memory.state import Books, Item, Row
from core.app.barriers import bare
from core.app.ports import Amendment, Limits, Reserved, Settlement
from core.domain.errors import UnknownOutcome
from core.domain.leases import (
    MARGIN,
    Answer,
    Ask,
    Barrier,
    Granted,
    Intent,
    Left,
    Lock,
    booked,
    refusal,
    remembered,
)
from core.domain.orders import Order
from core.domain.sendings import NOT_OURS, Taking
from core.domain.turns import Stretch
from core.domain.values import ZERO, Instrument, Millis
from core.domain.workers import Status, Worker, move

LOST = Reserved(lost=True)


class MemoryLeases:
    """Implements `core.app.ports.Leases`. Without a budget of calls a buy takes no turns."""

    def __init__(self, books: Books, budget: MemoryBudget | None = None) -> None:
        self._books, self._budget = books, budget

    def grant(self, ask: Ask, at: Millis) -> Answer:
        with self._books.guard:
            item = self._books.item(ask.instrument)
            if item.lock.owner and item.nonce == ask.nonce:
                return _granted(item.lock, ask.intent)
            if refused := refusal(item.lock, ask, at):
                return refused
            lock = replace(
                item.lock,
                fence=item.lock.fence + 1,
                owner=ask.owner,
                ends=ask.ends,
                intent=item.lock.intent or ask.intent,
            )
            self._books.items[ask.instrument] = Item(lock, ask.nonce)
            return _granted(lock, ask.intent)

    def engage(
        self,
        ask: Ask,
        order: Order,
        worker: Worker,
        limits: Limits,
        at: Millis,
        turns: Sequence[Stretch] = (),
    ) -> Answer | Left | Reserved:
        if refused := bare(limits, worker.capital):
            return refused
        with self._books.guard:
            item = self._books.item(ask.instrument)
            if item.lock.owner and item.nonce == ask.nonce:
                return _granted(item.lock, ask.intent)
            if found := refusal(item.lock, ask, at):
                return found
            if item.lock.intent is not None:
                return Left(order=item.lock.intent.order, fence=item.lock.fence)
            if barred := barrier(self._books, order, worker, limits):
                return barred
            fence = max(item.lock.fence + 1, int(at))
            lock = replace(item.lock, fence=fence, owner=ask.owner, ends=ask.ends, intent=ask.intent)
            self._books.items[ask.instrument] = Item(lock, ask.nonce)
            held = _granted(lock, ask.intent)
            self._take(held, order, worker, limits, at)
            intent = booked(ask.intent, order.worker, order.quantity, limits.cost)
            rented = self._budget.rented(turns, at) if self._budget else ()
            return replace(held, intent=intent, done=None, turns=rented)

    def reserve(self, held: Granted, order: Order, worker: Worker, limits: Limits, at: Millis) -> Reserved:
        with self._books.guard:
            intent = self._intended(held, order)
            if intent is None or intent.reserved:
                return LOST
            if refused := bare(limits, worker.capital) or barrier(self._books, order, worker, limits):
                return refused
            return self._take(held, order, worker, limits, at)

    def note(self, held: Granted, order: Order, at: Millis) -> Reserved:
        with self._books.guard:
            intent = self._intended(held, order)
            if intent is None or intent.reserved:
                return LOST
            if order.id in self._books.orders:
                return Reserved(refused=Barrier.REPEATED, detail=order.id)
            return self._book(held, booked(intent, order.worker, order.quantity, ZERO), order)

    def commit(self, held: Granted, settlement: Settlement, at: Millis) -> bool:
        with self._books.guard:
            intent = self._intended(held, settlement.order)
            if intent is None:
                return False
            self._take_number(settlement.taking)
            self._settle(intent, settlement, at)
            before = self._books.item(held.instrument).lock
            lost = at if settlement.lost else before.lost
            dust = before.dust + settlement.dust
            lock = replace(before, position=settlement.position, lost=lost, dust=dust)
            if settlement.done:
                self._put(_given_back(lock, settlement.order.signal))
            else:
                self._put(replace(lock, intent=settlement.next))
            return True

    def park(self, held: Granted, order: Order, at: Millis, taking: Taking | None = None) -> bool:
        with self._books.guard:
            intent = self._intended(held, order)
            if intent is None:
                return False
            self._take_number(taking)
            self._books.orders[order.id] = Row(order, intent.day)
            return True

    def release(self, held: Granted, at: Millis) -> bool:
        with self._books.guard:
            lock = self._mine(held)
            if lock is None:
                return False
            self._put(_given_back(lock, held.intent.signal))
            return True

    def renew(self, held: Granted, ends: Millis) -> bool:
        with self._books.guard:
            lock = self._mine(held)
            if lock is None:
                return False
            self._put(replace(lock, ends=ends))
            return True

    def adopt(self, lock: Lock, worker: Worker, at: Millis) -> bool:
        with self._books.guard:
            now = self._books.item(lock.instrument).lock
            key = (worker.market, worker.id)
            found = self._books.workers.get(key)
            busy = bool(now.owner) and now.ends + MARGIN >= at
            if busy or now.fence != lock.fence or now.position is None or now.intent is not None:
                return False
            if found is None or found.status is not Status.SCAN:
                return False
            if lock.position is None or now.position.worker != lock.position.worker:
                return False
            self._books.workers[key] = move(found, Status.HOLD, at, lock.instrument.symbol)
            owned = replace(now, fence=now.fence + 1, position=replace(now.position, worker=worker.id))
            self._books.items[lock.instrument] = Item(owned)
            return True

    def evict(self, lock: Lock) -> bool:
        with self._books.guard:
            now = self._books.item(lock.instrument).lock
            if not now.owner or (now.owner, now.fence) != (lock.owner, lock.fence):
                return False
            self._books.items[lock.instrument] = Item(replace(now, fence=now.fence + 1, ends=Millis(0)))
            return True

    def amend(self, lock: Lock, change: Amendment, at: Millis) -> bool:
        with self._books.guard:
            return amended(self._books, lock, change, at)

    def tidy(self, lock: Lock, at: Millis) -> bool:
        with self._books.guard:
            now = self._books.item(lock.instrument).lock
            ours = (now.owner, now.fence) == (lock.owner, lock.fence) and bool(now.owner)
            if not ours or now.intent is not None or now.ends + MARGIN >= at:
                return False
            self._books.items[lock.instrument] = Item(replace(now, owner="", ends=Millis(0)))
            return True

    def locks(self) -> list[Lock]:
        with self._books.guard:
            return sorted((item.lock for item in self._books.items.values()), key=lambda lock: lock.instrument)

    def lock(self, instrument: Instrument) -> Lock | None:
        with self._books.guard:
            item = self._books.items.get(instrument)
        return item.lock if item else None

    def _mine(self, held: Granted) -> Lock | None:
        """The item, where owner and fence are still those of `held`: the condition of every write after a grant."""
        lock = self._books.item(held.instrument).lock
        return lock if (lock.owner, lock.fence) == (held.owner, held.fence) else None

    def _intended(self, held: Granted, order: Order) -> Intent | None:
        lock = self._mine(held)
        return lock.intent if lock and lock.intent and lock.intent.order == order.id else None

    def _put(self, lock: Lock) -> None:
        """Write the item back; the nonce stays while the lock is held, and goes with it."""
        nonce = self._books.item(lock.instrument).nonce if lock.owner else ""
        self._books.items[lock.instrument] = Item(lock, nonce)

    def _book(self, held: Granted, intent: Intent, order: Order) -> Reserved:
        self._put(replace(self._books.item(held.instrument).lock, intent=intent))
        self._books.orders[order.id] = Row(order, intent.day)
        return Reserved()

    def _take(self, held: Granted, order: Order, worker: Worker, limits: Limits, at: Millis) -> Reserved:
        take(self._books, order, worker, limits, at)
        return self._book(held, booked(held.intent, order.worker, order.quantity, limits.cost), order)

    def _take_number(self, taking: Taking | None) -> None:
        if taking and not self._books.sendings.take(taking):
            raise UnknownOutcome(NOT_OURS, order=taking.sending.order)

    def _settle(self, intent: Intent, settlement: Settlement, at: Millis) -> None:
        books, order, market = self._books, settlement.order, settlement.order.instrument.market
        books.orders[order.id] = Row(order, intent.day, settlement.news)
        book(books, market, settlement, at)
        if settlement.position is None:
            books.positions[market] -= 1
            key = (market, settlement.worker)
            worker = books.workers.get(key)
            if worker and worker.status is Status.HOLD and worker.symbol == order.instrument.symbol:
                books.workers[key] = move(worker, Status.SCAN, at)


def _given_back(lock: Lock, signal: str) -> Lock:
    return replace(lock, owner="", ends=Millis(0), intent=None, done=remembered(lock.done, signal))


def _granted(lock: Lock, mine: Intent) -> Granted:
    return Granted(
        instrument=lock.instrument,
        owner=lock.owner,
        fence=lock.fence,
        ends=lock.ends,
        intent=lock.intent or mine,
        position=lock.position,
        done=lock.done,
    )
