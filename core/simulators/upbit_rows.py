"""Upbit's wording of a simulated market: one function for each kind of row that REST or the stream tells.

Source of fields: reference/upbit.md sections 3 and 4.4.
"""

from __future__ import annotations

from datetime import UTC, datetime

from core.domain.values import KST
from core.simulators.books import UNITS, Unit, book, grouped, levels, sizes
from core.simulators.history import Candle
from core.simulators.line import Line, Print
from core.simulators.upbit_wire import Row


def clock(at: int, pattern: str) -> str:
    """`at` (epoch ms) as UTC text."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime(pattern)


def market_row(line: Line, flags: frozenset[str], *, details: bool) -> Row:
    coin = line.coin
    names: Row = {"market": coin.symbol, "korean_name": coin.korean, "english_name": coin.english}
    if details:
        caution = {name: name in flags for name in CAUTIONS}
        names["market_event"] = {"warning": "WARNING" in flags, "caution": caution}
    return names


CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)


def _against(price: float, previous: float) -> Row:
    """The change against the previous close, as every message words it."""
    moved = round(price - previous, 8)
    rate = round(moved / previous, 10)
    return {
        "change": "RISE" if moved > 0 else "FALL" if moved < 0 else "EVEN",
        "change_price": abs(moved),
        "change_rate": abs(rate),
        "signed_change_price": moved,
        "signed_change_rate": rate,
    }


def _day_figures(line: Line, at: int) -> Row:
    """What the REST and the stream ticker share."""
    sums, last = line.summary(at), line.last
    top, top_at, bottom, bottom_at = line.extremes()
    return {
        "opening_price": sums.opening,
        "high_price": sums.high,
        "low_price": sums.low,
        "trade_price": last.price,
        "prev_closing_price": sums.previous_close,
        **_against(last.price, sums.previous_close),
        "trade_volume": last.quantity,
        "acc_trade_price": round(sums.value, 8),
        "acc_trade_price_24h": round(sums.value_24h, 8),
        "acc_trade_volume": round(sums.volume, 8),
        "acc_trade_volume_24h": round(sums.volume_24h, 8),
        "highest_52_week_price": top,
        "highest_52_week_date": clock(top_at, "%Y-%m-%d"),
        "lowest_52_week_price": bottom,
        "lowest_52_week_date": clock(bottom_at, "%Y-%m-%d"),
        "trade_date": clock(last.at, "%Y%m%d"),
        "trade_time": clock(last.at, "%H%M%S"),
        "trade_timestamp": last.at,
        "timestamp": max(last.told, last.at),
    }


def rest_ticker(line: Line, at: int) -> Row:
    local = line.last.at + KST
    kst = {"trade_date_kst": clock(local, "%Y%m%d"), "trade_time_kst": clock(local, "%H%M%S")}
    return {"market": line.coin.symbol, **_day_figures(line, at), **kst}


def stream_ticker(line: Line, at: int, stream_type: str) -> Row:
    sums = line.summary(at)
    return {
        "type": "ticker",
        "code": line.coin.symbol,
        **_day_figures(line, at),
        "ask_bid": _taker(line.last),
        "acc_ask_volume": round(max(sums.volume - sums.bought, 0.0), 8),
        "acc_bid_volume": round(sums.bought, 8),
        "market_state": "ACTIVE",
        "is_trading_suspended": False,
        "delisting_date": None,
        "market_warning": "NONE",
        "stream_type": stream_type,
    }


def _taker(trade: Print) -> str:
    return "BID" if trade.buying else "ASK"


def stream_trade(line: Line, trade: Print, stream_type: str) -> Row:
    change = _against(trade.price, line.previous_close)
    ask_size, bid_size = sizes(line, trade.version, 1)
    return {
        "type": "trade",
        "code": trade.symbol,
        "timestamp": trade.told,
        "trade_date": clock(trade.at, "%Y-%m-%d"),
        "trade_time": clock(trade.at, "%H:%M:%S"),
        "trade_timestamp": trade.at,
        "trade_price": trade.price,
        "trade_volume": trade.quantity,
        "ask_bid": _taker(trade),
        "prev_closing_price": line.previous_close,
        "change": change["change"],
        "change_price": change["change_price"],
        "sequential_id": trade.sequence,
        "best_ask_price": trade.ask or line.ask,
        "best_ask_size": ask_size,
        "best_bid_price": trade.bid or line.bid,
        "best_bid_size": bid_size,
        "stream_type": stream_type,
    }


def rest_trade(line: Line, trade: Print) -> Row:
    return {
        "market": trade.symbol,
        "trade_date_utc": clock(trade.at, "%Y-%m-%d"),
        "trade_time_utc": clock(trade.at, "%H:%M:%S"),
        "timestamp": trade.at,
        "trade_price": trade.price,
        "trade_volume": trade.quantity,
        "prev_closing_price": line.previous_close,
        "change_price": round(trade.price - line.previous_close, 8),
        "ask_bid": _taker(trade),
        "sequential_id": trade.sequence,
    }


def book_row(line: Line, count: int = UNITS, level: float = 0.0) -> Row:
    """The fields that REST and stream books share."""
    units = grouped(line, level, count) if level else book(line, count)
    return {
        "timestamp": line.version,
        "total_ask_size": round(sum(unit.ask_size for unit in units), 8),
        "total_bid_size": round(sum(unit.bid_size for unit in units), 8),
        "orderbook_units": [_unit(unit) for unit in units],
        "level": int(level) if level == int(level) else level,
    }


def _unit(unit: Unit) -> Row:
    return {"ask_price": unit.ask, "bid_price": unit.bid, "ask_size": unit.ask_size, "bid_size": unit.bid_size}


def stream_book(line: Line, count: int, level: float, stream_type: str) -> Row:
    return {"type": "orderbook", "code": line.coin.symbol, **book_row(line, count, level), "stream_type": stream_type}


def instrument_row(line: Line) -> Row:
    step = line.ladder.tick(line.last.price)
    return {
        "market": line.coin.symbol,
        "quote_currency": line.coin.quote,
        "tick_size": f"{step:.8f}".rstrip("0").rstrip("."),
        "supported_levels": [f"{level:.8f}".rstrip("0").rstrip(".") for level in levels(line)],
    }


def candle_row(candle: Candle) -> Row:
    """The fields that REST and stream candles share."""
    return {
        "candle_date_time_utc": clock(candle.opens, "%Y-%m-%dT%H:%M:%S"),
        "candle_date_time_kst": clock(candle.opens + KST, "%Y-%m-%dT%H:%M:%S"),
        "opening_price": candle.open,
        "high_price": candle.high,
        "low_price": candle.low,
        "trade_price": candle.close,
        "timestamp": candle.stamp,
        "candle_acc_trade_price": round(candle.value, 5),
        "candle_acc_trade_volume": round(candle.volume, 8),
    }


def stream_candle(line: Line, kind: str, candle: Candle, stream_type: str) -> Row:
    return {"type": kind, "code": line.coin.symbol, **candle_row(candle), "stream_type": stream_type}
