"""From fills to positions, and from positions to results: exact to the last decimal (G1).

Every sum runs in EXACT, which raises rather than rounds. The one thing that may not divide evenly is a share of a
position's cost and fees in a partial exit: it is rounded down to 8 decimals, and what is left over stays with the
position, so that the parts always add up to the whole once it is flat.
"""

from decimal import ROUND_DOWN, Context, Decimal, Inexact, localcontext

import msgspec

from core.domain.errors import PositionError
from core.domain.orders import Order
from core.domain.positions import Position, RoundTrip
from core.domain.signals import Exit
from core.domain.values import Millis, Side

EXACT = Context(prec=120, traps=[Inexact])
SHOWN = Context(prec=20)
"""For average prices, which are figures to look at and to hold a stop against, never summed into money."""
STEP = -8  # decimal places of quote currency


def opened(order: Order, worker: str) -> Position:
    """The position that a buy order's fills made. Raises PositionError where nothing was filled, or for a sell."""
    if order.side is not Side.BUY or not order.fills:
        raise PositionError(
            "no position comes of this order", order=order.id, side=order.side.value, filled=order.filled
        )
    with localcontext(EXACT):
        quantity, cost, fees = order.filled, order.value, order.fees + order.taxes
    return Position(
        instrument=order.instrument,
        worker=worker,
        quantity=quantity,
        cost=cost,
        fees=fees,
        price=SHOWN.divide(cost, quantity),
        opened=min(fill.at for fill in order.fills),
        signal=order.signal,
        rule=order.reason,
        reference=order.reference,
    )


def reduced(position: Position, order: Order) -> Position | None:
    """What is still held after a sell order's fills; None for flat.

    Raises:
        PositionError: more was sold than is held, or the order is not a sell of this instrument.
    """
    sold = _sold(position, order)
    if sold == position.quantity:
        return None
    with localcontext(EXACT):
        return msgspec.structs.replace(
            position,
            quantity=position.quantity - sold,
            cost=position.cost - _share(position.cost, sold, position.quantity),
            fees=position.fees - _share(position.fees, sold, position.quantity),
        )


def round_trip(position: Position, order: Order, exit: Exit, at: Millis) -> RoundTrip:
    """The results row of a sell order against the position it was sold from, whole or part.

    position  as it was before this order; `at` when it was sold

    Raises:
        PositionError: nothing was sold, more was sold than is held, or the order is not a sell of this instrument.
    """
    sold = _sold(position, order)
    if not sold:
        raise PositionError("nothing was sold, so there is no result", order=order.id)
    with localcontext(EXACT):
        cost = _share(position.cost, sold, position.quantity)
        fees = _share(position.fees, sold, position.quantity) + order.fees
        proceeds, taxes = order.value, order.taxes
        pnl = proceeds - cost - fees - taxes
        slippage = (cost - position.reference * sold) + (order.reference * sold - proceeds)
    return RoundTrip(
        id=order.id,
        instrument=position.instrument,
        worker=position.worker,
        quantity=sold,
        bought=position.price,
        sold=SHOWN.divide(proceeds, sold),
        cost=cost,
        proceeds=proceeds,
        fees=fees,
        taxes=taxes,
        pnl=pnl,
        slippage=slippage,
        rule=position.rule,
        exit=exit.value,
        opened=position.opened,
        closed=at,
    )


def _sold(position: Position, order: Order) -> Decimal:
    with localcontext(EXACT):
        sold = order.filled
    if order.side is not Side.SELL or order.instrument != position.instrument:
        raise PositionError("this order does not sell this position", order=order.id, held=str(position.instrument))
    if sold > position.quantity:
        raise PositionError("more was sold than is held", order=order.id, sold=sold, held=position.quantity)
    return sold


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """`whole * part / of`, rounded down to STEP, or to the whole's own last digit (no zero) where that is finer."""
    if part == of:
        return whole
    with localcontext(EXACT) as rounding:
        finest = min(STEP, int(whole.normalize().as_tuple().exponent))
        rounding.traps[Inexact] = False
        return (whole * part / of).quantize(Decimal(1).scaleb(finest), rounding=ROUND_DOWN)
