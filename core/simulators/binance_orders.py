"""What an order must be for simulated Binance to accept it, and how it is told. Source: reference/binance.md 2.3, 5."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from core.domain.values import ZERO, Side
from core.simulators.binance_pairs import Pair
from core.simulators.binance_query import Declined
from core.simulators.coin_account import CoinAccount
from core.simulators.coin_order import CoinOrder, Lasting

Query = Mapping[str, str]
Row = dict[str, object]

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LASTING = {"GTC": Lasting.REST, "IOC": Lasting.NOW, "FOK": Lasting.WHOLE}
WANTS = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
}
NAMES = frozenset(
    (
        *("symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price"),
        *("newClientOrderId", "newOrderRespType", "selfTradePreventionMode"),
    )
)
CLIENT_ID = re.compile(r"[\w.:/-]{1,36}", re.ASCII)
PLACES = 8


def checked(query: Query, pairs: Mapping[str, Pair], account: CoinAccount, number: int, at: int) -> CoinOrder:
    """The order that a request asks for. Raises Declined for what Binance would refuse."""
    if surplus := query.keys() - NAMES:
        raise Declined(-1104, f"Not all sent parameters were read; {sorted(surplus)[0]} was not.")
    pair = pairs.get(need(query, "symbol"))
    if pair is None:
        raise Declined(-1121, "Invalid symbol.")
    order = _read(query, pair, number, at)
    if pair.status != "TRADING":
        raise Declined(-2010, "Market is closed.")
    _fits(order, pair, account)
    if any(one.client == order.client for one in account.waiting(order.symbol)):
        raise Declined(-2010, "Duplicate order sent.")
    _paid(order, account)
    if order.lasting is Lasting.MAKER and account.crosses(order):
        raise Declined(-2010, "Order would immediately match and take.")
    return order


def _read(query: Query, pair: Pair, number: int, at: int) -> CoinOrder:
    side, kind = SIDES.get(need(query, "side")), need(query, "type")
    if side is None:
        raise Declined(-1117, "Invalid side.")
    if kind not in WANTS:
        raise Declined(-1116, "Invalid orderType.")
    for name in WANTS[kind]:
        need(query, name)
    lasting = Lasting.NOW if kind == "MARKET" else LASTING.get(query.get("timeInForce", "GTC"))
    if lasting is None:
        raise Declined(-1115, "Invalid timeInForce.")
    client = query.get("newClientOrderId") or f"sim{number:022d}"
    if not CLIENT_ID.fullmatch(client):
        raise Declined(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    quantity, budget, limit = (_figure(query, name) for name in ("quantity", "quoteOrderQty", "price"))
    if kind == "MARKET" and ((quantity is None) == (budget is None) or limit is not None):
        raise Declined(-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")
    return CoinOrder(
        number=f"{pair.coin.symbol}-{number}",
        client=client,
        symbol=pair.coin.symbol,
        side=side,
        kind=kind,
        lasting=Lasting.MAKER if kind == "LIMIT_MAKER" else lasting,
        at=at,
        quantity=quantity,
        limit=limit,
        budget=budget,
    )


def need(query: Query, name: str) -> str:
    """A parameter that must be there. Raises Declined."""
    if not query.get(name):
        raise Declined(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return query[name]


def _figure(query: Query, name: str) -> Decimal | None:
    if name not in query:
        return None
    try:
        figure = Decimal(query[name])
    except InvalidOperation:
        raise Declined(-1100, f"Illegal characters found in parameter '{name}'.") from None
    if not figure.is_finite() or "E" in query[name].upper():
        raise Declined(-1100, f"Illegal characters found in parameter '{name}'.")
    if len(query[name].partition(".")[2]) > PLACES:
        raise Declined(-1111, f"Parameter '{name}' has too much precision.")
    if figure <= 0:
        raise Declined(-1013, f"Invalid {name}.")
    return figure


def _fits(order: CoinOrder, pair: Pair, account: CoinAccount) -> None:
    """The symbol's filters, in the order in which Binance names them."""
    if order.limit is not None and order.limit % pair.tick:
        raise Declined(-1013, "Filter failure: PRICE_FILTER")
    if order.quantity is not None and (order.quantity % pair.step or order.quantity < pair.step):
        raise Declined(-1013, "Filter failure: LOT_SIZE")
    price = order.limit if order.limit is not None else account.price(order.symbol)
    value = order.budget if order.budget is not None else (order.quantity or ZERO) * price
    if value < pair.minimum:
        raise Declined(-1013, "Filter failure: NOTIONAL")


