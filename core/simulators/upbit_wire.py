"""Upbit's spelling: short field names, the four stream formats, and numbers as its Java servers write them.

Source of names and spellings: reference/upbit.md sections 3 and 4.4.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

Row = dict[str, object]


class Format(StrEnum):
    DEFAULT = "DEFAULT"
    SIMPLE = "SIMPLE"
    JSON_LIST = "JSON_LIST"
    SIMPLE_LIST = "SIMPLE_LIST"

    @property
    def short(self) -> bool:
        return self in (Format.SIMPLE, Format.SIMPLE_LIST)

    @property
    def listed(self) -> bool:
        return self in (Format.JSON_LIST, Format.SIMPLE_LIST)


COMMON = {"type": "ty", "code": "cd", "timestamp": "tms", "stream_type": "st"}
SHORT: dict[str, dict[str, str]] = {
    "ticker": {
        "opening_price": "op", "high_price": "hp", "low_price": "lp", "trade_price": "tp", "prev_closing_price": "pcp",
        "acc_trade_price": "atp", "change": "c", "change_price": "cp", "signed_change_price": "scp",
        "change_rate": "cr", "signed_change_rate": "scr", "ask_bid": "ab", "trade_volume": "tv",
        "acc_trade_volume": "atv",
        "trade_date": "tdt", "trade_time": "ttm", "trade_timestamp": "ttms", "acc_ask_volume": "aav",
        "acc_bid_volume": "abv", "highest_52_week_price": "h52wp", "highest_52_week_date": "h52wdt",
        "lowest_52_week_price": "l52wp", "lowest_52_week_date": "l52wdt", "market_state": "ms",
        "is_trading_suspended": "its", "delisting_date": "dd", "market_warning": "mw",
        "acc_trade_price_24h": "atp24h", "acc_trade_volume_24h": "atv24h",
    },
    "trade": {
        "trade_date": "td", "trade_time": "ttm", "trade_timestamp": "ttms", "trade_price": "tp", "trade_volume": "tv",
        "ask_bid": "ab", "prev_closing_price": "pcp", "change": "c", "change_price": "cp", "sequential_id": "sid",
        "best_ask_price": "bap", "best_ask_size": "bas", "best_bid_price": "bbp", "best_bid_size": "bbs",
    },
    "orderbook": {
        "total_ask_size": "tas", "total_bid_size": "tbs", "orderbook_units": "obu", "ask_price": "ap",
        "bid_price": "bp", "ask_size": "as", "bid_size": "bs", "level": "lv",
    },
    "candle": {
        "candle_date_time_utc": "cdttmu", "candle_date_time_kst": "cdttmk", "opening_price": "op", "high_price": "hp",
        "low_price": "lp", "trade_price": "tp", "candle_acc_trade_volume": "catv", "candle_acc_trade_price": "catp",
    },
    "list": {"method": "mthd", "result": "rslt", "codes": "cds", "level": "lv", "ticket": "tckt", "type": "ty"},
}  # fmt: skip
"""Short names by kind of message; the common ones come on top."""


def shortened(row: Row, kind: str) -> Row:
    """The row with short names, the rows within it included."""
    names = SHORT[kind.partition(".")[0]]
    return {names.get(key, COMMON.get(key, key)): _inner(value, kind) for key, value in row.items()}


def _inner(value: object, kind: str) -> object:
    return (
        [shortened(part, kind) if isinstance(part, dict) else part for part in value]
        if isinstance(value, list)
        else value
    )


def framed(row: Row, kind: str, style: Format) -> bytes:
    """One row as a stream frame."""
    if kind == "orderbook":
        row = {**row, "orderbook_units": [_spelled(unit, style) for unit in _rows(row["orderbook_units"])]}
    named = shortened(row, kind) if style.short else row
    return msgspec.json.encode([named] if style.listed else named)


def _rows(value: object) -> list[dict[str, float]]:
    return value if isinstance(value, list) else []


def _spelled(unit: dict[str, float], style: Format) -> dict[str, object]:
    """DEFAULT writes large and small numbers with an exponent, SIMPLE only the small ones (wire probes of 2026-09)."""
    return {name: spelled(value, whole=style.short) for name, value in unit.items()}


def spelled(value: float, *, whole: bool) -> object:
    """A number as Java's Double.toString writes it; `whole` writes what is 10 million or more as an integer.

    >>> bytes(spelled(116539000.0, whole=False)), bytes(spelled(0.00079276, whole=True))
    (b'1.16539E8', b'7.9276E-4')
    """
    if value == 0 or 1e-3 <= value < 1e7:
        return value
    if whole and value >= 1e7 and value == int(value):
        return int(value)
    _, digits, power = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return msgspec.Raw(f"{text[0]}.{text[1:] or '0'}E{int(power) + len(digits) - 1}".encode())


PADDED = frozenset(
    {"opening_price", "high_price", "low_price", "trade_price", "prev_closing_price", "change_price"}
    | {"signed_change_price", "highest_52_week_price", "lowest_52_week_price"}
)


def padded(row: Row) -> Row:
    """A REST row with its prices written with 8 decimals, as the recorded calls of 2025-07-30 show them."""
    return {key: msgspec.Raw(f"{value:.8f}".encode()) if key in PADDED else value for key, value in row.items()}
