"""How much to buy, and how much of a holding one order may sell (E3). Exact, rounded only towards the smaller order."""

from decimal import ROUND_DOWN, Context, Decimal, localcontext

import msgspec

from core.domain.results import EXACT

DOWN = Context(prec=60, rounding=ROUND_DOWN)


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue lets an order be: quantity step `lot`, least and largest value in quote currency, `fee` fraction."""

    lot: Decimal
    minimum: Decimal
    maximum: Decimal
    fee: Decimal


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """An order that fits: `cost` is the most it can take, every unit at `limit` and the fee on top, quote currency."""

    quantity: Decimal
    limit: Decimal
    cost: Decimal


class TooSmall(msgspec.Struct, frozen=True, kw_only=True):
    """The budget buys less than the venue's minimum: `value` at the price, `minimum` it was held against."""

    value: Decimal
    minimum: Decimal


def size(price: Decimal, limit: Decimal, budget: Decimal, grid: Grid) -> Sized | TooSmall:
    """The largest order whose worst case stays within `budget`.

    Args:
        price: what one unit costs now, quote currency; the venue's minimum is held against it.
        limit: the worst price that will be accepted, at least one step of the price grid, not below zero.
        budget: quote currency, fees included: the least of the worker's capital and every limit.

    >>> grid = Grid(lot=Decimal("0.1"), minimum=Decimal(5), maximum=Decimal(1000), fee=Decimal("0.01"))
    >>> size(Decimal(10), Decimal(10), Decimal(100), grid)
    Sized(quantity=Decimal('9.9'), limit=Decimal('10'), cost=Decimal('99.990'))
    """
    if limit <= 0:
        return TooSmall(value=Decimal(0), minimum=grid.minimum)
    with localcontext(DOWN):
        most = min(budget / (limit * (1 + grid.fee)), grid.maximum / limit)
    quantity = whole_lots(most, grid.lot)
    with localcontext(EXACT):
        value, cost = quantity * price, quantity * limit * (1 + grid.fee)
    if quantity <= 0 or value < grid.minimum:
        return TooSmall(value=value, minimum=grid.minimum)
    return Sized(quantity=quantity, limit=limit, cost=cost)


def portion(quantity: Decimal, price: Decimal, grid: Grid) -> Decimal:
    """As much of a holding as one order may sell: its whole lots, up to the venue's largest order.

    A commission that was taken from the units bought leaves a part of a lot, and an order for that is refused.
    """
    if quantity * price <= grid.maximum:
        return whole_lots(quantity, grid.lot)
    with localcontext(DOWN):
        most = grid.maximum / price
    return whole_lots(most, grid.lot)


def sellable(quantity: Decimal, price: Decimal, lot: Decimal, minimum: Decimal) -> bool:
    """May an order be made of it: at least one lot, and lots that are worth the venue's least order?"""
    lots = whole_lots(quantity, lot)
    return lots > 0 and lots * price >= minimum


def whole_lots(quantity: Decimal, lot: Decimal) -> Decimal:
    """`quantity` rounded down to a multiple of `lot`; never below zero."""
    with localcontext(DOWN):
        return max((quantity // lot) * lot, Decimal(0))
