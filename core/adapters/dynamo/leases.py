"""The symbol locks in DynamoDB: each method is one round trip, and each write after a grant carries owner and fence."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import replace

from core.adapters.dynamo import amendments, lock_requests, takings, transactions
from core.adapters.dynamo.calls import Caller, Dice, Pause, is_cancelled, is_condition, old_item, reasons
from core.adapters.dynamo.expressions import Request
from core.adapters.dynamo.items import Item, granted_of, lock_key, lock_of
from core.adapters.dynamo.refusals import LOST, barrier
from core.adapters.dynamo.transactions import Tables, Transaction, contested
from core.adapters.moves import moved
from core.app.barriers import bare
from core.app.ports import Amendment, Limits, Reserved, Settlement
from core.domain.errors import Transient
from core.domain.leases import Answer, Ask, Busy, Granted, Left, Lock, Unclear, booked
from core.domain.orders import Order
from core.domain.sendings import Taking
from core.domain.turns import Stretch
from core.domain.values import Instrument, Millis
from core.domain.workers import Worker
from core.feed.pace import put_off

FENCES = 3
"""Tries for the next fence: each knows the last one, so that only somebody who came in between can spoil it."""

PUT_OFFS = 3
"""More of them for turns that were not free: they are asked for from when they are, after the last one not at all."""


class DynamoLeases:
    """Implements `core.app.ports.Leases`. `client` is `boto3.client("dynamodb", config=CONFIG)` (see `calls`).

    state  the table of the shared budget of calls; without it a buy takes no turns
    """

    def __init__(
        self,
        locks: str,
        ledger: str,
        client: Any,
        *,
        state: str = "",
        pause: Pause = time.sleep,
        dice: Dice = random.random,
    ) -> None:
        self._tables = Tables(locks, ledger, state)
        self._client = client
        self._call = Caller(pause, dice)

    def grant(self, ask: Ask, at: Millis) -> Answer:
        try:
            reply = self._call(self._client.update_item, lock_requests.grant(self._tables.locks, ask, at))
        except Transient as silence:
            return Unclear(reason=str(silence))
        except ClientError as refused:
            if not is_condition(refused):
                raise
            return lock_requests.refused(old_item(refused), ask, at)
        return granted_of(reply["Attributes"], ask.intent)

    def engage(
        self,
        ask: Ask,
        order: Order,
        worker: Worker,
        limits: Limits,
        at: Millis,
        turns: Sequence[Stretch] = (),
    ) -> Answer | Left | Reserved:
        """One round trip; one more where the last fence is not older than our clock (it was given by a faster one).

        And one to three more where a turn is not free and nothing else stands in the way: it is never what refuses.
        """
        if refused := bare(limits, worker.capital):
            return refused
        fence, turns = int(at), tuple(turns) if self._tables.state else ()
        for tried in range(1, FENCES + PUT_OFFS + 1):
            failed = self._write(transactions.engage(self._tables, ask, fence, order, worker, limits, at, turns))
            if failed is None:
                return Unclear(reason="the tables did not answer")
            if not failed:
                moved(worker.market, worker.id, "HOLD", was="SCAN", symbol=order.instrument.symbol, why=order.reason)
                return _engaged(ask, order, fence, limits, turns)
            late = contested(failed)
            turns = put_off(turns, late, at) if not late or tried < PUT_OFFS else ()
            if failed:
                answer = _in_the_way(failed, ask, limits, at)
                if not isinstance(answer, Left) or answer.order:
                    return answer
                fence = answer.fence + 1
        return Busy(holder="", fence=fence, ends=at)

    def reserve(self, held: Granted, order: Order, worker: Worker, limits: Limits, at: Millis) -> Reserved:
        if refused := bare(limits, worker.capital):
            return refused  # not even on an untouched account, and a condition cannot compare two values
        answer = self._book(transactions.reserve(self._tables, held, order, worker, limits, at), limits)
        if not answer.lost and not answer.refused:
            moved(worker.market, worker.id, "HOLD", was="SCAN", symbol=order.instrument.symbol, why=order.reason)
        return answer

    def note(self, held: Granted, order: Order, at: Millis) -> Reserved:
        return self._book(transactions.note(self._tables, held, order), None)

    def commit(self, held: Granted, settlement: Settlement, at: Millis) -> bool:
        failed = self._write(transactions.commit(self._tables, held, settlement, at, with_worker=True))
        if failed and held.done is None and (done := lock_requests.owned(failed.get("lock"), held)) is not None:
            return self.commit(replace(held, done=done), settlement, at)
        if failed and (taking := _taken_again(failed, settlement.taking)):
            return self.commit(held, replace(settlement, taking=taking), at)
        if failed is not None and set(failed) == {"worker"}:
            failed = self._write(transactions.commit(self._tables, held, settlement, at, with_worker=False))
        elif failed == {} and settlement.position is None:
            on, why = held.instrument, settlement.order.reason
            moved(on.market, settlement.worker, "SCAN", was="HOLD", symbol=on.symbol, why=why)
        return failed is not None and not failed

    def park(self, held: Granted, order: Order, at: Millis, taking: Taking | None = None) -> bool:
        failed = self._write(transactions.park(self._tables, held, order, taking))
        if failed and (other := _taken_again(failed, taking)):
            return self.park(held, order, at, other)
        return failed == {}

    def release(self, held: Granted, at: Millis) -> bool:
        refused = self._update(lock_requests.release(self._tables.locks, held))
        return refused == {} or lock_requests.released(refused, held)

    def renew(self, held: Granted, ends: Millis) -> bool:
        return self._update(lock_requests.renew(self._tables.locks, held, ends)) == {}

    def adopt(self, lock: Lock, worker: Worker, at: Millis) -> bool:
        adopted = self._write(transactions.adopt(self._tables, lock, worker, at)) == {}
        if adopted:
            moved(worker.market, worker.id, "HOLD", was="SCAN", symbol=lock.instrument.symbol, why="adopted")
        return adopted

    def evict(self, lock: Lock) -> bool:
        return self._update(lock_requests.evict(self._tables.locks, lock)) == {}

    def amend(self, lock: Lock, change: Amendment, at: Millis) -> bool:
        if lock.intent is not None:
            return False  # read while someone was at work: its end keeps the fence, and what is held may be another
        amended = self._write(amendments.amend(self._tables, lock, change, at)) == {}
        on, why = lock.instrument, "books put right"
        if amended and change.hired:
            moved(on.market, change.hired.id, "HOLD", was="SCAN", symbol=on.symbol, why=why)
        if amended and change.dismissed:
            moved(on.market, change.dismissed, "SCAN", was="HOLD", symbol=on.symbol, why=why)
        return amended

    def tidy(self, lock: Lock, at: Millis) -> bool:
        return self._update(lock_requests.tidy(self._tables.locks, lock, at)) == {}

    def locks(self) -> list[Lock]:
        return sorted((lock_of(item) for item in self._scan()), key=lambda lock: lock.instrument)

    def lock(self, instrument: Instrument) -> Lock | None:
        """Raises Transient where the table does not answer."""
        request = {"TableName": self._tables.locks, "Key": lock_key(instrument), "ConsistentRead": True}
        item = self._call(self._client.get_item, request).get("Item")
        return lock_of(item) if item else None

    def _book(self, transaction: Transaction, limits: Limits | None) -> Reserved:
        failed = self._write(transaction)
        if failed is None:
            return LOST
        return barrier(failed, limits) if failed else Reserved()

    def _write(self, transaction: Transaction) -> dict[str, Item] | None:
        """The legs that refused, none where it was written (now or by a try whose reply was lost); None = no answer."""
        try:
            self._call(self._client.transact_write_items, transaction.request)
        except Transient:
            return None
        except ClientError as refused:
            failed = transaction.failed(reasons(refused)) if is_cancelled(refused) else {}
            if not failed:
                raise
            return {} if transaction.went_through(failed) else failed
        return {}

    def _update(self, request: Request) -> Item | None:
        """The item that refused, empty where it was written; None = no answer, or no item to refuse."""
        try:
            self._call(self._client.update_item, request)
        except Transient:
            return None
        except ClientError as refused:
            if not is_condition(refused):
                raise
            return old_item(refused)
        return {}

    def _scan(self) -> Iterator[Item]:
        """Every item, page after page; there are as many as symbols were ever traded."""
        request: Request = {"TableName": self._tables.locks, "ConsistentRead": True}
        while True:
            page = self._call(self._client.scan, request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _in_the_way(failed: dict[str, Item], ask: Ask, limits: Limits, at: Millis) -> Answer | Left | Reserved:
    """What a buy's first write met, the lock first; `Left` without an order: only its fence was not the next one."""
    item = failed.pop("lock", None)
    answer = lock_requests.disengaged(item, ask, at) if item else Left(order="", fence=0)
    free = isinstance(answer, Left) and not answer.order
    return barrier(failed, limits) if free and failed else answer


def _taken_again(failed: dict[str, Item], taking: Taking | None) -> Taking | None:
    """What an order's end has to tell of its number once more; None where that is not what refused it.

    A lock that is another's comes first: who lost it writes nothing any more. Raises UnknownOutcome as `takings.again`.
    """
    if taking is None or "lock" in failed or takings.LEGS.isdisjoint(failed):
        return None
    return takings.again(failed, taking)


def _engaged(ask: Ask, order: Order, fence: int, limits: Limits, turns: tuple[Stretch, ...]) -> Granted:
    """What was written: a flat symbol's lock, with the order noted. Which signals were settled here nobody said."""
    intent = booked(ask.intent, order.worker, order.quantity, limits.cost)
    return Granted(
        instrument=ask.instrument,
        owner=ask.owner,
        fence=fence,
        ends=ask.ends,
        intent=intent,
        position=None,
        done=None,
        turns=turns,
    )
