"""Which kind of order (ORD_DVSN) says what we mean, by phase of the day. Source: reference/kis.md 8.2 and 8.8.

We mean one of two things: "at this price or better, now, and nothing rests", or "all of it, now".
"""

from decimal import Decimal

from core.domain.errors import OrderExecutionError
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.venues.kis.exchanges import NXT

LIMIT, MARKET = "00", "01"
BEFORE_AT_CLOSE, AFTER_AT_CLOSE = "05", "06"
LIMIT_OR_CANCEL = "11"
AFTER_LIMIT_OR_CANCEL, AFTER_BEST_OR_CANCEL = "42", "45"

BEST_OR_CANCEL = "15"
"""NXT takes no market order."""

NOW = {Phase.REGULAR: (LIMIT_OR_CANCEL, MARKET), Phase.AFTER: (AFTER_LIMIT_OR_CANCEL, AFTER_BEST_OR_CANCEL)}
"""(with a limit, without): an after-market takes no market order, only the best price of the other side."""

AT_CLOSE = {Phase.BEFORE: BEFORE_AT_CLOSE, Phase.SETTLED: AFTER_AT_CLOSE}
AUCTION = (LIMIT, MARKET)
"""A call auction matches at its end, so nothing can be carried out or cancelled at once. Mock knows these two only."""


def kind(order: Order, phase: Phase, environment: Environment, exchange: str) -> tuple[str, str]:
    """(ORD_DVSN, ORD_UNPR) at KRX, NXT or SOR; the price of an order without one is "0".

    Raises:
        OrderExecutionError: an order with a limit in a session that trades at the close only.
    """
    price = "0" if order.limit is None else whole(order.limit, "price", order)
    if environment is Environment.REAL and phase in AT_CLOSE:
        if order.limit is not None:
            raise OrderExecutionError(
                "this session trades at the close only, and the order has a limit", order=order.id
            )
        return AT_CLOSE[phase], price
    limited, free = AUCTION if environment is Environment.MOCK else NOW.get(phase, AUCTION)
    free = BEST_OR_CANCEL if exchange == NXT else free
    return (free if order.limit is None else limited), price


def whole(figure: Decimal, name: str, order: Order) -> str:
    """Won or shares as KIS wants them: a text without a point. Raises OrderExecutionError for a fraction."""
    if figure != figure.to_integral_value() or figure <= 0:
        raise OrderExecutionError(f"KIS takes whole numbers above 0 only, not a {name} of {figure:f}", order=order.id)
    return f"{int(figure)}"
