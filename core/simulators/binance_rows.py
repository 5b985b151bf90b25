"""Binance's wording of a simulated market: one function for each kind of row that REST or a stream tells.

Source of fields: reference/binance.md 2.2, 2.3 and 3.3.
"""

from __future__ import annotations

from typing import Any

from core.domain.values import DAY
from core.simulators.binance_pairs import Pair
from core.simulators.books import UNITS, book
from core.simulators.history import Candle
from core.simulators.line import Line, Print

Row = dict[str, Any]
Step = tuple[str, str]

PLACES = 8


def text(figure: float) -> str:
    """A number as Binance writes it: a string of eight decimals."""
    return f"{figure:.{PLACES}f}"


def steps(line: Line, count: int = UNITS) -> tuple[list[Step], list[Step]]:
    """Bids and asks, best first."""
    units = book(line, min(count, UNITS))
    bids = [(text(unit.bid), text(unit.bid_size)) for unit in units if unit.bid]
    return bids, [(text(unit.ask), text(unit.ask_size)) for unit in units if unit.ask]


def depth(line: Line, count: int) -> Row:
    bids, asks = steps(line, count)
    return {"lastUpdateId": line.version, "bids": bids, "asks": asks}


def best(line: Line) -> Row:
    """bookTicker of a stream."""
    bids, asks = steps(line, 1)
    return {"u": line.version, "s": line.coin.symbol, **_side("b", bids), **_side("a", asks)}


def _side(letter: str, found: list[Step]) -> Row:
    price, size = found[0] if found else (text(0), text(0))
    return {letter: price, letter.upper(): size}


def best_rest(line: Line) -> Row:
    row = best(line)
    names = {"b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty"}
    return {"symbol": line.coin.symbol, **{long: row[short] for short, long in names.items()}}


def day(line: Line, at: int) -> tuple[float, float, float, float, float]:
    """The last 24 hours: first price, highest, lowest, volume, value."""
    sums = line.summary(at)
    return (*line.rolling(at), sums.volume_24h, sums.value_24h)


def ticker(line: Line, at: int, *, mini: bool = False) -> Row:
    """`ticker/24hr`, whole or `type=MINI`."""
    first, top, bottom, volume, value = day(line, at)
    last = line.last
    row: Row = {"symbol": line.coin.symbol}
    if not mini:
        moved = last.price - first
        average = value / volume if volume else 0.0
        row |= {
            "priceChange": text(moved),
            "priceChangePercent": f"{moved / first * 100:.3f}",
            "weightedAvgPrice": text(average),
            "prevClosePrice": text(first),
            "lastPrice": text(last.price),
            "lastQty": text(last.quantity),
            **{name: value_ for name, value_ in best_rest(line).items() if name != "symbol"},
        }
    row |= {"openPrice": text(first), "highPrice": text(top), "lowPrice": text(bottom), "lastPrice": text(last.price)}
    row |= {"volume": text(volume), "quoteVolume": text(value), "openTime": at - DAY, "closeTime": at}
    return {**row, "firstId": 0, "lastId": last.sequence, "count": len(line.prints)}


def mini_event(line: Line, at: int) -> Row:
    first, top, bottom, volume, value = day(line, at)
    return {
        "e": "24hrMiniTicker",
        "E": at,
        "s": line.coin.symbol,
        "c": text(line.last.price),
        "o": text(first),
        "h": text(top),
        "l": text(bottom),
        "v": text(volume),
        "q": text(value),
    }


def ticker_event(line: Line, at: int) -> Row:
    row, mini, top = ticker(line, at), mini_event(line, at), best(line)
    return {
        **mini,
        "e": "24hrTicker",
        "p": row["priceChange"],
        "P": row["priceChangePercent"],
        "w": row["weightedAvgPrice"],
        "x": row["prevClosePrice"],
        "Q": row["lastQty"],
        **{name: top[name] for name in ("b", "B", "a", "A")},
        "O": row["openTime"],
        "C": row["closeTime"],
        "F": row["firstId"],
        "L": row["lastId"],
        "n": row["count"],
    }


