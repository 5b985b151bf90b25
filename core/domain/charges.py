"""What fees and taxes are booked as: a fraction of what was traded, in the smallest money that the venue keeps (G1)."""

from collections.abc import Callable, Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

from core.domain.policies import Booking
from core.domain.results import EXACT
from core.domain.values import ZERO

Booked = Callable[[Decimal], Decimal]
"""An exact amount -> the amount that the venue books for it."""


def unrounded(amount: Decimal) -> Decimal:
    """A venue that books every decimal."""
    return amount


def whole(booking: Booking) -> Booked:
    """A venue that books whole units.

    >>> [str(whole(way)(Decimal("139.5"))) for way in Booking]
    ['140', '139', '139.5']
    """
    match booking:
        case Booking.NEAREST:
            return lambda amount: amount.to_integral_value(ROUND_HALF_UP)
        case Booking.DOWN:
            return lambda amount: amount.to_integral_value(ROUND_DOWN)
        case Booking.EXACT:
            return unrounded


def charges(values: Iterable[Decimal], rate: Decimal, booked: Booked) -> list[Decimal]:
    """The charge on each of an order's fills, in their order; `values` are price times quantity.

    Venues book an order, not its fills: after each fill the charges so far are what is booked for the value so far.
    So the sum is off by less than one unit however many fills there are.

    >>> [str(part) for part in charges([Decimal(1000)] * 3, Decimal("0.0015"), whole(Booking.NEAREST))]
    ['2', '1', '2']
    """
    found: list[Decimal] = []
    with localcontext(EXACT):
        value = told = ZERO
        for part in values:
            value += part
            total = booked(value * rate)
            found.append(total - told)
            told = total
    return found
