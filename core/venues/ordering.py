"""The order side of a venue as a record of flows; the one broker that runs them is core/adapters/venue_broker.py.

A venue need not know a client order id: its orders are then told apart by side, symbol, quantity, price and time, and
each of its own numbers belongs to one of our orders at most (`core/app/matching.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from core.domain.events import OrderNotice
from core.domain.orders import Order, State
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.venues.flow import Flow, Response

HERE = frozenset({"127.0.0.1", "localhost", "::1"})
"""This machine, where simulators are."""

PORTS = {"http": 80, "https": 443}


class Depot(msgspec.Struct, frozen=True, kw_only=True):
    """The account that orders go to. Its number is a secret: nothing that prints this shows it."""

    number: str
    environment: Environment

    def __repr__(self) -> str:
        return f"Depot({self.environment.value})"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took an order, or a cancel. `id` is what `Order.venue_id` keeps of it."""

    id: str
    note: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One of the account's orders as the venue lists it.

    id        as `Order.venue_id` keeps it; `original` the number of the order that a cancel or an amend is about, or ""
    price     limit in quote currency, 0 for a market order
    filled    units, `value` what they came to in quote currency, before fees
    at        the venue's clock when it took the order; None where it does not say
    ours      False for what we never send: a cancel, an amend, an order through another exchange
    """

    id: str
    original: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    price: Decimal
    filled: Decimal
    value: Decimal
    state: State
    at: Millis | None
    note: str = ""
    ours: bool = True


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A list of orders, and what the venue itself adds up over everything that was asked for.

    A venue that adds up more than it lists keeps orders back: then a missing row proves nothing.
    """

    rows: tuple[Row, ...]
    ordered: Decimal
    filled: Decimal
    value: Decimal

    @property
    def whole(self) -> bool:
        return sum((row.quantity for row in self.rows), ZERO) >= self.ordered


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What to list: one symbol and side, from the venue's day of `since` on; `id` narrows it to one order."""

    instrument: Instrument
    side: Side
    since: Millis
    id: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one symbol, what may be sold of them now, and what they cost in quote currency.

    bought, sold  units today, by the account's own count: a list of orders that says less is behind
    """

    symbol: str
    units: Decimal
    sellable: Decimal
    cost: Decimal
    bought: Decimal = ZERO
    sold: Decimal = ZERO

    def traded(self, side: Side) -> Decimal:
        return self.bought if side is Side.BUY else self.sold


class Reply(StrEnum):
    """What an answer to an order means to do."""

    TAKEN = "taken"
    REFUSED = "refused"  # nothing happened
    AGAIN = "again"  # refused before it reached the market: safe to send again after a pause
    RENEW = "renew"  # the same, and the credential is at fault
    UNSURE = "unsure"  # it may have happened: never again blindly


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue takes orders. Every call is a flow; `at` is our clock.

    place      (order, depot, phase, at) -> the venue's number
    cancel     (order, its venue_id, depot, at) -> the number of the cancel, which may be a new one
    amend      (order, its venue_id, new limit, depot, at) -> the number of what rests from now on
    listed     (sought, depot, at) -> the account's orders of some days, pages by itself
    standing   (sought, depot, at) -> orders that still wait; None where the environment has no such list
    holdings   (depot, at) -> every symbol with units, or traded today
    affordable (symbol, price or None, depot, at) -> units that cash buys without credit
    judge      a response -> what it means to do, and the venue's words
    noticed    a notice of one of our orders -> its venue_id
    number     venue_id -> the number that the venue's own-order notices carry
    identity   venue_id -> what tells one order from all others of all days
    origins    (scheme, host, port) that each environment's orders may go to, and no other
    limits     calls a second by rate-limit group and environment
    shy        environments whose lists may leave orders out: there, holdings are noted before an order and asked after
    """

    market: Market
    place: Callable[[Order, Depot, Phase, Millis], Flow[Receipt]]
    cancel: Callable[[Order, str, Depot, Millis], Flow[Receipt]]
    amend: Callable[[Order, str, Decimal, Depot, Millis], Flow[Receipt]]
    listed: Callable[[Sought, Depot, Millis], Flow[Listed]]
    standing: Callable[[Sought, Depot, Millis], Flow[tuple[Row, ...] | None]]
    holdings: Callable[[Depot, Millis], Flow[list[Held]]]
    affordable: Callable[[str, Decimal | None, Depot, Millis], Flow[Decimal]]
    judge: Callable[[Response], tuple[Reply, str]]
    noticed: Callable[[OrderNotice], str]
    number: Callable[[str], str]
    identity: Callable[[str], str]
    origins: dict[Environment, tuple[str, str, int]]
    limits: dict[Environment, dict[str, float]]
    shy: frozenset[Environment] = frozenset()

    def takes(self, environment: Environment, url: str) -> bool:
        """May orders of this environment go to this address? Its own origin, or this machine."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            return False
        if parts.username is not None or parts.scheme not in PORTS:
            return False
        return host in HERE or (parts.scheme, host, port) == self.origins[environment]