def trade_event(trade: Print) -> Row:
    return {
        "e": "trade",
        "E": trade.told,
        "s": trade.symbol,
        "t": trade.sequence,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "T": trade.at,
        "m": not trade.buying,
        "M": True,
    }


def aggregate_event(trade: Print) -> Row:
    """Every taker order of this market trades at one price, once."""
    row = trade_event(trade)
    number = row.pop("t")
    return {**row, "e": "aggTrade", "a": number, "f": number, "l": number}


def trade_rest(trade: Print) -> Row:
    return {
        "id": trade.sequence,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.at,
        "isBuyerMaker": not trade.buying,
        "isBestMatch": True,
    }


def aggregate_rest(trade: Print) -> Row:
    row = aggregate_event(trade)
    return {name: row[name] for name in ("a", "p", "q", "f", "l", "T", "m", "M")}


def candles(line: Line, span: int, count: int, end: int) -> list[Candle]:
    """The newest `count` spans that open before `end`, oldest first: those without a trade repeat the last close."""
    found = {candle.opens: candle for candle in line.candles(span, count + 1, end)}
    newest = (end - 1) // span * span
    first = max(newest - (count - 1) * span, min(found, default=newest))
    earlier = [candle.close for opens, candle in found.items() if opens < first]
    close = earlier[0] if earlier else found[first].open if first in found else line.last.price
    rows = []
    for opens in range(first, newest + 1, span):
        candle = found.get(opens) or Candle(opens, close, close, close, close, 0.0, 0.0, opens)
        close = candle.close
        rows.append(candle)
    return rows


def kline(candle: Candle, span: int) -> list[Any]:
    prices = [text(price) for price in (candle.open, candle.high, candle.low, candle.close, candle.volume)]
    half, worth = text(candle.volume / 2), text(candle.value / 2)
    return [candle.opens, *prices, candle.opens + span - 1, text(candle.value), _count(candle), half, worth, "0"]


def kline_event(line: Line, candle: Candle, interval: str, span: int, at: int) -> Row:
    prices = {name: text(getattr(candle, long)) for name, long in OHLC.items()}
    inner: Row = {
        "t": candle.opens,
        "T": candle.opens + span - 1,
        "s": line.coin.symbol,
        "i": interval,
        "f": -1,
        "L": -1,
        **prices,
        "n": _count(candle),
        "x": candle.opens + span <= at,
        "V": text(candle.volume / 2),
        "Q": text(candle.value / 2),
        "B": "0",
    }
    return {"e": "kline", "E": at, "s": line.coin.symbol, "k": inner}


OHLC = {"o": "open", "c": "close", "h": "high", "l": "low", "v": "volume", "q": "value"}


def _count(candle: Candle) -> int:
    """Trades are not counted by this market: one where there were any."""
    return int(candle.volume > 0)


def symbol_row(pair: Pair, *, sets: bool) -> Row:
    """One row of exchangeInfo; `sets` leaves the permission sets in."""
    filters: list[Row] = [
        {"filterType": "PRICE_FILTER", "minPrice": _exact(pair.tick), "maxPrice": "1000000.00000000"},
        {"filterType": "LOT_SIZE", "minQty": _exact(pair.step), "maxQty": "92141578.00000000"},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "1000000.00000000"},
        {"filterType": "NOTIONAL", "minNotional": _exact(pair.minimum), "maxNotional": "9000000.00000000"},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
    filters[0]["tickSize"], filters[1]["stepSize"], filters[3]["stepSize"] = (
        _exact(pair.tick),
        _exact(pair.step),
        "0.00000000",
    )
    filters[4] |= {"applyMinToMarket": True, "applyMaxToMarket": False, "avgPriceMins": 5}
    row: Row = {
        "symbol": pair.coin.symbol,
        "status": pair.status,
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters,
        "permissions": [],
    }
    return row | ({"permissionSets": [["SPOT"]]} if sets else {})


def _exact(figure: object) -> str:
    return f"{figure:.{PLACES}f}"
