"""Orders, coins and limits of an account as Upbit lists them, numbers as texts. Source: reference/upbit.md 5.2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal, localcontext

import msgspec

from core.domain.orders import Order, State
from core.domain.results import EXACT
from core.domain.values import ZERO, Millis, Side
from core.venues.ordering import Held, Row, Traded
from core.venues.upbit.fields import instrument

SIDES = {"bid": Side.BUY, "ask": Side.SELL}
OPEN = frozenset({"wait", "watch"})
FINEST = Decimal("0.00000001")
ROUNDED = Context(prec=60)


class TradeRow(msgspec.Struct):
    uuid: str
    price: Decimal
    volume: Decimal
    funds: Decimal
    created_at: datetime


class OrderRow(msgspec.Struct):
    """`price` is a limit, or the total of a market buy; `volume` is absent there until something was bought."""

    uuid: str
    market: str
    side: str
    ord_type: str
    state: str
    created_at: datetime
    price: Decimal | None = None
    volume: Decimal | None = None
    executed_volume: Decimal = ZERO
    paid_fee: Decimal = ZERO
    identifier: str = ""
    trades: list[TradeRow] = []

    def row(self, order: Order | None = None) -> Row:
        """As one of the account's orders; with ours it has its quantity where Upbit tells none."""
        with localcontext(EXACT):
            value = sum((trade.funds for trade in self.trades), ZERO)
        return Row(
            id=self.uuid,
            original="",
            instrument=instrument(self.market),
            side=SIDES[self.side],
            quantity=self.volume or (order.quantity if order else ZERO),
            price=(self.price or ZERO) if self.ord_type == "limit" else ZERO,
            filled=self.executed_volume,
            value=value,
            state=self._state(),
            at=_millis(self.created_at),
            note="" if self.state != "cancel" else "what the book did not give was cancelled",
            trades=traded(self.trades, self.paid_fee),
        )

    def _state(self) -> State:
        """Final only once the trades told make up what was filled: the list of them may be behind."""
        told = sum((trade.volume for trade in self.trades), ZERO)
        if self.state in OPEN or told != self.executed_volume:
            return State.PARTIAL if told else State.OPEN
        whole = self.state == "done" or (self.volume is not None and self.executed_volume >= self.volume)
        return State.FILLED if whole else State.CANCELLED


class AssetRow(msgspec.Struct):
    currency: str
    balance: Decimal
    locked: Decimal = ZERO
    avg_buy_price: Decimal = ZERO
    unit_currency: str = "KRW"

    def held(self, quote: str) -> Held:
        units = self.balance + self.locked
        with localcontext(EXACT):
            cost = units * self.avg_buy_price
        return Held(symbol=f"{quote}-{self.currency}", units=units, sellable=self.balance, cost=cost)


class Balance(msgspec.Struct):
    balance: Decimal


class ChanceRow(msgspec.Struct):
    """`bid_fee` is a fraction of the total."""

    bid_fee: Decimal
    bid_account: Balance


class PriceRow(msgspec.Struct):
    trade_price: Decimal


def traded(trades: Sequence[TradeRow], paid: Decimal) -> tuple[Traded, ...]:
    """Each execution with its part of the order's fee, in 8 decimals: Upbit tells the fee of the whole order only.

    The parts add up to what was paid: the last one has what rounding leaves.
    """
    found: list[Traded] = []
    with localcontext(ROUNDED):
        value, left = sum((trade.funds for trade in trades), ZERO), paid
        for number, trade in enumerate(trades, 1):
            share = left if number == len(trades) else (paid * trade.funds / value).quantize(FINEST, ROUND_DOWN)
            left -= share
            found.append(
                Traded(id=trade.uuid, price=trade.price, quantity=trade.volume, fee=share, at=_millis(trade.created_at))
            )
    return tuple(found)


def _millis(moment: datetime) -> Millis:
    return Millis(round(moment.timestamp() * 1000))
