"""What a broker remembers of each order that it sent, written before it is sent: what is not here never left.

A venue that knows no client order id cannot be asked "have you seen this one". So our own log says whether an order
may have left, the venue's list says which of its orders it became, and an order number belongs to one of ours for ever.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.values import ZERO, Instrument, Millis, Side


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