def _paid(order: CoinOrder, account: CoinAccount) -> None:
    base, quote = account.pair(order.symbol)
    price = order.limit if order.limit is not None else account.price(order.symbol)
    needed = order.budget if order.budget is not None else (order.quantity or ZERO) * price
    if order.side is Side.SELL:
        needed = order.quantity if order.quantity is not None else needed / price
    if needed > account.free(base if order.side is Side.SELL else quote):
        raise Declined(-2010, "Account has insufficient balance for requested action.")


def row(order: CoinOrder) -> Row:
    """An order as GET /order tells it."""
    return {
        "symbol": order.symbol,
        "orderId": number_of(order),
        "orderListId": -1,
        "clientOrderId": order.client,
        "price": text(order.limit or ZERO),
        "origQty": text(order.quantity if order.quantity is not None else order.filled),
        "executedQty": text(order.filled),
        "origQuoteOrderQty": text(order.budget or ZERO),
        "cummulativeQuoteQty": text(order.value),
        "status": status(order),
        "timeInForce": next((word for word, how in LASTING.items() if how is order.lasting), "GTC"),
        "type": order.kind,
        "side": "BUY" if order.side is Side.BUY else "SELL",
        "stopPrice": text(ZERO),
        "icebergQty": text(ZERO),
        "time": order.at,
        "updateTime": order.fills[-1].at if order.fills else order.at,
        "isWorking": True,
        "workingTime": order.at,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def acknowledged(order: CoinOrder) -> Row:
    ids = {"symbol": order.symbol, "orderId": number_of(order), "orderListId": -1, "clientOrderId": order.client}
    return {**ids, "transactTime": order.at}


def told(order: CoinOrder, how: str) -> Row:
    """The answer to a new order: ACK, RESULT or FULL."""
    if how == "ACK":
        return acknowledged(order)
    names = ("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce",
             "type", "side", "workingTime", "selfTradePreventionMode")  # fmt: skip
    whole = row(order)
    result = {**acknowledged(order), **{name: whole[name] for name in names}}
    if how == "RESULT":
        return result
    fills = [{"price": text(one.price), "qty": text(one.quantity), "commission": text(one.fee),
              "commissionAsset": one.paid_in, "tradeId": one.id} for one in order.fills]  # fmt: skip
    return {**result, "fills": fills}


def trades(order: CoinOrder) -> list[Row]:
    """As GET /myTrades tells them."""
    buying = order.side is Side.BUY
    return [
        {
            "symbol": order.symbol,
            "id": fill.id,
            "orderId": number_of(order),
            "orderListId": -1,
            "price": text(fill.price),
            "qty": text(fill.quantity),
            "quoteQty": text(fill.value),
            "commission": text(fill.fee),
            "commissionAsset": fill.paid_in,
            "time": fill.at,
            "isBuyer": buying,
            "isMaker": fill.maker,
            "isBestMatch": True,
        }
        for fill in order.fills
    ]


def number_of(order: CoinOrder) -> int:
    return int(order.number.rpartition("-")[2])


def status(order: CoinOrder) -> str:
    """An order that was taken back at once ran out of book: EXPIRED; one that its owner took back is CANCELED."""
    whole = order.quantity is not None and order.filled >= order.quantity
    if whole or (order.budget is not None and order.gone_at and order.filled):
        return "FILLED"
    if order.working:
        return "PARTIALLY_FILLED" if order.fills else "NEW"
    return "EXPIRED" if order.lasting in (Lasting.NOW, Lasting.WHOLE) else "CANCELED"


def text(figure: Decimal) -> str:
    """Eight decimals, as every figure of Binance's."""
    return f"{figure:.{PLACES}f}"
