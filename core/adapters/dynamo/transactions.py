"""The transactions of a trade as values, and what a cancelled one means.

Each leg has a name, so that a cancellation's reasons can be read by what they are about and not by their place.
Every transaction carries its own digest, as ClientRequestToken and in the item (`wrote`): the reply to a write that
went through may be lost, and the retry must not be told that somebody else did it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from core.adapters.dynamo import lock_requests, takings
from core.adapters.dynamo.accounts import day_left, dismissed, earned, given_back, hired, paid, repaid, taken
from core.adapters.dynamo.budget import take_request
from core.adapters.dynamo.expressions import Request, digest, expressed, put
from core.adapters.dynamo.items import (
    Item,
    halt_key,
    lock_key,
    number,
    order_row,
    text,
    trip_row,
)
from core.adapters.dynamo.lock_requests import FREE, MINE, mine
from core.app.ports import Limits, Settlement
from core.domain.leases import MARGIN, REMEMBERED, Ask, Granted, Lock, booked, remembered
from core.domain.orders import Order
from core.domain.sendings import Taking
from core.domain.turns import Stretch
from core.domain.values import ZERO, Millis
from core.domain.workers import Worker

NEW = "attribute_not_exists(pk)"
OURS = f"{MINE} AND intent.#order = :order"
LONG = 5 * REMEMBERED
SHORT = "(attribute_not_exists(done) OR size(done) < :long)"
TURN = "turn "
UNASKED = f"{OURS} AND intent.reserved = :no"


class Tables(msgspec.Struct, frozen=True):
    """`state` has the budget of calls; "" where buys take no turns of it."""

    locks: str
    ledger: str
    state: str = ""


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
    """The same under a lock that was granted before."""
    lock = _noted(tables, held, order, limits)
    return signed(_taking(tables, lock, order, held.intent.day, worker, limits, at))


def _taking(
    tables: Tables, lock: dict[str, Request], order: Order, day: str, worker: Worker, limits: Limits, at: Millis
) -> dict[str, dict[str, Request]]:
    """Worker SCAN -> HOLD, a place within every limit, not halted, the order row once, beside what the lock says."""
    market, ledger = order.instrument.market, tables.ledger
    legs = {
        "lock": lock,
        "order": {"Put": put(ledger, order_row(order, day), NEW)},
        "worker": {"Update": hired(ledger, worker, order.instrument.symbol, at)},
        "account": {"Update": taken(ledger, order, limits)},
        "day": {"ConditionCheck": day_left(ledger, order, limits)},
    }
    if limits.currency:
        legs["currency"] = {"Update": paid(ledger, limits)}
    for scope in ("all", market.value, str(order.instrument)):
        legs[f"halt {scope}"] = {"ConditionCheck": expressed(ledger, halt_key(scope), condition=NEW)}
    return legs


def engage(
    tables: Tables,
    ask: Ask,
    fence: int,
    order: Order,
    worker: Worker,
    limits: Limits,
    at: Millis,
    turns: Iterable[Stretch] = (),
) -> Transaction:
    """A buy's grant and reservation at once. Whose write it was is told by the nonce that it leaves on the lock."""
    intent = booked(ask.intent, order.worker, order.quantity, limits.cost)
    lock = {"Update": lock_requests.engage(tables.locks, ask, intent, fence, at)}
    legs = _taking(tables, lock, order, intent.day, worker, limits, at)
    for each in turns:
        span = each.until - each.since
        legs[f"{TURN}{each.group}"] = {"Update": take_request(tables.state, each.market, each.group, span, each.since)}
    return Transaction(legs, digest(legs))


def contested(failed: dict[str, Item]) -> dict[str, int]:
    """Take the legs that are about turns out of those that failed: when each of their groups is free, by its name."""
    names = [name for name in failed if name.startswith(TURN)]
    return {name.removeprefix(TURN): int(number(failed.pop(name), "ready")) for name in names}


def note(tables: Tables, held: Granted, order: Order) -> Transaction:
    """A sale takes nothing: the order row once, the symbol still ours."""
    legs = {
        "lock": _noted(tables, held, order, None),
        "order": {"Put": put(tables.ledger, order_row(order, held.intent.day), NEW)},
    }
    return signed(legs)


def park(tables: Tables, held: Granted, order: Order, taking: Taking | None = None) -> Transaction:
    """Only the order row changes, and what it has to tell of its number; the intent stays where it is."""
    check = expressed(tables.locks, lock_key(held.instrument), condition=OURS, values={"order": order.id, **mine(held)})
    row = put(tables.ledger, order_row(order, held.intent.day))
    legs = {"lock": {"ConditionCheck": check}, "order": {"Put": row}}
    if taking:
        legs |= takings.legs(tables.ledger, taking)
    return Transaction(legs, digest(legs))


def commit(tables: Tables, held: Granted, settled: Settlement, at: Millis, *, with_worker: bool) -> Transaction:
    """Everything that a finished order changes. Without its worker where that one was stopped meanwhile."""
    order, ledger = settled.order, tables.ledger
    market = order.instrument.market
    legs = {
        "lock": {"Update": _closed(tables, held, settled, at)},
        "order": {"Put": put(ledger, order_row(order, held.intent.day, settled.news))},
    }
    if settled.freed or settled.position is None:
        gone = -1 if settled.position is None else 0
        legs["account"] = {"Update": given_back(ledger, market, settled.freed, gone)}
    if settled.freed and settled.currency:
        legs["currency"] = {"Update": repaid(ledger, settled.currency, settled.freed)}
    if settled.trip:
        legs["trip"] = {"Put": put(ledger, trip_row(settled.trip, settled.day))}
        legs["day"] = {"Update": earned(ledger, market, settled.day, settled.trip.pnl, settled.lost, at)}
    if settled.position is None and with_worker:
        legs["worker"] = {"Update": dismissed(ledger, order.instrument, settled.worker, at)}
    if settled.taking:
        legs |= takings.legs(ledger, settled.taking)
    return signed(legs)


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
    return signed({"lock": {"Update": owned}, "worker": {"Update": hired(tables.ledger, worker, symbol, at)}})


def signed(legs: dict[str, dict[str, Request]]) -> Transaction:
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


def _closed(tables: Tables, held: Granted, settled: Settlement, at: Millis) -> Request:
    sets, removes = ["wrote = :wrote"], []
    values: dict[str, object] = {"order": settled.order.id, "wrote": "", **mine(held)}
    if settled.position is None:
        removes += ["held"]
    else:
        sets, values["held"] = [*sets, "held = :held"], settled.position
    condition = OURS
    if settled.done:
        removes += ["own", "req", "exp", "intent"]
        added, condition, more = _remembering(held, settled.order.signal)
        sets, values = [*sets, added], values | more
    else:
        sets, values["next"] = [*sets, "intent = :next"], settled.next
    if settled.lost:
        sets, values["lost"] = [*sets, "lost = :lost"], at
    update = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    if settled.dust:
        update, values["dust"] = f"{update} ADD dust :dust", settled.dust
    return expressed(tables.locks, lock_key(held.instrument), update=update, condition=condition, values=values)


def _remembering(held: Granted, signal: str) -> tuple[str, str, dict[str, object]]:
    """How the settled signal gets on the item, on which condition, by which values.

    An owner that was not told the list puts its own behind it, as long as that is short: a sale cuts it again.
    """
    if held.done is None:
        values: dict[str, object] = {"done": [signal], "none": [], "long": LONG}
        return "done = list_append(if_not_exists(done, :none), :done)", f"{OURS} AND {SHORT}", values
    return "done = :done", OURS, {"done": remembered(held.done, signal)}
