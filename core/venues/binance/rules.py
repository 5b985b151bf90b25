"""What an order must look like on Binance: every symbol has its own filters, which the listing tells.

Sources: reference/binance.md 2.3 (filters) and 5 (fees).
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from core.domain.errors import Refused
from core.domain.events import Specification
from core.domain.policies import MarketPolicy
from core.domain.specifications import Specified
from core.domain.values import ZERO, Millis, Side
from core.venues.spec import Rules

FEE = Decimal("0.001")
"""The usual base rate (UNCONFIRMED, and each account has its own): `terms.fee` of the settings replaces it.

Of a buy Binance takes it out of the units bought, or in BNB; books and limits count it in quote currency, where it is
worth the same.
"""
CHART = "https://www.binance.com/en/trade/"


def link(symbol: str) -> str:
    """The page with the symbol's chart."""
    return f"{CHART}{symbol}?type=spot"


def tax(symbol: str, side: Side, at: Millis) -> Decimal:
    """None is taken on crypto."""
    return ZERO


def floor_price(symbol: str, price: Decimal, side: Side, step: Decimal) -> Decimal:
    """Nearest legal price that crosses no further: down for a buy, up for a sell.

    Raises:
        Refused: no legal price is left (a buy under the smallest step, or a price that is not above zero).
    """
    if price <= 0:
        raise Refused("A price must be above zero", symbol=symbol, price=price)
    towards = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    legal = (price / step).to_integral_value(rounding=towards) * step
    if legal <= 0:
        raise Refused("The price is under the smallest step", symbol=symbol, price=price, step=step)
    return legal


def rules_of(specified: Specified, fee: Decimal = FEE) -> Rules:
    """Rules that ask `specified` for each symbol's filters. They raise Refused for a symbol of which nothing is known:
    the safety filter writes them (`hoga safety`), before anything may be bought."""

    def known(symbol: str) -> Specification:
        if (found := specified(symbol)) is None:
            raise Refused("No listing has told yet what an order of this symbol looks like", symbol=symbol)
        return found

    return Rules(
        tick=lambda symbol, price, at: known(symbol).tick,
        floor_price=lambda symbol, price, side, at: floor_price(symbol, price, side, known(symbol).tick),
        lot=lambda symbol: known(symbol).lot,
        minimum=lambda symbol: known(symbol).minimum,
        maximum=lambda symbol: known(symbol).maximum,
        fee=lambda symbol, side, at: fee,
        tax=tax,
        link=link,
    )


def under(policy: MarketPolicy, specified: Specified) -> Rules:
    """The rules under the owner's settings; `terms.fee` is what this account pays."""
    fee = policy.terms.fee
    return rules_of(specified, FEE if fee is None else Decimal(str(fee)))


def tailored(policy: MarketPolicy) -> Rules:
    return under(policy, _unsaid)


def _unsaid(symbol: str) -> Specification | None:
    """Nobody has asked."""
    return None


RULES = rules_of(_unsaid)
