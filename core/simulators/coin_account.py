"""One account at a simulated crypto exchange: balances, orders, and matching against the simulated market's own book.

What is taken from a book stays taken until the book changes. Orders that wait trade when the market trades at their
price. What an exchange refuses, and in which words, is the venue's own file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from core.domain.fills import exact
from core.domain.values import ZERO, Side
from core.simulators.books import UNITS, book
from core.simulators.coin_order import CoinFill, CoinOrder, Lasting
from core.simulators.line import Line, Print
from core.simulators.served import Served

FINEST = Decimal("0.00000001")

Charge = Callable[[CoinOrder, Decimal, Decimal], tuple[Decimal, str]]
"""(order, units, value) of an execution -> its fee and the currency that it is paid in."""


class CoinAccount:
    """`lines` are the market's pairs; `pair` splits a symbol into what is traded and what it is paid with.

    share     part of each order that the book gives when the order comes, for tests of partial fills
    cancel_ms time from a cancel that was accepted to its effect: fills may come in between
    """

    def __init__(
        self,
        lines: Mapping[str, Line],
        pair: Callable[[str], tuple[str, str]],
        charge: Charge,
        served: Served,
        funds: Mapping[str, Decimal],
    ) -> None:
        self._lines, self.pair, self._charge, self._served = lines, pair, charge, served
        self.balances: defaultdict[str, Decimal] = defaultdict(Decimal, funds)
        self.orders: dict[str, CoinOrder] = {}
        self._waiting: dict[str, CoinOrder] = {}
        self._taken: dict[tuple[str, Side], tuple[int, Decimal]] = {}
        self._fills = 0
        self.share, self.cancel_ms = Decimal(1), 0
        self.reserve = Decimal(1)
        """What a buy blocks for each unit of quote currency: 1 and its fee where the fee is paid on top."""

    # what it has ------------------------------------------------------------------------------------------------

    def locked(self, currency: str) -> Decimal:
        """What orders that wait keep."""
        total = ZERO
        for order in self._waiting.values():
            base, quote = self.pair(order.symbol)
            if order.side is Side.SELL and base == currency:
                total += order.open
            if order.side is Side.BUY and quote == currency:
                total += (order.open * (order.limit or ZERO) + order.unspent) * self.reserve
        return total

    def free(self, currency: str) -> Decimal:
        return self.balances[currency] - self.locked(currency)

    def price(self, symbol: str) -> Decimal:
        """What it was traded at last."""
        return exact(self._lines[symbol].last.price)

    def find(self, client: str) -> CoinOrder | None:
        """The newest order with this client id."""
        return next((order for order in reversed(self.orders.values()) if order.client == client), None)

    def waiting(self, symbol: str = "") -> list[CoinOrder]:
        return [order for order in self._waiting.values() if symbol in ("", order.symbol)]

    # what it is told to do --------------------------------------------------------------------------------------

    def enter(self, order: CoinOrder) -> None:
        """Accept an order; it trades with `match`, so that the answer may tell it as it came."""
        self.orders[order.number] = self._waiting[order.number] = order
        self._served.counted("orders")

    def match(self, order: CoinOrder, at: int) -> None:
        """Trade against the book as it stands; the rest waits, or ends where the order says so."""
        if order.lasting is not Lasting.WHOLE or self.available(order) >= order.open:
            self._cross(order, at)
        if order.working and order.lasting is not Lasting.REST and order.lasting is not Lasting.MAKER:
            self._end(order, at, cancelled=True)

    def cancel(self, order: CoinOrder, at: int) -> None:
        """Take back what is left, now or after the account's own delay."""
        self._served.counted("cancels")
        if self.cancel_ms:
            order.ends_at = at + self.cancel_ms
        else:
            self._end(order, at, cancelled=True)

    def available(self, order: CoinOrder) -> Decimal:
        """Units that the book would give this order now."""
        return sum((size for price, size in self._steps(order) if order.takes(price)), ZERO)

    def crosses(self, order: CoinOrder) -> bool:
        """Whether it would trade at once."""
        return any(order.takes(price) for price, _ in self._steps(order))

    # how it trades ----------------------------------------------------------------------------------------------

    def turned(self, trades: Iterable[Print], at: int) -> None:
        """Let orders that wait trade with what the market traded; end those whose cancel is due."""
        if not self._waiting:
            return
        for told in trades:
            left, price = exact(told.quantity), exact(told.price)
            for order in self.waiting(told.symbol):
                if order.at < told.at and order.limit is not None and order.takes(price) and left:
                    quantity = min(left, order.open)
                    left -= quantity
                    self._fill(order, quantity, order.limit, told.at, maker=True)
        for order in list(self._waiting.values()):
            if order.ends_at and at >= order.ends_at:
                self._end(order, order.ends_at, cancelled=True)

    def _cross(self, order: CoinOrder, at: int) -> None:
        quota = order.quantity * self.share if order.quantity is not None else None
        for price, size in self._steps(order):
            if not order.working or not order.takes(price):
                return
            want = self._wanted(order, price)
            if quota is not None:
                want = min(want, (quota - order.filled).quantize(FINEST, ROUND_DOWN))
            quantity = min(want, size)
            if quantity > 0:
                self._take(order, quantity)
                self._fill(order, quantity, price, at, maker=False)

    def _wanted(self, order: CoinOrder, price: Decimal) -> Decimal:
        if order.quantity is not None:
            return order.open
        return (order.unspent * self.share / price).quantize(FINEST, ROUND_DOWN)

    def _steps(self, order: CoinOrder) -> list[tuple[Decimal, Decimal]]:
        """(price, units) of the other side, best first, without what was taken from this version of the book."""
        line = self._lines[order.symbol]
        buying = order.side is Side.BUY
        units = book(line, 1 if order.best else UNITS)
        steps = [(one.ask, one.ask_size) if buying else (one.bid, one.bid_size) for one in units]
        gone = self._gone(line, order)
        found: list[tuple[Decimal, Decimal]] = []
        for price, size in ((exact(price), exact(size)) for price, size in steps if price):
            used = min(gone, size)
            gone -= used
            if size > used:
                found.append((price, size - used))
        return found

    def _gone(self, line: Line, order: CoinOrder) -> Decimal:
        version, taken = self._taken.get((order.symbol, order.side), (0, ZERO))
        return taken if version == line.version else ZERO

    def _take(self, order: CoinOrder, quantity: Decimal) -> None:
        line = self._lines[order.symbol]
        self._taken[order.symbol, order.side] = (line.version, self._gone(line, order) + quantity)

    def _fill(self, order: CoinOrder, quantity: Decimal, price: Decimal, at: int, *, maker: bool) -> None:
        self._fills += 1
        base, quote = self.pair(order.symbol)
        fee, paid_in = self._charge(order, quantity, quantity * price)
        order.fills.append(
            CoinFill(id=self._fills, price=price, quantity=quantity, fee=fee, paid_in=paid_in, maker=maker, at=at)
        )
        sign = 1 if order.side is Side.BUY else -1
        self.balances[base] += sign * quantity
        self.balances[quote] -= sign * quantity * price
        self.balances[paid_in] -= fee
        self._served.counted("fills")
        if not order.open and order.quantity is not None:
            self._end(order, at, cancelled=False)

    def _end(self, order: CoinOrder, at: int, *, cancelled: bool) -> None:
        order.gone_at, order.cancelled = at, cancelled
        self._waiting.pop(order.number, None)

    def report(self) -> Mapping[str, Any]:
        """Balances and orders as plain values, so that a test can compare them with our own ledger."""
        return {
            "balances": {name: str(amount) for name, amount in self.balances.items() if amount},
            "orders": [_row(order) for order in self.orders.values()],
        }


def _row(order: CoinOrder) -> dict[str, object]:
    names = ("number", "client", "symbol", "kind", "at", "gone_at", "cancelled")
    figures = ("quantity", "budget", "limit", "filled", "value")
    return {
        **{name: getattr(order, name) for name in names},
        **{name: None if (figure := getattr(order, name)) is None else str(figure) for name in figures},
        "side": order.side.value,
        "fills": [{"price": str(one.price), "quantity": str(one.quantity), "fee": str(one.fee), "paid_in": one.paid_in,
                   "at": one.at} for one in order.fills],
    }  # fmt: skip
