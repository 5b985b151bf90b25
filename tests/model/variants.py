"""reference/aws.md 1.5: the protocol with one part left out. Each is a change of the real adapter or use case.

A condition that is left out still names its values: DynamoDB refuses a request with values that nothing uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from core.adapters.dynamo import lock_requests, transactions
from core.adapters.dynamo.items import lock_key
from core.adapters.dynamo.leases import DynamoLeases
from core.app import engaging, trade, wishes
from core.domain import leases as protocol
from core.domain.orders import order_id

ANYONE = "(attribute_exists(#key) OR own = :own OR fence = :fence)"
ANY_ORDER = f"{ANYONE} AND (attribute_exists(#key) OR intent.#order = :order)"


def no_fence_check(patch: Any) -> None:
    """Writes are accepted whoever sends them."""
    patch.setattr(lock_requests, "MINE", ANYONE)
    patch.setattr(transactions, "OURS", ANY_ORDER)
    patch.setattr(transactions, "UNASKED", f"{ANY_ORDER} AND (attribute_exists(#key) OR intent.reserved = :no)")


def unconditional_release(patch: Any) -> None:
    """Only the release forgets to ask whose lock it is."""
    patch.setattr(lock_requests, "MINE", ANYONE)


def deleted_on_release(patch: Any) -> None:
    """The item goes when the lock is given back, as most lock libraries do."""
    for name in ("release", "commit"):
        patch.setattr(DynamoLeases, name, _deleting(getattr(DynamoLeases, name)))


def _deleting(kept: Callable[..., bool]) -> Callable[..., bool]:
    def act(self: Any, held: Any, *rest: Any) -> bool:
        answer = kept(self, held, *rest)
        lock = self.lock(held.instrument)
        if answer and lock is not None and not lock.owner:
            self._client.delete_item(TableName=self._tables.locks, Key=lock_key(held.instrument))
        return answer

    return act


def order_id_from_the_fence(patch: Any) -> None:
    """Each owner makes an order id of its own."""
    kept = wishes.order_of

    def order_of(held: Any, desk: Any, at: Any) -> Any:
        order = kept(held, desk, at)
        return replace(order, id=order_id(held.instrument, f"{order.signal}@{held.fence}", order.side, order.leg))

    for module in (trade, engaging):
        patch.setattr(module, "order_of", order_of)
    some_order = f"{lock_requests.MINE} AND (attribute_exists(#key) OR intent.#order = :order)"
    patch.setattr(transactions, "OURS", some_order)
    patch.setattr(transactions, "UNASKED", f"{some_order} AND intent.reserved = :no")


def no_nonce(patch: Any) -> None:
    """A refusal is taken at its word: nobody looks whether the lock is his own."""
    for name in ("refused", "disengaged"):
        patch.setattr(lock_requests, name, _forgetful(getattr(lock_requests, name)))


def _forgetful(kept: Callable[..., Any]) -> Callable[..., Any]:
    return lambda item, ask, at: kept(item, replace(ask, nonce="none of these"), at)


def no_margin(patch: Any) -> None:
    """A lease is taken over in the moment it ends."""
    for module in (lock_requests, transactions, protocol):
        patch.setattr(module, "MARGIN", 0)


def no_deadline(patch: Any) -> None:
    """An owner does not look at its own clock."""
    patch.setattr(trade, "GUARD_S", -1e6)


def unconditional_acquire(patch: Any) -> None:
    """A running lease keeps nobody out."""
    patch.setattr(lock_requests, "FREE", "(attribute_not_exists(own) OR attribute_exists(own) OR exp < :late)")


def intent_overwritten(patch: Any) -> None:
    """What a dead owner left is forgotten by the next."""
    kept = lock_requests.grant

    def grant(*given: Any) -> Any:
        request = kept(*given)
        wanted = request["UpdateExpression"].replace("if_not_exists(intent, :intent)", ":intent")
        return request | {"UpdateExpression": wanted}

    patch.setattr(lock_requests, "grant", grant)
    patch.setattr(lock_requests, "UNTOUCHED", "(attribute_exists(#key) OR attribute_not_exists(#key))")


def no_memory_of_the_done(patch: Any) -> None:
    """Settled signals are not kept on the item, and an order's row is written as often as one likes."""
    patch.setattr(transactions, "NEW", "(attribute_exists(pk) OR attribute_not_exists(pk))")
    for module in (lock_requests, transactions):
        patch.setattr(module, "remembered", lambda done, signal: ())
    nothing: dict[str, Any] = {"done": []}
    patch.setattr(transactions, "_remembering", lambda held, signal: ("done = :done", transactions.OURS, nothing))
