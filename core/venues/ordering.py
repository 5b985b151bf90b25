"""The order side of a venue as a record of flows; the one broker that runs them is core/adapters/venue_broker.py.

A venue that knows our client order ids is asked for them (`named`). One that does not need not: its orders are told
apart by side, symbol, quantity, price and time, and each of its own numbers belongs to one of our orders at most
(`core/app/evidence.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from core.domain.errors import IdUsed, KeyExpired, OrderExecutionError, RateLimited, UnknownOutcome
from core.domain.events import OrderNotice
from core.domain.orders import Order, State
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.venues.flow import Flow, Request, Response

HERE = frozenset({"127.0.0.1", "localhost", "::1"})
"""This machine, where simulators are."""

PORTS = {"http": 80, "https": 443}


class Depot(msgspec.Struct, frozen=True, kw_only=True):
    """The account that orders go to. Its number is a secret: nothing that prints this shows it.

    quote     currency that its market trades against, for venues that list what is held by coin
    exchange  which of the venue's exchanges the owner chose; "" for its usual one
    """

    number: str
    environment: Environment
    quote: str = ""
    exchange: str = ""

    def __repr__(self) -> str:
        return f"Depot({self.environment.value})"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took an order, or a cancel. `id` is what `Order.venue_id` keeps of it."""

    id: str
    note: str = ""


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as a venue lists it with its own fee: `fee` in quote currency, `quantity` what is held afterwards.

    id  the venue's, unique within the account
    """

    id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    at: Millis


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One of the account's orders as the venue lists it.

    id        as `Order.venue_id` keeps it; `original` the number of the order that a cancel or an amend is about, or ""
    price     limit in quote currency, 0 for a market order
    filled    units, `value` what they came to in quote currency, before fees
    gone      units taken back or refused, as far as the venue counts them
    at        the venue's clock when it took the order; None where it does not say
    ours      False for what we never send: a cancel, an amend, an order through another exchange
    trades    each execution, where the venue tells them with the order: all of `filled`, or `state` is not final yet
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
    trades: tuple[Traded, ...] = ()
    gone: Decimal = ZERO

    @property
    def whole(self) -> bool:
        """Do its own figures say what became of every unit, and of the money for those that were filled?"""
        return self.filled + self.gone >= self.quantity and bool(self.value or not self.filled)


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
    LATER = "later"  # refused before it reached the market, and asking again at once would make it worse
    USED = "used"  # the client id was used before: look for the order that has it
    UNSURE = "unsure"  # it may have happened: never again blindly


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one request is signed with where each carries its own signature. Nothing that prints this shows the secret.

    nonce      a UUID that was never used before; `at` our clock
    algorithm  one of the venue's; "" for its usual one
    """

    key: str
    secret: str
    nonce: str
    at: Millis
    algorithm: str = ""

    def __repr__(self) -> str:
        return f"Proof({self.algorithm})"


def admit(reply: Reply, words: str, *, wait_ms: int | None = None) -> None:
    """Goes on where the order was taken; else raises what the answer means.

    wait_ms  what LATER asks for

    Raises:
        OrderExecutionError: refused. IdUsed: an earlier one has its id. UnknownOutcome: nobody knows.
        RateLimited, KeyExpired: nothing happened, the same may be sent again.
    """
    match reply:
        case Reply.TAKEN:
            return
        case Reply.REFUSED:
            raise OrderExecutionError(words)
        case Reply.USED:
            raise IdUsed(words)
        case Reply.AGAIN:
            raise RateLimited(words)
        case Reply.LATER:
            raise RateLimited(words, after_ms=wait_ms)
        case Reply.RENEW:
            raise KeyExpired(words)
        case Reply.UNSURE:
            raise UnknownOutcome(words)


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue takes orders. Every call is a flow; `at` is our clock.

    place      (order, depot, phase, at) -> the venue's number
    cancel     (order, its venue_id, depot, at) -> the number of the cancel, which may be a new one
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
    exchanges  what settings may name as the account's exchange by environment, the usual one first; none: there is one
    shy        environments whose lists may leave orders out: there, holdings are noted before an order and asked after
    named      (order, its venue_id or "", depot, at) -> the venue's row of it, asked for by our client id; None where
               the venue knows no such order. Absent where a venue knows no client ids: then `listed` must be there
    sign       (request, proof) -> the request as its sender's own; absent where app keys sign (`RestSpec.keys`)
    algorithms what settings may name to sign with, the usual one first
    """

    market: Market
    place: Callable[[Order, Depot, Phase, Millis], Flow[Receipt]]
    cancel: Callable[[Order, str, Depot, Millis], Flow[Receipt]]
    standing: Callable[[Sought, Depot, Millis], Flow[tuple[Row, ...] | None]]
    holdings: Callable[[Depot, Millis], Flow[list[Held]]]
    affordable: Callable[[str, Decimal | None, Depot, Millis], Flow[Decimal]]
    judge: Callable[[Response], tuple[Reply, str]]
    noticed: Callable[[OrderNotice], str]
    number: Callable[[str], str]
    identity: Callable[[str], str]
    origins: dict[Environment, tuple[str, str, int]]
    limits: dict[Environment, dict[str, float]]
    exchanges: dict[Environment, tuple[str, ...]] = {}
    shy: frozenset[Environment] = frozenset()
    listed: Callable[[Sought, Depot, Millis], Flow[Listed]] | None = None
    named: Callable[[Order, str, Depot, Millis], Flow[Row | None]] | None = None
    sign: Callable[[Request, Proof], Request] | None = None
    algorithms: tuple[str, ...] = ()

    def look(self, order: Order, depot: Depot, at: Millis) -> Flow[object] | None:
        """What whoever sent an order asks first of what became of it, so that its turn can be taken with the order's.

        None where lists leave orders out: there, notices are waited for.
        """
        if self.named is not None:
            return self.named(order, "", depot, at)
        if self.listed is None or depot.environment in self.shy:
            return None
        return self.listed(Sought(instrument=order.instrument, side=order.side, since=at), depot, at)

    def takes(self, environment: Environment, url: str) -> bool:
        """May orders of this environment go to this address? Its own origin, or this machine."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            return False
        if parts.username is not None or parts.scheme not in PORTS or environment not in self.origins:
            return False
        return host in HERE or (parts.scheme, host, port) == self.origins[environment]
