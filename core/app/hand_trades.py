"""What a person traded at the venue, in our own words: a position, or a sale as if we had made it (E8)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import prod

from msgspec.structs import replace

from core.app.desk import Desk
from core.domain.leases import Lock
from core.domain.orders import Fill, Order, State, order_id
from core.domain.positions import Position
from core.domain.results import EXACT, SHOWN
from core.domain.signals import Exit
from core.domain.values import ZERO, Side
from core.domain.workers import Worker


def sale(
    lock: Lock, position: Position, units: Decimal, price: Decimal, reason: Exit, dust: Decimal, desk: Desk
) -> Order:
    """A sale as if we had made it: `units` at the price with the venue's fee and tax, `dust` for nothing."""
    at, symbol = desk.clock(), lock.instrument.symbol
    name = order_id(lock.instrument, f"{reason.value}:{lock.fence}", Side.SELL, 0)
    fee, tax = desk.rules.fee(symbol, Side.SELL, at), desk.rules.tax(symbol, Side.SELL, at)
    sold = ((price, units), (ZERO, dust))
    fills = tuple(
        Fill(id=f"{name}-{n}", price=p, quantity=q, fee=worth(p, q, fee), tax=worth(p, q, tax), at=at)
        for n, (p, q) in enumerate(sold)
        if q
    )
    return Order(
        id=name,
        instrument=lock.instrument,
        side=Side.SELL,
        quantity=units + dust,
        reference=price,
        signal=f"{lock.instrument}:{reason.value}:{lock.fence}",
        leg=0,
        worker=position.worker,
        reason=reason.value,
        at=at,
        state=State.FILLED,
        fills=fills,
    )


def position(lock: Lock, units: Decimal, price: Decimal, heir: Worker | None, desk: Desk) -> Position:
    signal = f"{lock.instrument}:{Exit.BY_HAND.value}:{lock.fence}"
    return Position(
        instrument=lock.instrument,
        worker=heir.id if heir else "",
        quantity=units,
        cost=worth(units, price),
        fees=ZERO,
        price=price,
        opened=desk.clock(),
        signal=signal,
        rule=Exit.BY_HAND.value,
        reference=price,
    )


def grown(position: Position, units: Decimal, price: Decimal) -> Position:
    with localcontext(EXACT):
        quantity, cost = position.quantity + units, position.cost + units * price
    return replace(position, quantity=quantity, cost=cost, price=SHOWN.divide(cost, quantity))


def joined(position: Position, more: Position) -> Position:
    """One position of two of the same symbol; it stays its first owner's."""
    with localcontext(EXACT):
        quantity, cost, fees = position.quantity + more.quantity, position.cost + more.cost, position.fees + more.fees
    return replace(position, quantity=quantity, cost=cost, fees=fees, price=SHOWN.divide(cost, quantity))


def worth(*factors: Decimal) -> Decimal:
    with localcontext(EXACT):
        return prod(factors, start=Decimal(1))
