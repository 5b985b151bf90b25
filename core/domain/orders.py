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


class Move(msgspec.Struct, frozen=True):
    """One legal move, and what it stands for. From a state to itself: more is told of it, and it stays where it is."""

    was: State
    to: State
    when: str


LIFE = (
    Move(State.NOTED, State.OPEN, "the venue took it, and it rests"),
    Move(State.NOTED, State.PARTIAL, "taken, and a part was filled at once"),
    Move(State.NOTED, State.FILLED, "taken and filled at once"),
    Move(State.NOTED, State.CANCELLED, "taken, and what the book could not give was given back"),
    Move(State.NOTED, State.REJECTED, "refused, or never sent"),
    Move(State.NOTED, State.EXPIRED, "taken, and over with its session"),
    Move(State.NOTED, State.UNKNOWN, "it may have been sent, and nobody says what became of it"),
    Move(State.OPEN, State.OPEN, "the venue gave it another number"),
    Move(State.OPEN, State.PARTIAL, "the first part is filled"),
    Move(State.OPEN, State.FILLED, "filled"),
    Move(State.OPEN, State.CANCELLED, "taken back"),
    Move(State.OPEN, State.REJECTED, "the venue refuses what it had taken"),
    Move(State.OPEN, State.EXPIRED, "over with its session"),
    Move(State.OPEN, State.UNKNOWN, "the venue does not answer for it any more"),
    Move(State.PARTIAL, State.PARTIAL, "another part is filled, or the venue gave it another number"),
    Move(State.PARTIAL, State.FILLED, "the last part is filled"),
    Move(State.PARTIAL, State.CANCELLED, "the rest is taken back"),
    Move(State.PARTIAL, State.EXPIRED, "the rest is over with its session"),
    Move(State.PARTIAL, State.UNKNOWN, "the venue does not answer for it any more"),
    Move(State.UNKNOWN, State.UNKNOWN, "asked again, and still nobody says"),
    Move(State.UNKNOWN, State.OPEN, "found: it rests"),
    Move(State.UNKNOWN, State.PARTIAL, "found: filled in part, and it rests"),
    Move(State.UNKNOWN, State.FILLED, "found: filled"),
    Move(State.UNKNOWN, State.CANCELLED, "found: taken back, or only its fills are known any more"),
    Move(State.UNKNOWN, State.REJECTED, "the venue refused it, or is shown never to have had it"),
    Move(State.UNKNOWN, State.EXPIRED, "found: over with its session"),
    Move(State.REJECTED, State.FILLED, "given up as never sent, it had arrived after all"),
    Move(State.REJECTED, State.CANCELLED, "given up as never sent, a part of it was filled after all"),
    Move(State.REJECTED, State.EXPIRED, "given up as never sent, a part of it was filled in its session"),
    Move(State.CANCELLED, State.CANCELLED, "a fill is told after the cancel"),
    Move(State.CANCELLED, State.FILLED, "all of it had been filled before the cancel came"),
    Move(State.EXPIRED, State.EXPIRED, "a fill is told after the session"),
    Move(State.EXPIRED, State.FILLED, "all of it had been filled before the session ended"),
)
"""The whole life of an order. `core/README.md` draws it; nothing leaves FILLED."""

MOVES = {state: frozenset(move.to for move in LIFE if move.was is state) for state in State}


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
    """The order in its next state. Raises OrderExecutionError for a move that LIFE does not have."""
    if state not in MOVES[order.state]:
        raise OrderExecutionError(
            "an order cannot move like that", order=order.id, was=order.state.value, to=state.value
        )
    return msgspec.structs.replace(order, state=state, **changes)
