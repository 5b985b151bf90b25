"""Binance's private REST side: keys, the order count, orders, balances and trades of one account. No sockets here.

Source: reference/binance.md 4 and 5. What was wrong with a call and its weights: `answer`, `weight_of`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

import msgspec

from core.domain.values import ZERO, Side
from core.simulators.binance_keys import ApiKey, Doorkeeper
from core.simulators.binance_orders import acknowledged, checked, need, row, text, told, trades
from core.simulators.binance_query import Declined, Exchange, Reply, complaint
from core.simulators.binance_rest import API
from core.simulators.coin_account import FINEST, CoinAccount
from core.simulators.coin_order import CoinOrder
from core.simulators.limits import Window
from core.simulators.served import Served

FUNDS = {"USDT": Decimal(10_000)}
RATE = Decimal("0.001")
"""The usual base rate (UNCONFIRMED)."""
DISCOUNT = Decimal("0.75")
"""What a commission in BNB costs of the usual one."""
PER_10_S, PER_DAY = 50, 160_000
"""Unfilled orders of an account, as the captures show them."""


class Call(NamedTuple):
    """One HTTP request; header names are lower-case, `raw` is query string and body as they came."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: str
    address: str


class Route(NamedTuple):
    """`weight` is what a call counts: one that places or cancels weighs nothing where it is carried out."""

    weight: int
    names: frozenset[str] | None
    answer: Callable[[Account, Mapping[str, str], int], object]


