"""What is known of one order at a simulated crypto exchange, whichever it is. Money and units are Decimal."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.values import ZERO, Side


class Lasting(StrEnum):
    """What becomes of what the book cannot give at once."""

    REST = "rest"
    NOW = "now"  # cancelled (IOC, and every market order)
    WHOLE = "whole"  # all of it at once, or nothing (FOK)
    MAKER = "maker"  # refused where it would trade at once (post only)


class CoinFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution; `fee` in units of `paid_in`."""

    id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    paid_in: str
    maker: bool
    at: int

    @property
    def value(self) -> Decimal:
        return self.price * self.quantity


@dataclass
class CoinOrder:
    """One order.

    number    the venue's own; `client` the id that its owner gave it
    quantity  units, None for a buy of whatever `budget` (quote currency) buys
    limit     None for a market order
    best      trades at the best price of the other side only
    gone_at   when what was left ended; 0 while it may still trade
    ends_at   when a cancel that was accepted takes effect; 0 for none
    """

    number: str
    client: str
    symbol: str
    side: Side
    kind: str
    lasting: Lasting
    at: int
    quantity: Decimal | None = None
    budget: Decimal | None = None
    limit: Decimal | None = None
    best: bool = False
    fills: list[CoinFill] = field(default_factory=list)
    gone_at: int = 0
    ends_at: int = 0
    cancelled: bool = False

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def value(self) -> Decimal:
        return sum((fill.value for fill in self.fills), ZERO)

    @property
    def open(self) -> Decimal:
        """Units that may still trade; for a budget they are not known, and 0."""
        return ZERO if self.gone_at or self.quantity is None else self.quantity - self.filled

    @property
    def unspent(self) -> Decimal:
        """Quote currency of a budget that may still be spent."""
        return ZERO if self.gone_at or self.budget is None else self.budget - self.value

    @property
    def working(self) -> bool:
        return not self.gone_at

    def takes(self, price: Decimal) -> bool:
        """Whether it would trade at a price."""
        if self.limit is None:
            return True
        return self.limit >= price if self.side is Side.BUY else self.limit <= price
