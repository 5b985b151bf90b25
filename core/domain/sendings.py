"""What a broker remembers of each order that it sent, written before it is sent: what is not here never left.

A venue that knows no client order id cannot be asked "have you seen this one". So our own log says whether an order
may have left, the venue's list says which of its orders it became, and an order number belongs to one of ours for ever.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.orders import Order
from core.domain.values import ZERO, Instrument, Millis, Side

NOT_OURS = "the venue's number of it is not its own in the log"
"""Of an order whose number is another order's: what was seen of that is booked by the other one."""


class Fate(StrEnum):
    """What became of it."""

    SENT = "sent"  # it may have reached the venue
    UNSENT = "unsent"  # it certainly did nothing there
    TAKEN = "taken"  # it has a number of the venue's
    REFUSED = "refused"
    SHOWN = "shown"  # no list ever had it, and holdings say what it came to


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol before an order: units held and their cost, and the day's sums on the order's side of it.

    ordered, filled  units; `value` what the filled ones came to, quote currency
    """

    units: Decimal = ZERO
    cost: Decimal = ZERO
    ordered: Decimal = ZERO
    filled: Decimal = ZERO
    value: Decimal = ZERO


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One order's last attempt.

    order     client order id; `at` our clock just before it left
    venue_id  the venue's number where it was TAKEN; `note` the venue's words where it was REFUSED
    before    noted only where the venue's list may leave orders out
    cancelled our clock when the venue took a cancel of it; 0 for never
    filled    units that it came to where it was SHOWN, `value` their price in quote currency
    version   1 for the first; each change is written over the version before it, or not at all
    """

    order: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    limit: Decimal | None
    at: Millis
    fate: Fate
    venue_id: str = ""
    note: str = ""
    before: Standing | None = None
    cancelled: Millis = Millis(0)
    filled: Decimal = ZERO
    value: Decimal = ZERO
    version: int = 1


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A number that the venue gave one of our orders, still to be written: with the order's end, or not at all.

    sending   the log's entry as it becomes, TAKEN
    identity  what tells the venue's order from all others of all days; from then on it is this order's for ever
    written   whoever asked about the order meanwhile wrote it: it is only held against what is there
    """

    sending: Sending
    identity: str
    written: bool = False


def draft(order: Order, before: Standing | None, last: Sending | None) -> Sending:
    """What is noted of an order before it is sent; its time is put in when it leaves."""
    return Sending(
        order=order.id,
        instrument=order.instrument,
        side=order.side,
        quantity=order.quantity,
        limit=order.limit,
        at=order.at,
        fate=Fate.SENT,
        before=before,
        version=last.version + 1 if last else 1,
    )