class Account:
    """One account of simulated Binance.

    bnb      commissions are paid in BNB as long as there is any
    lag_ms   how long GET /order does not know an order yet
    books    its balances and orders, with `share` and `cancel_ms` to make it fill slowly
    """

    def __init__(
        self,
        exchange: Exchange,
        served: Served,
        *,
        keys: tuple[ApiKey, ...] = (ApiKey(),),
        funds: Mapping[str, Decimal] = FUNDS,
        per_10_s: int = PER_10_S,
    ) -> None:
        self.exchange, self.served, self.keys = exchange, served, keys
        self.books = CoinAccount(exchange.market.lines, self._pair, self._charge, served, funds)
        self.bnb, self.lag_ms = False, 0
        self._door = Doorkeeper(keys)
        self._numbers: Counter[str] = Counter()
        self._seconds, self._day = Window(per_10_s, 10_000), Window(PER_DAY, 86_400_000)

    def owns(self, method: str, path: str) -> bool:
        """Whether this call is about an account."""
        return (method, path.removeprefix(API)) in ROUTES and path.startswith(API)

    def weight_of(self, method: str, path: str) -> int:
        return ROUTES[method, path.removeprefix(API)].weight

    def answer(self, call: Call, at: int) -> tuple[Reply, dict[str, str]]:
        """Carry one call out; raises nothing."""
        route = ROUTES[call.method, call.path.removeprefix(API)]
        try:
            query = self._door.admit(call.headers, call.raw, call.address, at)
            if route.names is not None and (surplus := sorted(query.keys() - route.names)):
                raise Declined(-1104, f"Not all sent parameters were read; {surplus[0]} was not.")
            headers = self._counted(at) if route is ROUTES["POST", "order"] else {}
            return Reply(200, msgspec.json.encode(route.answer(self, query, at))), headers
        except Declined as declined:
            self.served.refused(str(declined.code), at, call.path)
            return complaint(declined.code, declined.message, declined.status), {}

    def _counted(self, at: int) -> dict[str, str]:
        """Count one new order. Raises Declined over the limit."""
        left, today = self._seconds.take(at), self._day.take(at)
        if left < 0 or today < 0:
            raise Declined(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429)
        return {"X-MBX-ORDER-COUNT-10S": str(PER_10_S - left), "X-MBX-ORDER-COUNT-1D": str(PER_DAY - today)}

    def _pair(self, symbol: str) -> tuple[str, str]:
        pair = self.exchange.pairs.get(symbol)
        return (pair.base, pair.quote) if pair else ("", "")

    def _charge(self, order: CoinOrder, quantity: Decimal, value: Decimal) -> tuple[Decimal, str]:
        """Out of what is got: the bought asset of a buy, the quote currency of a sale; or BNB."""
        base, quote = self._pair(order.symbol)
        coin = self.exchange.market.lines.get(f"BNB{quote}")
        if self.bnb and coin is not None:
            worth = value * RATE * DISCOUNT / Decimal(repr(coin.last.price))
            fee = worth.quantize(FINEST, ROUND_DOWN)
            if self.books.free("BNB") >= fee:
                return fee, "BNB"
        if order.side is Side.BUY:
            return (quantity * RATE).quantize(FINEST, ROUND_DOWN), base
        return (value * RATE).quantize(FINEST, ROUND_DOWN), quote

    # orders -----------------------------------------------------------------------------------------------------

    def place(self, query: Mapping[str, str], at: int) -> object:
        symbol = query.get("symbol", "")
        order = checked(query, self.exchange.pairs, self.books, self._numbers[symbol] + 1, at)
        self._numbers[symbol] += 1
        self.books.enter(order)
        how = query.get("newOrderRespType", "FULL")
        said = acknowledged(order)
        self.books.match(order, at)
        return said if how == "ACK" else told(order, how)

    def test(self, query: Mapping[str, str], at: int) -> object:
        checked(query, self.exchange.pairs, self.books, 0, at)
        return {}

    def one(self, query: Mapping[str, str], at: int) -> object:
        order = self._named(query)
        if order is None or at - order.at < self.lag_ms:
            raise Declined(-2013, "Order does not exist.")
        return row(order)

    def cancel(self, query: Mapping[str, str], at: int) -> object:
        order = self._named(query)
        if order is None or not order.working:
            raise Declined(-2011, "Unknown order sent.")
        self.books.cancel(order, at)
        return {**row(order), "origClientOrderId": order.client, "clientOrderId": f"cancel{order.number}"}

    def cancel_all(self, query: Mapping[str, str], at: int) -> object:
        gone = self.books.waiting(need(query, "symbol"))
        if not gone:
            raise Declined(-2011, "Unknown order sent.")
        return [self.cancel({"symbol": one.symbol, "orderId": one.number.rpartition("-")[2]}, at) for one in gone]

    def open(self, query: Mapping[str, str], at: int) -> object:
        return [row(order) for order in self.books.waiting(query.get("symbol", ""))]

    def _named(self, query: Mapping[str, str]) -> CoinOrder | None:
        """By number, or the newest of a client id. Raises Declined."""
        symbol = need(query, "symbol")
        if "orderId" in query:
            return self.books.orders.get(f"{symbol}-{query['orderId']}")
        found = self.books.find(need(query, "origClientOrderId"))
        return found if found and found.symbol == symbol else None

    def trades(self, query: Mapping[str, str], at: int) -> object:
        symbol, number = need(query, "symbol"), query.get("orderId", "")
        orders = [one for one in self.books.orders.values() if one.symbol == symbol]
        return [told for one in orders if number in ("", one.number.rpartition("-")[2]) for told in trades(one)][-500:]

    # the account ------------------------------------------------------------------------------------------------

    def account(self, query: Mapping[str, str], at: int) -> object:
        kept = {
            name: amount for name, amount in self.books.balances.items() if amount or "omitZeroBalances" not in query
        }
        rate, none = text(RATE), text(ZERO)
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": rate, "taker": rate, "buyer": none, "seller": none},
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "updateTime": at,
            "accountType": "SPOT",
            "balances": [
                {"asset": name, "free": text(self.books.free(name)), "locked": text(self.books.locked(name))}
                for name in kept
            ],
            "permissions": ["SPOT"],
            "uid": 354937868,
        }

    def count(self, query: Mapping[str, str], at: int) -> object:
        window = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": PER_10_S}
        return [{**window, "count": len(self.books.waiting())}]


def _names(text_: str) -> frozenset[str]:
    return frozenset(text_.split())


ROUTES = {
    ("POST", "order"): Route(1, None, Account.place),
    ("POST", "order/test"): Route(1, None, Account.test),
    ("GET", "order"): Route(4, _names("symbol orderId origClientOrderId"), Account.one),
    ("DELETE", "order"): Route(1, _names("symbol orderId origClientOrderId newClientOrderId"), Account.cancel),
    ("GET", "openOrders"): Route(6, _names("symbol"), Account.open),
    ("DELETE", "openOrders"): Route(1, _names("symbol"), Account.cancel_all),
    ("GET", "account"): Route(20, _names("omitZeroBalances"), Account.account),
    ("GET", "myTrades"): Route(20, _names("symbol orderId startTime endTime fromId limit"), Account.trades),
    ("GET", "rateLimit/order"): Route(40, _names(""), Account.count),
}
