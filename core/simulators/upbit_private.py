"""Upbit's private REST side: keys, limits by account, orders and what the account holds. No sockets here.

Source: reference/upbit.md 2 and 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from core.domain.values import ZERO, Market, Side
from core.simulators.coin_account import CoinAccount
from core.simulators.coin_order import CoinOrder
from core.simulators.limits import Window
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
from core.simulators.upbit_keys import AccessKey, Doorkeeper, Named
from core.simulators.upbit_orders import LONGEST, Row, checked, row
from core.simulators.upbit_rest import Reply, complaint
from core.venues.spec import venue

FUNDS = {"KRW": Decimal(10_000_000)}
RATE = Decimal("0.0005")
PER_S = {"order": (8, 1000), "order-test": (8, 1000), "default": (30, 1000), "order-cancel-all": (1, 2000)}
"""(calls, ms) by group and account. Upbit allows 12 orders a second since 2026-08-21; clients should get by with 8."""

MOST_OPEN = 100


class Call(NamedTuple):
    """One HTTP request; header names are lower-case, `pairs` the decoded query in the order sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    pairs: list[tuple[str, str]]
    body: bytes
    address: str


class Route(NamedTuple):
    group: str
    scope: str
    answer: Callable[[Private, Mapping[str, str], int], tuple[int, object]]


