"""What makes an order of the venue's ours, in the ledger table: our order's number, and the one order of ours it is.

sent#ID              body = the sending, version, nonce of the write that made it so
venue#MKT#IDENTITY   order = the one order of ours that this order of the venue's is
"""

from __future__ import annotations

from msgspec.structs import replace

from core.adapters.dynamo.expressions import Request, expressed
from core.adapters.dynamo.items import Item, to_wire
from core.domain.errors import UnknownOutcome
from core.domain.sendings import NOT_OURS, Sending, Taking

NEXT = "(:before = :none AND attribute_not_exists(pk)) OR version = :before"
OURS = "#order = :order"
LEGS = frozenset({"sent", "number"})


def log_key(order: str) -> Item:
    return _key(f"sent#{order}")


def logged(table: str, sending: Sending, nonce: str) -> Request:
    """The log's entry, over the version before it or not at all."""
    values: dict[str, object] = {"body": sending, "version": sending.version, "before": sending.version - 1}
    update = "SET body = :body, version = :version, nonce = :nonce"
    values |= {"nonce": nonce, "none": 0}
    return expressed(table, log_key(sending.order), update=update, condition=NEXT, values=values)


def legs(table: str, taking: Taking, nonce: str = "") -> dict[str, dict[str, Request]]:
    """The legs of a transaction: both written, or the number alone held against what is there."""
    sending = taking.sending
    key = _key(f"venue#{sending.instrument.market.value}#{taking.identity}")
    values: dict[str, object] = {"order": sending.order}
    if taking.written:
        return {"number": {"ConditionCheck": expressed(table, key, condition=OURS, values=values)}}
    free = f"attribute_not_exists(pk) OR {OURS}"
    claimed = expressed(table, key, update="SET #order = :order", condition=free, values=values)
    return {"sent": {"Update": logged(table, sending, nonce)}, "number": {"Update": claimed}}


def again(failed: dict[str, Item], taking: Taking) -> Taking:
    """What to try next where one of these legs refused: somebody may have written the same, and the number is ours.

    Raises:
        UnknownOutcome: the number is not this order's. Whatever was thought to be known of the order is another's.
    """
    if "number" in failed:
        raise UnknownOutcome(NOT_OURS, order=taking.sending.order)
    return replace(taking, written=True)


def _key(name: str) -> Item:
    return {"pk": to_wire(name), "sk": to_wire(name)}
