"""Orders and the account at Binance spot and its testnet as flows. Source: reference/binance.md 4 and 5.

Binance knows our client order id only among open orders: the same id again after the first one was filled would buy
again. So whether an id may be sent is decided by our own log of what was sent (core/adapters/venue_broker.py), never by
Binance; and a request holds for 5 s only, so what was sent is there soon, or never.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import msgspec

from core.domain.errors import OrderExecutionError
from core.domain.events import OrderNotice
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import Market, Millis, Side
from core.venues.binance.answers import MOST_WEIGHT, WEIGHT
from core.venues.binance.order_answers import NO_SUCH_ORDER, asked, judge, said, taken
from core.venues.binance.order_rows import (
    SIDES,
    AccountRow,
    OrderRow,
    PriceRow,
    TradeRow,
    paid_otherwise,
    traded,
    venue_id,
)
from core.venues.binance.signing import ALGORITHMS, sign
from core.venues.flow import Flow, Request
from core.venues.ordering import Depot, Held, Orders, Receipt, Row, Sought

PLACED = "orders"
"""Orders count apart from weights, and successful ones weigh nothing (since 2026-04-02)."""
EACH_S = {PLACED: 5.0, WEIGHT: MOST_WEIGHT / 60}
"""50 orders in 10 s: what the captures show; more is widely quoted (UNCONFIRMED)."""
LIMITS = dict.fromkeys(Environment, EACH_S)
ORIGINS = {
    Environment.REAL: ("https", "api.binance.com", 443),
    Environment.MOCK: ("https", "testnet.binance.vision", 443),
}
FINEST = Decimal("0.00000001")
SIDE = {Side.BUY: "BUY", Side.SELL: "SELL"}


class Acknowledged(msgspec.Struct):
    symbol: str
    orderId: int


def place(order: Order, depot: Depot, phase: Phase, at: Millis) -> Flow[Receipt]:
    """One order under our id. Raises as `taken`."""
    if order.quantity <= 0:
        raise OrderExecutionError("an order needs a quantity above 0", order=order.id)
    query = {
        "symbol": order.instrument.symbol,
        "side": SIDE[order.side],
        **terms(order),
        "newClientOrderId": order.id,
        "newOrderRespType": "ACK",
    }
    reply = yield Request("POST", "/api/v3/order", tuple(query.items()), group=PLACED)
    receipt = taken(reply, Acknowledged)
    return Receipt(id=venue_id(receipt.symbol, receipt.orderId))


def terms(order: Order) -> dict[str, str]:
    """At a limit now or not at all, else at the market's prices."""
    if order.limit is None:
        return {"type": "MARKET", "quantity": plain(order.quantity)}
    figures = {"quantity": plain(order.quantity), "price": plain(order.limit)}
    return {"type": "LIMIT", "timeInForce": "IOC", **figures}


def plain(figure: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing: too many decimals are refused (-1111).

    >>> plain(Decimal("1.50000000")), plain(Decimal("1E+3"))
    ('1.5', '1000')
    """
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cancel(order: Order, known: str, depot: Depot, at: Millis) -> Flow[Receipt]:
    """Take back all that is left. Raises OrderExecutionError where nothing is left to take back."""
    query = (("symbol", order.instrument.symbol), ("orderId", number(known)))
    reply = yield Request("DELETE", "/api/v3/order", query, group=WEIGHT)
    return Receipt(id=venue_id(order.instrument.symbol, taken(reply, Acknowledged).orderId))


def named(order: Order, known: str, depot: Depot, at: Millis) -> Flow[Row | None]:
    """The order by Binance's number, or by our id where we have none; None where Binance knows no such order."""
    which = ("orderId", number(known)) if known else ("origClientOrderId", order.id)
    symbol = order.instrument.symbol
    reply = yield _get("order", 4, ("symbol", symbol), which)
    if said(reply).code in NO_SUCH_ORDER:
        return None
    found = asked(reply, OrderRow)
    if not found.executedQty:
        return found.row(listed=found.executedQty)
    reply = yield _get("myTrades", 5, ("symbol", symbol), ("orderId", str(found.orderId)))
    trades = asked(reply, list[TradeRow])
    base, worth = symbol.removesuffix(depot.quote), {}
    for asset in paid_otherwise(trades, base, depot.quote):
        worth[asset] = yield from _price(asset + depot.quote)
    parts = traded(trades, order.side, symbol, base, depot.quote, worth)
    return found.row(parts, sum((row.qty for row in trades), Decimal(0)))


def standing(sought: Sought, depot: Depot, at: Millis) -> Flow[tuple[Row, ...] | None]:
    """Orders of one symbol and side that still wait."""
    reply = yield _get("openOrders", 6, ("symbol", sought.instrument.symbol))
    rows = asked(reply, list[OrderRow])
    return tuple(row.row(listed=row.executedQty) for row in rows if SIDES[row.side] is sought.side)


def holdings(depot: Depot, at: Millis) -> Flow[list[Held]]:
    """Every asset with units, as the symbol that it has in the account's market; the quote currency is no holding."""
    account = yield from _account()
    rows = [row.held(depot.quote) for row in account.balances if row.asset != depot.quote]
    return [held for held in rows if held.units]


def affordable(symbol: str, price: Decimal | None, depot: Depot, at: Millis) -> Flow[Decimal]:
    """Units that the free quote currency buys, its commission among them; without a price at the last one traded."""
    unit = (yield from _price(symbol)) if price is None else price
    account = yield from _account()
    return (account.free(depot.quote) / unit).quantize(FINEST, ROUND_FLOOR)


def _account() -> Flow[AccountRow]:
    reply = yield _get("account", 20, ("omitZeroBalances", "true"))
    return asked(reply, AccountRow)


def _price(symbol: str) -> Flow[Decimal]:
    """The last price traded."""
    reply = yield _get("ticker/price", 2, ("symbol", symbol))
    return asked(reply, PriceRow).price


def _get(call: str, weight: int, *query: tuple[str, str]) -> Request:
    return Request("GET", f"/api/v3/{call}", query, group=WEIGHT, weight=weight)


def noticed(notice: OrderNotice) -> str:
    return venue_id(notice.instrument.symbol, int(notice.order))


def number(known: str) -> str:
    """Binance's own number of an order, unique within its symbol."""
    return known.rpartition("-")[2]


def identity(known: str) -> str:
    """Symbol and number: no two orders share both."""
    return known


ORDERS = Orders(
    market=Market.BINANCE,
    place=place,
    cancel=cancel,
    standing=standing,
    holdings=holdings,
    affordable=affordable,
    judge=judge,
    noticed=noticed,
    number=number,
    identity=identity,
    origins=ORIGINS,
    limits=LIMITS,
    named=named,
    sign=sign,
    algorithms=ALGORITHMS,
)