class Private:
    """One account of the simulated Upbit. `account.share` and `account.cancel_ms` make it fill slowly."""

    def __init__(
        self,
        market: SimulatedMarket,
        served: Served,
        *,
        keys: tuple[AccessKey, ...] = (AccessKey(),),
        funds: Mapping[str, Decimal] = FUNDS,
        per_s: Mapping[str, tuple[int, int]] = PER_S,
    ) -> None:
        self.keys, self.rules, self.served = keys, venue(Market.UPBIT).rules, served
        self.account = CoinAccount(market.lines, self._pair, _charge, served, funds)
        self.account.reserve = 1 + RATE
        self.used: set[str] = set()
        self.market = market
        self._door = Doorkeeper(keys)
        self._windows = {group: Window(*limit) for group, limit in per_s.items()}

    def owns(self, method: str, path: str) -> bool:
        """Whether this call is about an account."""
        return (method, path) in ROUTES

    def answer(self, call: Call, at: int) -> tuple[Reply, dict[str, str]]:
        """Carry one call out; raises nothing."""
        route = ROUTES[call.method, call.path]
        self.served.called(call.path, route.group, at)
        left = self._windows[route.group].take(at)
        headers = {"Remaining-Req": f"group={route.group}; min=1800; sec={max(left, 0)}"}
        try:
            if left < 0:
                raise Named(429, "too_many_requests")
            parameters = self._parameters(call)
            self._door.admit(call.headers, list(parameters.items()), route.scope, call.address)
            status, said = route.answer(self, parameters, at)
        except Named as named:
            self.served.refused(named.name, at, call.path)
            return Reply(named.status, complaint(named.name, str(named)), route.group), headers
        return Reply(status, msgspec.json.encode(said), route.group), headers

    def _parameters(self, call: Call) -> dict[str, str]:
        """Query, or a JSON body of texts. Raises Named."""
        if call.method != "POST":
            return dict(call.pairs)
        if not call.headers.get("content-type", "").startswith("application/json"):
            raise Named(400, "validation_error")
        try:
            return msgspec.json.decode(call.body, type=dict[str, str])
        except msgspec.MsgspecError:
            raise Named(400, "validation_error") from None

    def _pair(self, symbol: str) -> tuple[str, str]:
        quote, _, base = symbol.partition("-")
        return (base, quote) if symbol in self.market.lines else ("", "")

    # orders -----------------------------------------------------------------------------------------------------

    def place(self, body: Mapping[str, str], at: int) -> tuple[int, object]:
        """The identifier is used up from here on, whatever becomes of the order. The answer comes before any trade."""
        identifier = body.get("identifier", "")
        if len(identifier) > LONGEST:
            raise Named(400, "validation_error")
        if identifier and identifier in self.used:
            raise Named(400, "duplicated_identifier")
        self.used.add(identifier)
        order = checked(body, self.account, self.rules, len(self.account.orders) + 1, at)
        self.account.enter(order)
        said = row(order, RATE)
        self.account.match(order, at)
        return 201, said

    def test(self, body: Mapping[str, str], at: int) -> tuple[int, object]:
        return 201, row(checked(body, self.account, self.rules, 0, at), RATE)

    def cancel(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        order = self._one(query)
        if not order.working:
            raise Named(404, "order_not_found")
        said = row(order, RATE)
        self.account.cancel(order, at)
        return 200, said

    def cancel_all(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        gone = self.account.waiting(query.get("pairs", ""))[:300]
        for order in gone:
            self.account.cancel(order, at)
        told = [{"uuid": order.number, "market": order.symbol} for order in gone]
        return 200, {"success": {"count": len(told), "orders": told}, "failed": {"count": 0, "orders": []}}

    def one(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        return 200, row(self._one(query), RATE, trades=True)

    def open(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        found = self.account.waiting(query.get("market", ""))
        size, page = min(int(query.get("limit", MOST_OPEN)), MOST_OPEN), int(query.get("page", 1))
        return 200, [row(order, RATE) for order in found[::-1][(page - 1) * size : page * size]]

    def closed(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        found = [
            one for one in self.account.orders.values() if one.gone_at and query.get("market", one.symbol) == one.symbol
        ]
        return 200, [row(order, RATE) for order in found[::-1][:1000]]

    def _one(self, query: Mapping[str, str]) -> CoinOrder:
        """By uuid, which wins, or by identifier. Raises Named."""
        found = self.account.orders.get(query["uuid"]) if "uuid" in query else None
        if "uuid" not in query:
            found = self.account.find(query["identifier"]) if query.get("identifier") else None
        if found is None:
            raise Named(404, "order_not_found")
        return found

    # the account ------------------------------------------------------------------------------------------------

    def accounts(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        return 200, [self._asset(name) for name, amount in self.account.balances.items() if amount]

    def _asset(self, currency: str) -> Row:
        locked = self.account.locked(currency)
        return {
            "currency": currency,
            "balance": f"{self.account.balances[currency] - locked:f}",
            "locked": f"{locked:f}",
            "avg_buy_price": f"{self._average(currency):f}",
            "avg_buy_price_modified": False,
            "unit_currency": "KRW",
        }

    def _average(self, currency: str) -> Decimal:
        """Mean price of everything that was bought of it, to 8 decimals."""
        bought = [
            fill for order in self.account.orders.values() for fill in order.fills
            if order.side is Side.BUY and self._pair(order.symbol)[0] == currency
        ]  # fmt: skip
        units = sum((fill.quantity for fill in bought), ZERO)
        return round(sum((fill.value for fill in bought), ZERO) / units, 8) if units else ZERO

    def chance(self, query: Mapping[str, str], at: int) -> tuple[int, object]:
        symbol = query.get("market", "")
        base, quote = self._pair(symbol)
        if not base:
            raise Named(400, "validation_error")
        fee, least = f"{RATE:f}", {"min_total": f"{self.rules.minimum(symbol):f}"}
        market = {
            "id": symbol, "state": "active", "max_total": f"{self.rules.maximum(symbol):f}",
            "bid": {"currency": quote, **least}, "ask": {"currency": base, **least},
        }  # fmt: skip
        fees = {"bid_fee": fee, "ask_fee": fee, "maker_bid_fee": fee, "maker_ask_fee": fee}
        return 200, {**fees, "market": market, "bid_account": self._asset(quote), "ask_account": self._asset(base)}


def _charge(order: CoinOrder, quantity: Decimal, value: Decimal) -> tuple[Decimal, str]:
    """On top of a buy, out of a sale's proceeds: in the quote currency both times."""
    return value * RATE, order.symbol.partition("-")[0]


ROUTES = {
    ("POST", "/v1/orders"): Route("order", "order", Private.place),
    ("POST", "/v1/orders/test"): Route("order-test", "order", Private.test),
    ("DELETE", "/v1/order"): Route("order", "order", Private.cancel),
    ("DELETE", "/v1/orders/open"): Route("order-cancel-all", "order", Private.cancel_all),
    ("GET", "/v1/order"): Route("default", "orders", Private.one),
    ("GET", "/v1/orders/open"): Route("default", "orders", Private.open),
    ("GET", "/v1/orders/closed"): Route("default", "orders", Private.closed),
    ("GET", "/v1/orders/chance"): Route("default", "orders", Private.chance),
    ("GET", "/v1/accounts"): Route("default", "accounts", Private.accounts),
}
