"""The transactions of a trade as values, and what a cancelled one means.

Each leg has a name, so that a cancellation's reasons can be read by what they are about and not by their place.
Every transaction carries its own digest, as ClientRequestToken and in the item (`wrote`): the reply to a write that
went through may be lost, and the retry must not be told that somebody else did it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from core.adapters.dynamo.expressions import Request, digest, expressed, put
from core.adapters.dynamo.items import (
    Item,
    account_key,
    day_account_key,
    halt_key,
    lock_key,
    order_row,
    text,
    trip_row,
    worker_key,
)
from core.adapters.dynamo.lock_requests import FREE, MINE, mine
from core.app.ports import Limits, Settlement
from core.domain.leases import MARGIN, Granted, Lock, booked, remembered
from core.domain.orders import Order
from core.domain.values import ZERO, Millis
from core.domain.workers import Status, Worker

NEW = "attribute_not_exists(pk)"
OURS = f"{MINE} AND intent.#order = :order"
UNASKED = f"{OURS} AND intent.reserved = :no"


class Tables(msgspec.Struct, frozen=True):
    locks: str
    ledger: str


class Transaction(msgspec.Struct, frozen=True):
    """Named legs in their order, and the digest that stands for all of them."""

    legs: dict[str, dict[str, Request]]
    token: str

    @property
    def request(self) -> Request:
        return {"TransactItems": list(self.legs.values()), "ClientRequestToken": self.token}

    def failed(self, reasons: list[dict[str, Any]]) -> dict[str, Item]:
        """The legs whose condition did not hold, each with its item as it stood (empty where there was none)."""
        named = zip(self.legs, reasons, strict=True)
        return {name: why.get("Item", {}) for name, why in named if why.get("Code") == "ConditionalCheckFailed"}

    def went_through(self, failed: dict[str, Item]) -> bool:
        """Is the refusal only the echo of our own write, whose reply was lost?"""
        return text(failed.get("lock", {}), "wrote") == self.token


def reserve(tables: Tables, held: Granted, order: Order, worker: Worker, limits: Limits, at: Millis) -> Transaction:
    """Worker SCAN -> HOLD, a place within every limit, not halted, the order row once, the symbol still ours."""
    market, ledger = order.instrument.market, tables.ledger
    legs = {
        "lock": _noted(tables, held, order, limits),
        "order": {"Put": put(ledger, order_row(order, held.intent.day), NEW)},
        "worker": {"Update": _hired(ledger, order, worker, at)},
        "account": {"Update": _taken(ledger, order, limits)},
        "day": {
            "ConditionCheck": expressed(
                ledger,
                day_account_key(market, limits.day),
                condition="attribute_not_exists(realised) OR realised > :floor",
                values={"floor": -limits.daily_loss},
            )
        },
    }
    for scope in ("all", market.value, str(order.instrument)):
        legs[f"halt {scope}"] = {"ConditionCheck": expressed(ledger, halt_key(scope), condition=NEW)}
    return _signed(legs)


def note(tables: Tables, held: Granted, order: Order) -> Transaction:
    """A sale takes nothing: the order row once, the symbol still ours."""
    legs = {
        "lock": _noted(tables, held, order, None),
        "order": {"Put": put(tables.ledger, order_row(order, held.intent.day), NEW)},
    }
    return _signed(legs)


def park(tables: Tables, held: Granted, order: Order) -> Transaction:
    """Only the order row changes; the intent stays where it is. Doing it twice is doing it once."""
    check = expressed(tables.locks, lock_key(held.instrument), condition=OURS, values={"order": order.id, **mine(held)})
    row = put(tables.ledger, order_row(order, held.intent.day))
    legs = {"lock": {"ConditionCheck": check}, "order": {"Put": row}}
    return Transaction(legs, digest(legs))


def commit(tables: Tables, held: Granted, settled: Settlement, at: Millis, *, with_worker: bool) -> Transaction:
    """Everything that a finished order changes. Without its worker where that one was stopped meanwhile."""
    order, ledger = settled.order, tables.ledger
    market = order.instrument.market
    legs = {
        "lock": {"Update": _closed(tables, held, settled)},
        "order": {"Put": put(ledger, order_row(order, held.intent.day))},
    }
    if settled.freed or settled.position is None:
        legs["account"] = {"Update": _freed(ledger, settled)}
    if settled.trip:
        legs["trip"] = {"Put": put(ledger, trip_row(settled.trip, settled.day))}
        key = day_account_key(market, settled.day)
        legs["day"] = {"Update": expressed(ledger, key, update="ADD realised :pnl", values={"pnl": settled.trip.pnl})}
    if settled.position is None and with_worker:
        legs["worker"] = {"Update": _dismissed(ledger, settled, at)}
    return _signed(legs)


def adopt(tables: Tables, lock: Lock, worker: Worker, at: Millis) -> Transaction:
    """The position's owner changes hands; the fence grows, so that a paused owner cannot write any more."""
    old = lock.position.worker if lock.position else ""
    owned = expressed(
        tables.locks,
        lock_key(lock.instrument),
        update="SET held.worker = :new, wrote = :wrote ADD fence :one REMOVE req",
        condition=f"fence = :fence AND held.worker = :old AND attribute_not_exists(intent) AND {FREE}",
        values={"new": worker.id, "old": old, "fence": lock.fence, "one": 1, "late": at - MARGIN, "wrote": ""},
    )
    symbol = lock.instrument.symbol
    return _signed({"lock": {"Update": owned}, "worker": {"Update": _moved(tables.ledger, worker, symbol, at)}})


