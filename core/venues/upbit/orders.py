"""Orders and the account at Upbit as flows. Source: reference/upbit.md 5.

Upbit knows our client order id as `identifier`: unique for ever, and used up even by an order that fails. So an id is
sent once, and asked for whenever nobody knows what became of it.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, localcontext

import msgspec

from core.domain.errors import OrderExecutionError
from core.domain.events import OrderNotice
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.results import EXACT
from core.domain.values import Market, Millis, Side
from core.venues.flow import Flow, Request
from core.venues.ordering import Depot, Held, Orders, Receipt, Row, Sought
from core.venues.upbit.order_answers import NO_SUCH_ORDER, asked, judge, said, taken
from core.venues.upbit.order_rows import SIDES, AssetRow, ChanceRow, OrderRow, PriceRow
from core.venues.upbit.rules import LOT
from core.venues.upbit.signing import ALGORITHMS, sign

ORDER, DEFAULT, TICKER = "order", "default", "ticker"
LIMITS = {Environment.REAL: {ORDER: 8.0, DEFAULT: 30.0, TICKER: 10.0}}
"""Upbit allows 12 orders a second since 2026-08-21; the 8 of before leave room for a second that differs from ours."""
ORIGINS = {Environment.REAL: ("https", "api.upbit.com", 443)}
"""Upbit has no test environment: orders go to the real one, or to paper."""

JSON = (("content-type", "application/json; charset=utf-8"),)
PAGE = 100
PAGES = 50

SIDE = {Side.BUY: "bid", Side.SELL: "ask"}
TOTAL = {"KRW": Decimal(1)}
"""Step of the total that a market buy spends; 8 decimals in other currencies."""


class Placed(msgspec.Struct):
    uuid: str


def place(order: Order, depot: Depot, phase: Phase, at: Millis) -> Flow[Receipt]:
    """One order under our id. Raises as `taken`."""
    body = {"market": order.instrument.symbol, "side": SIDE[order.side], **terms(order), "identifier": order.id}
    reply = yield Request("POST", "/v1/orders", group=ORDER, body=msgspec.json.encode(body), headers=JSON)
    return Receipt(id=taken(reply, Placed).uuid)


def terms(order: Order) -> dict[str, str]:
    """What of it to trade and how: at a limit now or not at all, else a sale by units and a buy by what may be spent.

    Raises:
        OrderExecutionError: a quantity that Upbit cannot write.
    """
    if order.quantity <= 0 or order.quantity % LOT:
        raise OrderExecutionError(f"Upbit takes whole steps of {LOT:f} above 0 only", quantity=f"{order.quantity:f}")
    if order.limit is not None:
        both = {"volume": plain(order.quantity), "price": plain(order.limit)}
        return {**both, "ord_type": "limit", "time_in_force": "ioc"}
    if order.side is Side.SELL:
        return {"volume": plain(order.quantity), "ord_type": "market"}
    return {"price": plain(total(order)), "ord_type": "price"}


def total(order: Order) -> Decimal:
    """What a buy without a limit may spend: its quantity at the price that it was decided at, rounded down."""
    step = TOTAL.get(order.instrument.symbol.partition("-")[0], LOT)
    with localcontext(EXACT):
        return (order.quantity * order.reference / step).to_integral_value(ROUND_FLOOR) * step


def plain(figure: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing.

    >>> plain(Decimal("1.50000000")), plain(Decimal("1E+3"))
    ('1.5', '1000')
    """
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cancel(order: Order, known: str, depot: Depot, at: Millis) -> Flow[Receipt]:
    """Ask for all that is left to be taken back: the answer says that Upbit will, not that it has."""
    reply = yield Request("DELETE", "/v1/order", (("uuid", known),), group=ORDER)
    return Receipt(id=taken(reply, Placed).uuid)


def named(order: Order, known: str, depot: Depot, at: Millis) -> Flow[Row | None]:
    """The order by Upbit's number, or by our id where we have none; None where Upbit knows no such order."""
    query = ("uuid", known) if known else ("identifier", order.id)
    reply = yield Request("GET", "/v1/order", (query,), group=DEFAULT)
    if said(reply)[0] == NO_SUCH_ORDER:
        return None
    return asked(reply, OrderRow).row(order)


def standing(sought: Sought, depot: Depot, at: Millis) -> Flow[tuple[Row, ...] | None]:
    """Orders of one market and side that still wait."""
    found: list[OrderRow] = []
    for page in range(1, PAGES + 1):
        query = (("market", sought.instrument.symbol), ("page", str(page)), ("limit", str(PAGE)))
        reply = yield Request("GET", "/v1/orders/open", query, group=DEFAULT)
        rows = asked(reply, list[OrderRow])
        found += rows
        if len(rows) < PAGE:
            break
    return tuple(row.row() for row in found if SIDES[row.side] is sought.side)


def holdings(depot: Depot, at: Millis) -> Flow[list[Held]]:
    """Every coin with units, as the symbol that it has in the account's market; the quote currency is no holding."""
    reply = yield Request("GET", "/v1/accounts", group=DEFAULT)
    rows = [row for row in asked(reply, list[AssetRow]) if row.currency != depot.quote]
    return [held for held in (row.held(depot.quote) for row in rows) if held.units]


def affordable(symbol: str, price: Decimal | None, depot: Depot, at: Millis) -> Flow[Decimal]:
    """Units that the account's money buys with the fee; without a price at the last one that was traded."""
    if price is None:
        reply = yield Request("GET", "/v1/ticker", (("markets", symbol),), group=TICKER)
        price = asked(reply, list[PriceRow])[0].trade_price
    reply = yield Request("GET", "/v1/orders/chance", (("market", symbol),), group=DEFAULT)
    chance = asked(reply, ChanceRow)
    units = chance.bid_account.balance / (1 + chance.bid_fee) / price
    return units.quantize(LOT, ROUND_FLOOR)


def noticed(notice: OrderNotice) -> str:
    return notice.order


def same(known: str) -> str:
    """Upbit's number of an order is its only one, and no two orders share it."""
    return known


ORDERS = Orders(
    market=Market.UPBIT,
    place=place,
    cancel=cancel,
    standing=standing,
    holdings=holdings,
    affordable=affordable,
    judge=judge,
    noticed=noticed,
    number=same,
    identity=same,
    origins=ORIGINS,
    limits=LIMITS,
    named=named,
    sign=sign,
    algorithms=tuple(ALGORITHMS),
)
