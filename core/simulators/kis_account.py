"""One account at the simulated KIS: takes orders, matches them against the market, keeps its own books.

Only what the exchange itself would check is checked here; words and codes of refusals are in kis_orders.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.simulators.kis_depth import Depth, Step, depth
from core.simulators.kis_events import Turn
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_order import (
    ALL_AT_ONCE,
    AMEND,
    AT_CLOSE,
    AT_ONCE,
    BEST,
    BUY,
    CANCEL,
    FIRST,
    LIMITED,
    SELL,
    Execution,
    KisOrder,
    Notice,
    Said,
    reserved,
)
from core.simulators.kis_purse import Purse
from core.simulators.kis_stock import Stock, Told
from core.simulators.kis_time import AUCTIONS, Phase
from core.simulators.served import Served

FUNDS = 10_000_000
"""The seed of a mock account. Source: reference/kis.md 8.8."""


class KisAccount:
    """`notify` is told of everything that happens to an order, at once."""

    def __init__(
        self,
        number: str,
        market: KrxMarket,
        limits: KisLimits,
        served: Served,
        *,
        branch: str,
        funds: int = FUNDS,
        notify: Callable[[Notice], None],
    ) -> None:
        self.number, self.branch = number, branch
        self._market, self._limits, self._served, self._notify = market, limits, served, notify
        date = market.timetable.date(market.start)
        self.purse = Purse(funds, market.rules, market.timetable, date)
        self.orders: dict[str, KisOrder] = {}
        self._working: dict[str, dict[str, KisOrder]] = {}
        self._next, self._executions = 1, 0

    # what it has ------------------------------------------------------------------------------------------------

    @property
    def spendable(self) -> int:
        """KRW that new buys may take."""
        return self.purse.settled_later - sum(reserved(order) for order in self.working())

    def sellable(self, symbol: str) -> int:
        """Shares that new sells may take."""
        held = self.purse.holdings.get(symbol)
        waiting = sum(order.open for order in self.working(symbol) if order.side == SELL)
        return held.quantity - waiting if held else 0

    def working(self, symbol: str = "") -> list[KisOrder]:
        """Orders that may still trade, of one symbol or of all, oldest first."""
        books = [self._working.get(symbol, {})] if symbol else self._working.values()
        return sorted((order for book in books for order in book.values() if order.open), key=lambda one: one.number)

    def hold(self, symbol: str, quantity: int, price: int) -> None:
        """Begin with some shares, bought before and settled."""
        self.purse.take(symbol, BUY, quantity, price, 0, 0)
        held = self.purse.holdings[symbol]
        held.bought_before, held.bought = 0, 0
        self.purse.flows.clear()
        self.purse.bought = 0

    def limit_of(self, kind: str, side: str, price: int, stock: Stock) -> tuple[int, int]:
        """(what it trades up or down to, KRW a share that it blocks); without a price a buy blocks the upper limit."""
        if kind in LIMITED:
            limit = price
        elif kind in BEST:
            limit = stock.ask if side == BUY else stock.bid
        elif kind in FIRST:
            limit = stock.bid if side == BUY else stock.ask
        elif kind in AT_CLOSE:
            limit = stock.last
        else:
            limit = 0
        return limit, limit or stock.upper

    # what it is told to do --------------------------------------------------------------------------------------

    def place(
        self, symbol: str, side: str, kind: str, quantity: int, price: int, at: int, exchange: str = "KRX"
    ) -> KisOrder:
        """Accept an order, and trade what trades at once."""
        stock = self._market.lines[symbol]
        limit, blocked = self.limit_of(kind, side, price, stock)
        order = self._enter(KisOrder(
            self._number(), self.branch, symbol, side, kind, quantity, price, limit, blocked, at, self.purse.date,
            exchange=exchange,
        ))  # fmt: skip
        self._served.counted("orders")
        self._tell(order, Said.ACCEPTED, quantity, price, at)
        self._cross(order, stock, at)
        return order

    def cancel(self, order: KisOrder, quantity: int, at: int) -> KisOrder:
        """Take back `quantity` of what is open; the answer is an order of its own."""
        order.gone, order.gone_at, order.cancelled = order.gone + quantity, at, True
        change = self._change(order, CANCEL, quantity, 0, at)
        self._served.counted("cancels")
        self._tell(change, Said.CANCELLED, quantity, 0, at)
        return change

    def amend(self, order: KisOrder, kind: str, quantity: int, price: int, at: int) -> KisOrder:
        """Move `quantity` of what is open to another price; the answer is the order that trades from now on."""
        order.gone, order.gone_at = order.gone + quantity, at
        stock = self._market.lines[order.symbol]
        change = self._change(order, AMEND, quantity, price, at)
        change.kind = kind
        change.limit, change.blocked = self.limit_of(kind, order.side, price, stock)
        self._served.counted("amends")
        self._tell(change, Said.AMENDED, quantity, price, at)
        self._cross(change, stock, at)
        return change

    def _change(self, order: KisOrder, action: str, quantity: int, price: int, at: int) -> KisOrder:
        return self._enter(KisOrder(
            self._number(), self.branch, order.symbol, order.side, order.kind, quantity, price, price, order.blocked,
            at, self.purse.date, original=order.number, action=action, exchange=order.exchange,
        ))  # fmt: skip

    def _number(self) -> str:
        self._next += 1
        return f"{self._next - 1:010d}"

    def _enter(self, order: KisOrder) -> KisOrder:
        self.orders[order.number] = order
        self._working.setdefault(order.symbol, {})[order.number] = order
        return order

    # how it trades ----------------------------------------------------------------------------------------------

    def turned(self, turn: Turn) -> None:
        """Match what waits against what the market did; let expire what a phase ends."""
        for told in turn.deals:
            if told.symbol in self._working:
                self._meet(told)
        for state in turn.states:
            if state.phase is not None:
                self.purse.roll(self._market.timetable.date(state.at))
            if state.phase in (Phase.SHUT, Phase.AFTER, Phase.CLOSE_PRICE):
                self._expire(state.at)

    def _meet(self, told: Told) -> None:
        """One execution of the market: an auction fills all that fits at its price, else as much as was traded."""
        left = told.quantity
        for order in self.working(told.symbol):
            free = told.auction and order.kind in ("01", "02")
            if order.at >= told.at or not (free or order.takes(told.price)):
                continue
            price = told.price if told.auction or not order.limit else order.limit
            quantity = order.open if told.auction else min(order.open, left)
            left -= 0 if told.auction else quantity
            if quantity:
                self._fill(order, quantity, price, told.at)

    def _cross(self, order: KisOrder, stock: Stock, at: int) -> None:
        """Trade against the book as it stands; the rest waits, or is taken back where the kind says so."""
        if order.kind in AT_CLOSE:
            self._fill(order, order.open, stock.last, at)
        if stock.phase in AUCTIONS or stock.interrupted or self._market.halted(stock.issue.symbol, at):
            return
        steps = _facing(order, depth(stock))
        if order.kind in ALL_AT_ONCE and sum(step.size for step in steps) < order.open:
            steps = []
        for step in steps:
            if order.open:
                self._fill(order, min(order.open, step.size), step.price, at)
        if order.open and order.kind in AT_ONCE | ALL_AT_ONCE:
            rest = order.open
            order.gone, order.gone_at, order.cancelled = order.gone + rest, at, True
            self._tell(order, Said.KILLED, rest, 0, at)

    def _fill(self, order: KisOrder, quantity: int, price: int, at: int) -> None:
        """Book an execution, in pieces where the limits say so."""
        most = self._limits.fill_most or quantity
        while quantity > 0:
            piece = min(quantity, most)
            self._book(order, piece, price, at)
            self._served.counted("fills")
            self._tell(order, Said.FILLED, piece, price, at)
            quantity -= piece
        if not order.open:
            self._working[order.symbol].pop(order.number, None)

    def _book(self, order: KisOrder, quantity: int, price: int, at: int) -> None:
        """Fee and tax are the order's, not the execution's: each adds what the order's have grown by with it."""
        self._executions += 1
        fee, tax = self.purse.cost_of(order.symbol, order.side, order.value + quantity * price, at)
        fee, tax = fee - order.costs[0], tax - order.costs[1]
        order.executions.append(Execution(at, quantity, price, fee, tax, self._executions))
        self.purse.take(order.symbol, order.side, quantity, price, fee, tax)

    def _expire(self, at: int) -> None:
        """What waits does not carry over to another session; nothing tells of it."""
        for order in self.working():
            order.gone, order.gone_at = order.gone + order.open, at
        self._working.clear()

    def _tell(self, order: KisOrder, said: Said, quantity: int, price: int, at: int) -> None:
        self._notify(Notice(order, said, quantity, price, at))

    def report(self) -> Mapping[str, Any]:
        """Cash, holdings and orders as plain values, so that a test can compare them with our own ledger."""
        purse = self.purse
        return {
            "account": self.number,
            "cash": purse.settled_later,
            "spendable": self.spendable,
            "fees": purse.fees,
            "taxes": purse.taxes,
            "holdings": {code: one.quantity for code, one in purse.holdings.items() if one.quantity},
            "orders": [_row(order) for order in self.orders.values()],
        }


def _facing(order: KisOrder, book: Depth) -> list[Step]:
    steps = book.asks if order.side == BUY else book.bids
    return [step for step in steps if step.price and order.takes(step.price)]


def _row(order: KisOrder) -> dict[str, object]:
    names = "number date branch original symbol side kind action quantity price filled value open at"
    fee, tax = order.costs
    return {name: getattr(order, name) for name in names.split()} | {"fee": fee, "tax": tax}
