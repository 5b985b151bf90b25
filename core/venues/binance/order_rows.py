"""Orders, trades and balances of an account as Binance lists them. Source: reference/binance.md 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

import msgspec

from core.domain.orders import State
from core.domain.results import EXACT
from core.domain.values import ZERO, Millis, Side
from core.venues.binance.fields import instrument
from core.venues.ordering import Held, Row, Traded

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
STATES = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.OPEN,
    "PARTIALLY_FILLED": State.PARTIAL,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELLED,
    "REJECTED": State.REJECTED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
}


class OrderRow(msgspec.Struct):
    """`cummulativeQuoteQty` is spelled so; a market order's price is 0."""

    symbol: str
    orderId: int
    side: str
    status: str
    origQty: Decimal
    executedQty: Decimal
    cummulativeQuoteQty: Decimal = ZERO
    price: Decimal = ZERO
    time: int | None = None

    @property
    def id(self) -> str:
        return venue_id(self.symbol, self.orderId)

    def row(self, trades: Sequence[Traded] = (), listed: Decimal | None = None) -> Row:
        """`listed` is what the trades told add up to before commissions: an order is final only once that is all."""
        behind = (ZERO if listed is None else listed) != self.executedQty
        state = STATES.get(self.status, State.OPEN)
        if behind:
            state = State.PARTIAL if trades else State.OPEN
        return Row(
            id=self.id,
            original="",
            instrument=instrument(self.symbol),
            side=SIDES[self.side],
            quantity=self.origQty,
            price=self.price,
            filled=self.executedQty,
            value=self.cummulativeQuoteQty,
            state=state,
            at=None if self.time is None else Millis(self.time),
            note="" if self.status in ("NEW", "FILLED") else self.status.lower(),
            trades=tuple(trades),
        )


class TradeRow(msgspec.Struct):
    """One execution; `commission` in units of `commissionAsset`."""

    id: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str
    time: int


class BalanceRow(msgspec.Struct):
    asset: str
    free: Decimal
    locked: Decimal

    def held(self, quote: str) -> Held:
        return Held(symbol=self.asset + quote, units=self.free + self.locked, sellable=self.free, cost=ZERO)


class AccountRow(msgspec.Struct):
    balances: list[BalanceRow]

    def free(self, asset: str) -> Decimal:
        return next((row.free for row in self.balances if row.asset == asset), ZERO)


class PriceRow(msgspec.Struct):
    price: Decimal


def venue_id(symbol: str, number: int) -> str:
    """Order numbers are unique within a symbol only."""
    return f"{symbol}-{number}"


def paid_otherwise(trades: Sequence[TradeRow], base: str, quote: str) -> tuple[str, ...]:
    """Assets of commissions that are neither of the pair (BNB): what they are worth must be asked for."""
    return tuple(sorted({row.commissionAsset for row in trades if row.commission} - {base, quote}))


def traded(
    trades: Sequence[TradeRow], side: Side, symbol: str, base: str, quote: str, worth: Mapping[str, Decimal]
) -> tuple[Traded, ...]:
    """Each execution with its commission in quote currency, and the units that are left of it.

    A commission in the bought asset takes units away: buying 1 leaves 0.999, and that is what can be sold again. Its
    price stays what was paid, so price times units plus fee is exactly what left the account. `worth` is the price of
    other assets in quote currency, as of now: Binance does not tell what they were worth then.
    """
    found: list[Traded] = []
    with localcontext(EXACT):
        for row in trades:
            taken = row.commission if row.commissionAsset == base and side is Side.BUY else ZERO
            unit = {quote: Decimal(1), base: row.price}.get(row.commissionAsset)
            unit = worth.get(row.commissionAsset, ZERO) if unit is None else unit
            found.append(
                Traded(
                    id=f"{symbol}-{row.id}",
                    price=row.price,
                    quantity=row.qty - taken,
                    fee=row.commission * unit,
                    at=Millis(row.time),
                )
            )
    return tuple(found)
