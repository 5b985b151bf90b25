"""What an order must look like on Upbit: price steps by date, sizes, fees. Sources: ticks.py, reference/upbit.md 6."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from core.domain.errors import Refused
from core.domain.values import ZERO, Millis, Side
from core.venues.spec import Rules
from core.venues.upbit.ticks import TABLES, special

LOT = Decimal("0.00000001")
"""Quantities have 8 decimals (UNCONFIRMED as a rule, seen everywhere)."""

MINIMUM = {"KRW": Decimal(5000), "BTC": Decimal("0.00005"), "USDT": Decimal("0.5")}
MAXIMUM = {"KRW": Decimal(1_000_000_000), "BTC": Decimal("Infinity"), "USDT": Decimal("Infinity")}
"""Published for KRW only; elsewhere it is the account's (`orders/chance`), so no order is held against one."""

FEE = {"KRW": Decimal("0.0005"), "BTC": Decimal("0.0025"), "USDT": Decimal("0.0025")}
CHART = "https://upbit.com/exchange?code=CRIX.UPBIT."


def tick(symbol: str, price: Decimal, at: Millis) -> Decimal:
    """Price step at `price` on the day of `at`, in quote currency.

    >>> str(tick("KRW-BTC", Decimal(91154000), Millis(1785397500000)))
    '1000'
    >>> str(tick("KRW-ADA", Decimal(1510), Millis(1617646620000)))
    '5'
    """
    if (own := special(symbol, price, at)) is not None:
        return own
    rows = next(rows for since, rows in TABLES[_quote(symbol)] if at >= since)
    return next(step for floor, step in rows if price >= floor)


def floor_price(symbol: str, price: Decimal, side: Side, at: Millis) -> Decimal:
    """Nearest legal price that crosses no further: down for a buy, up for a sell.

    Raises:
        Refused: no legal price is left (a buy under the smallest step, or a price that is not above zero).
    """
    if price <= 0:
        raise Refused("A price must be above zero", symbol=symbol, price=price)
    step = tick(symbol, price, at)
    towards = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    legal = (price / step).to_integral_value(rounding=towards) * step
    if legal <= 0:
        raise Refused("The price is under the smallest step", symbol=symbol, price=price, step=step)
    return legal


def lot(symbol: str) -> Decimal:
    """Quantity step in units."""
    return LOT


def minimum(symbol: str) -> Decimal:
    """Least order in quote currency."""
    return MINIMUM[_quote(symbol)]


def maximum(symbol: str) -> Decimal:
    """Largest order in quote currency; infinite where Upbit publishes none."""
    return MAXIMUM[_quote(symbol)]


def fee(symbol: str, side: Side, at: Millis) -> Decimal:
    """Fraction of the traded value, the same for both sides; on top of a buy, out of a sell's proceeds."""
    return FEE[_quote(symbol)]


def tax(symbol: str, side: Side, at: Millis) -> Decimal:
    """None is taken on crypto today."""
    return ZERO


def link(symbol: str) -> str:
    """The page with the symbol's chart."""
    return CHART + symbol


def _quote(symbol: str) -> str:
    """KRW of KRW-BTC. Raises Refused for a market that Upbit does not have."""
    quote, _, coin = symbol.partition("-")
    if quote not in TABLES or not coin:
        raise Refused("Upbit has no such market", symbol=symbol, quotes=" ".join(TABLES))
    return quote


RULES = Rules(
    tick=tick, floor_price=floor_price, lot=lot, minimum=minimum, maximum=maximum, fee=fee, tax=tax, link=link
)
