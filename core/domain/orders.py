"""The life of an order, and what was traded. Quantities and money are Decimal."""

from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import msgspec

from core.domain.errors import OrderExecutionError
from core.domain.values import ZERO, Instrument, Millis, Side


class State(StrEnum):
    """NOTED is written before the venue is asked; UNKNOWN is neither failed nor filled until the venue has said so."""

    NOTED = "noted"
    OPEN = "open"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


DONE = frozenset({State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED})

MOVES: dict[State, frozenset[State]] = {
    State.NOTED: frozenset(State) - {State.NOTED},
    State.OPEN: frozenset({State.PARTIAL, State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED, State.UNKNOWN}),
    State.PARTIAL: frozenset({State.PARTIAL, State.FILLED, State.CANCELLED, State.EXPIRED, State.UNKNOWN}),
    State.UNKNOWN: frozenset(State) - {State.NOTED},
    State.CANCELLED: frozenset({State.CANCELLED, State.FILLED}),
    State.FILLED: frozenset(),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset({State.FILLED}),
}
"""Every legal move. A fill may be told after a cancel; nothing else leaves a finished state."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of our order. `fee` and `tax` are in quote currency, on top of price * quantity."""

    id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    tax: Decimal
    at: Millis


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order, from before it was sent.

    id        our client order id: a function of the signal and the leg, never of the fence
    signal    id of the signal that decided it
    leg       0 for the first order of a decision, then 1, 2 ... for the rest of a partial fill
    quantity  units asked for; `reference` the price it was decided at (slippage is measured against it)
    reason    buy rule, or exit reason
    limit     worst price accepted (what cannot be had at it is cancelled at once); None for a market order
    again     when it was sent again, each time because the venue was shown never to have had it; epoch ms
    """

    id: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    reference: Decimal
    signal: str
    leg: int
    worker: str
    reason: str
    at: Millis
    state: State = State.NOTED
    venue_id: str = ""
    fills: tuple[Fill, ...] = ()
    note: str = ""
    limit: Decimal | None = None
    again: tuple[Millis, ...] = ()

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def value(self) -> Decimal:
        """Price times quantity over all fills, before fees and taxes."""
        return sum((fill.price * fill.quantity for fill in self.fills), ZERO)

    @property
    def fees(self) -> Decimal:
        return sum((fill.fee for fill in self.fills), ZERO)

    @property
    def taxes(self) -> Decimal:
        return sum((fill.tax for fill in self.fills), ZERO)


def order_id(instrument: Instrument, signal: str, side: Side, leg: int) -> str:
    """Client order id of one leg of one decision: the same for whoever carries it out, after any crash.

    >>> from core.domain.values import Market
    >>> order_id(Instrument(Market.UPBIT, "KRW-BTC"), "s1", Side.BUY, 0)
    'hoga-0ae74dd03f7bb57eb383fa50'
    """
    text = "\x1f".join((str(instrument), signal, side.value, str(leg)))
    return f"hoga-{sha256(text.encode()).hexdigest()[:24]}"


def moved(order: Order, state: State, **changes: object) -> Order:
    """The order in its next state. Raises OrderExecutionError for a move that MOVES does not have."""
    if state not in MOVES[order.state]:
        raise OrderExecutionError(
            "an order cannot move like that", order=order.id, was=order.state.value, to=state.value
        )
    return msgspec.structs.replace(order, state=state, **changes)
