"""Binance's public REST side over a simulated market: path and query in, status and body out. No sockets here.

Source: reference/binance.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from core.simulators.binance_query import (
    MOST_DEPTH,
    MOST_ROWS,
    Declined,
    Exchange,
    Query,
    Reply,
    complaint,
    limit_of,
    mandatory,
    named,
    symbol_list,
    symbol_of,
    whole,
)
from core.simulators.binance_rows import (
    aggregate_rest,
    best_rest,
    candles,
    depth,
    kline,
    symbol_row,
    text,
    ticker,
    trade_rest,
)
from core.simulators.line import Line
from core.venues.binance.fields import INTERVALS

API = "/api/v3/"
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (MOST_DEPTH, 250))


def weight_of(path: str, query: Query) -> int:
    """What a call weighs; 1 for one that there is not, and for one that does not read."""
    route = ROUTES.get(path.removeprefix(API))
    try:
        return route.weight(query) if route and path.startswith(API) else 1
    except Declined:
        return 1


def answer(path: str, query: Query, exchange: Exchange, at: int) -> Reply:
    """Answer one GET as Binance would at `at` (epoch ms)."""
    route = ROUTES.get(path.removeprefix(API))
    if route is None or not path.startswith(API):
        return Reply(404, b"<html>\r\n<head><title>404 Not Found</title></head></html>")
    try:
        if surplus := sorted(query.keys() - route.names):
            read = len(query) - len(surplus)
            raise Declined(
                -1101, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(query)}'."
            )
        return Reply(200, msgspec.json.encode(route.answer(query, exchange, at)))
    except Declined as declined:
        return complaint(declined.code, declined.message, declined.status)


# what is asked for -------------------------------------------------------------------------------------------------


def _info(query: Query, exchange: Exchange, at: int) -> Any:
    pairs = [exchange.pairs[symbol] for symbol in named(query, exchange) or exchange.pairs]
    if "symbolStatus" in query:
        pairs = [pair for pair in pairs if pair.status == query["symbolStatus"]]
    sets = query.get("showPermissionSets", "true").lower() != "false"
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
    ]
    rows = [symbol_row(pair, sets=sets) for pair in pairs]
    return {"timezone": "UTC", "serverTime": at, "rateLimits": limits, "exchangeFilters": [], "symbols": rows}


def _depth(query: Query, exchange: Exchange, at: int) -> Any:
    return depth(exchange.line(symbol_of(query, exchange)), limit_of(query, 100, MOST_DEPTH))


def _trades(query: Query, exchange: Exchange, at: int) -> Any:
    prints = list(exchange.line(symbol_of(query, exchange)).prints)
    return [trade_rest(trade) for trade in prints[-limit_of(query, 500, MOST_ROWS) :]]


def _aggregates(query: Query, exchange: Exchange, at: int) -> Any:
    prints, limit = list(exchange.line(symbol_of(query, exchange)).prints), limit_of(query, 500, MOST_ROWS)
    if "fromId" in query:
        kept = [trade for trade in prints if trade.sequence >= whole(query, "fromId", 0)][:limit]
    else:
        first, last = whole(query, "startTime", 0), whole(query, "endTime", at)
        kept = [trade for trade in prints if first <= trade.at <= last]
        kept = kept[:limit] if "startTime" in query else kept[-limit:]
    return [aggregate_rest(trade) for trade in kept]


def _klines(query: Query, exchange: Exchange, at: int) -> Any:
    """With a start the oldest from there, else the latest; both ends are inclusive, by opening time."""
    line, limit = exchange.line(symbol_of(query, exchange)), limit_of(query, 500, MOST_ROWS)
    if query.get("interval") not in INTERVALS:
        raise mandatory("interval") if "interval" not in query else Declined(-1120, "Invalid interval.")
    span = INTERVALS[query["interval"]]
    end = min(whole(query, "endTime", at), at) + 1
    if "startTime" in query:
        first = -(-whole(query, "startTime", 0) // span) * span
        end = min(end, first + (limit - 1) * span + 1)
        limit = min(limit, max((end - 1 - first) // span + 1, 0))
    return [kline(candle, span) for candle in candles(line, span, limit, end)] if limit else []


def _average(query: Query, exchange: Exchange, at: int) -> Any:
    line = exchange.line(symbol_of(query, exchange))
    return {"mins": 5, "price": text(line.last.price), "closeTime": line.last.at}


def _days(query: Query, exchange: Exchange, at: int) -> Any:
    mini = {"FULL": False, "MINI": True}.get(query.get("type", "FULL"))
    if mini is None:
        raise Declined(-1139, "Invalid ticker type.")
    return _each(query, exchange, lambda line: ticker(line, at, mini=mini))


def _prices(query: Query, exchange: Exchange, at: int) -> Any:
    return _each(query, exchange, lambda line: {"symbol": line.coin.symbol, "price": text(line.last.price)})


def _best(query: Query, exchange: Exchange, at: int) -> Any:
    return _each(query, exchange, best_rest)


def _each(query: Query, exchange: Exchange, row: Callable[[Line], Any]) -> Any:
    """One object for `symbol`, an array for `symbols` or for all there are."""
    wanted = named(query, exchange)
    rows = [row(exchange.line(symbol)) for symbol in wanted or exchange.market.lines]
    return rows[0] if "symbol" in query else rows


# what it weighs ----------------------------------------------------------------------------------------------------


def _flat(weight: int) -> Callable[[Query], int]:
    return lambda query: weight


def _depth_weight(query: Query) -> int:
    limit = limit_of(query, 100, MOST_DEPTH)
    return next(weight for most, weight in DEPTH_WEIGHTS if limit <= most)


def _days_weight(query: Query) -> int:
    if "symbol" in query:
        return 2
    count = len(symbol_list(query)) if "symbols" in query else MOST_ROWS
    return 2 if count <= 20 else 40 if count <= 100 else 80


def _one_or_many(query: Query) -> int:
    return 2 if "symbol" in query else 4


class Route(NamedTuple):
    answer: Callable[[Query, Exchange, int], Any]
    weight: Callable[[Query], int]
    names: frozenset[str]


def _route(handler: Callable[[Query, Exchange, int], Any], weight: Callable[[Query], int], names: str = "") -> Route:
    return Route(handler, weight, frozenset(names.split()))


ROUTES = {
    "ping": _route(lambda query, exchange, at: {}, _flat(1)),
    "time": _route(lambda query, exchange, at: {"serverTime": at}, _flat(1)),
    "exchangeInfo": _route(_info, _flat(20), "symbol symbols permissions symbolStatus showPermissionSets"),
    "depth": _route(_depth, _depth_weight, "symbol limit symbolStatus"),
    "trades": _route(_trades, _flat(25), "symbol limit"),
    "aggTrades": _route(_aggregates, _flat(4), "symbol fromId startTime endTime limit"),
    "klines": _route(_klines, _flat(2), "symbol interval startTime endTime timeZone limit"),
    "uiKlines": _route(_klines, _flat(2), "symbol interval startTime endTime timeZone limit"),
    "avgPrice": _route(_average, _flat(2), "symbol"),
    "ticker/24hr": _route(_days, _days_weight, "symbol symbols type symbolStatus"),
    "ticker/price": _route(_prices, _one_or_many, "symbol symbols symbolStatus"),
    "ticker/bookTicker": _route(_best, _one_or_many, "symbol symbols symbolStatus"),
}