def _signed(legs: dict[str, dict[str, Request]]) -> Transaction:
    """Put the digest of all legs into the lock's own write."""
    token = digest(legs)
    legs["lock"]["Update"]["ExpressionAttributeValues"][":wrote"] = {"S": token}
    return Transaction(legs, token)


def _noted(tables: Tables, held: Granted, order: Order, limits: Limits | None) -> dict[str, Request]:
    intent = booked(held.intent, order.worker, order.quantity, limits.cost if limits else ZERO)
    return {
        "Update": expressed(
            tables.locks,
            lock_key(held.instrument),
            update="SET intent = :intent, wrote = :wrote",
            condition=UNASKED,
            values={"intent": intent, "order": order.id, "no": False, "wrote": "", **mine(held)},
        )
    }


def _hired(ledger: str, order: Order, worker: Worker, at: Millis) -> Request:
    return _moved(ledger, worker, order.instrument.symbol, at)


def _moved(ledger: str, worker: Worker, symbol: str, at: Millis) -> Request:
    return expressed(
        ledger,
        worker_key(worker.market, worker.id),
        update="SET #status = :hold, #symbol = :symbol, capital = :capital, heartbeat = :at",
        condition="#status = :scan",
        values={
            "hold": Status.HOLD.value,
            "scan": Status.SCAN.value,
            "symbol": symbol,
            "capital": worker.capital,
            "at": at,
        },
    )


def _dismissed(ledger: str, settled: Settlement, at: Millis) -> Request:
    instrument = settled.order.instrument
    return expressed(
        ledger,
        worker_key(instrument.market, settled.worker),
        update="SET #status = :scan, #symbol = :none, heartbeat = :at",
        condition="#status = :hold AND #symbol = :symbol",
        values={
            "scan": Status.SCAN.value,
            "hold": Status.HOLD.value,
            "symbol": instrument.symbol,
            "none": "",
            "at": at,
        },
    )


def _taken(ledger: str, order: Order, limits: Limits) -> Request:
    return expressed(
        ledger,
        account_key(order.instrument.market),
        update="ADD exposure :cost, positions :one",
        condition="(attribute_not_exists(exposure) OR exposure <= :room)"
        " AND (attribute_not_exists(positions) OR positions < :most)",
        values={
            "cost": limits.cost,
            "one": 1,
            "room": limits.total_exposure - limits.cost,
            "most": limits.max_positions,
        },
    )


def _freed(ledger: str, settled: Settlement) -> Request:
    gone = -1 if settled.position is None else 0
    return expressed(
        ledger,
        account_key(settled.order.instrument.market),
        update="ADD exposure :freed, positions :gone",
        values={"freed": -settled.freed, "gone": gone},
    )


def _closed(tables: Tables, held: Granted, settled: Settlement) -> Request:
    sets, removes = ["wrote = :wrote"], []
    values: dict[str, object] = {"order": settled.order.id, "wrote": "", **mine(held)}
    if settled.position is None:
        removes += ["held"]
    else:
        sets, values["held"] = [*sets, "held = :held"], settled.position
    if settled.done:
        removes += ["own", "req", "exp", "intent"]
        sets, values["done"] = [*sets, "done = :done"], remembered(held.done, settled.order.signal)
    else:
        sets, values["next"] = [*sets, "intent = :next"], settled.next
    update = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    return expressed(tables.locks, lock_key(held.instrument), update=update, condition=OURS, values=values)
