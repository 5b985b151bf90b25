"""Upbit's frames as typed records: exactly the fields used, both spellings, every list format, one pass each.

The short spelling is the long one under other names, so here, and only here, a struct inherits: msgspec renames per
class, and both spellings end in the same attributes. Field tables: reference/upbit.md 4.4.
"""

from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any, Literal

import msgspec

from core.domain.values import MINUTE, SECOND, Millis
from core.venues.upbit.fields import Amount, Change, Price, Serial, Size, Stamp

SPANS = {"1s": SECOND, **{f"{n}m": Millis(n * MINUTE) for n in (1, 3, 5, 10, 15, 30, 60, 240)}}
"""Candle units that the stream offers."""

PLAIN, LONG = b'{"ty"', b'{"type"'
"""How nearly every frame begins, because SIMPLE is what we ask for: one comparison on the hot path."""
HEAD = 9
"""Bytes that show the first key of an object, also inside an array: `[{"type"`."""


class Format(StrEnum):
    """How Upbit spells its frames; every one of them is read, whatever was asked for."""

    DEFAULT = "DEFAULT"
    SIMPLE = "SIMPLE"
    JSON_LIST = "JSON_LIST"
    SIMPLE_LIST = "SIMPLE_LIST"


class UnitWire(msgspec.Struct, gc=False):
    ask_price: Amount
    bid_price: Amount
    ask_size: Amount
    bid_size: Amount


class TradeWire(msgspec.Struct, tag_field="type", tag="trade", gc=False):
    code: str
    trade_timestamp: Stamp
    trade_price: Price
    trade_volume: Size
    ask_bid: Literal["ASK", "BID"]
    sequential_id: Serial
    stream_type: Literal["SNAPSHOT", "REALTIME"] = "REALTIME"


class BookWire(msgspec.Struct, tag_field="type", tag="orderbook"):
    code: str
    timestamp: Stamp
    orderbook_units: list[UnitWire]


class TickerWire(msgspec.Struct, tag_field="type", tag="ticker", gc=False):
    code: str
    timestamp: Stamp
    trade_price: Price
    signed_change_rate: Change
    acc_trade_volume: Amount
    acc_trade_price: Amount
    acc_trade_price_24h: Amount
    high_price: Amount
    low_price: Amount


class CandleWire(msgspec.Struct, tag_field="type", tag="candle", gc=False):
    code: str
    candle_date_time_utc: datetime
    opening_price: Price
    high_price: Price
    low_price: Price
    trade_price: Price
    candle_acc_trade_volume: Amount
    candle_acc_trade_price: Amount


class ErrorWire(msgspec.Struct):
    name: str | int
    message: str = ""


class ServiceWire(msgspec.Struct):
    """What is not market data: status frames, errors, answers to LIST_SUBSCRIPTIONS in both spellings."""

    status: str = ""
    error: ErrorWire | None = None
    method: str = ""
    mthd: str = ""

    @property
    def known(self) -> bool:
        return bool(self.status or self.error or self.method or self.mthd)


SHORT = {
    "code": "cd",
    "timestamp": "tms",
    "stream_type": "st",
    "trade_timestamp": "ttms",
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "sequential_id": "sid",
    "signed_change_rate": "scr",
    "acc_trade_volume": "atv",
    "acc_trade_price": "atp",
    "acc_trade_price_24h": "atp24h",
    "opening_price": "op",
    "high_price": "hp",
    "low_price": "lp",
    "candle_date_time_utc": "cdttmu",
    "candle_acc_trade_volume": "catv",
    "candle_acc_trade_price": "catp",
    "orderbook_units": "obu",
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
}


def _short(long: type, tag: str | None) -> type:
    """The same record under the short names; redefining the fields is what makes msgspec rename inherited ones."""
    fields = [
        (field.name, list[_SHORT_UNIT] if field.type == list[UnitWire] else field.type, field.default)  # type: ignore[valid-type]
        for field in msgspec.structs.fields(long)
    ]
    named = [row if row[2] is not msgspec.NODEFAULT else row[:2] for row in fields]
    return msgspec.defstruct(
        f"Short{long.__name__}", named, bases=(long,), rename=SHORT, gc=False, tag_field=tag and "ty", tag=tag
    )


def _candle(unit: str) -> type:
    """A minute's or second's candle: the unit is in the tag, so each has its own class."""
    return msgspec.defstruct(f"Candle{unit}Wire", [], bases=(CandleWire,), tag_field="type", tag=f"candle.{unit}")


_SHORT_UNIT = _short(UnitWire, None)
_LONG_CANDLES = {_candle(unit): span for unit, span in SPANS.items()}
_SHORT_CANDLES = {_short(CandleWire, f"candle.{unit}"): span for unit, span in SPANS.items()}
LENGTHS: dict[type, Millis] = {**_LONG_CANDLES, **_SHORT_CANDLES}


def _decoder(*kinds: type) -> msgspec.json.Decoder[Any]:
    """A decoder of one of these objects or, for the list formats, an array of them."""
    one: Any = reduce(or_, kinds)
    return msgspec.json.Decoder(one | list[one], strict=False)


ShortTradeWire, ShortBookWire = _short(TradeWire, "trade"), _short(BookWire, "orderbook")
ShortTickerWire = _short(TickerWire, "ticker")

_SHORT = _decoder(ShortTradeWire, ShortBookWire, ShortTickerWire, *_SHORT_CANDLES)
_LONG = _decoder(TradeWire, BookWire, TickerWire, *_LONG_CANDLES)
_SERVICE = _decoder(ServiceWire)
read_short = _SHORT.decode


def read(frame: bytes) -> Any:
    """One record, or a list of them. Raises msgspec's errors, ValueError (UTF-8) or RecursionError."""
    if frame[:7] == LONG:
        return _LONG.decode(frame)
    head = bytes(frame[:HEAD])
    if b'"ty"' in head:
        return _SHORT.decode(frame)
    if b'"type"' in head:
        return _LONG.decode(frame)
    return _read_oddly(frame)


def _read_oddly(frame: bytes) -> Any:
    """A service frame, or market data whose keys come in another order."""
    found = _SERVICE.decode(frame)
    every = found if isinstance(found, list) else [found]
    if not every:
        raise ValueError("an empty list")
    if all(one.known for one in every):
        return found
    try:
        return _LONG.decode(frame)
    except msgspec.ValidationError:
        return _SHORT.decode(frame)
