"""Binance's stream frames as typed records: exactly the fields used. Field tables: reference/binance.md 3.3.

A combined stream wraps each payload as {"stream": NAME, "data": PAYLOAD}; the name alone tells symbol and kind of the
payloads that carry neither (bookTicker, partial depth).
"""

from typing import Any, Generic, TypeVar

import msgspec

from core.venues.binance.fields import Amount, Price, Serial, Size, Stamp, Step

T = TypeVar("T")


class Wrapped(msgspec.Struct, Generic[T], gc=False):
    data: T


class TradeWire(msgspec.Struct, gc=False):
    """`m`: the buyer was the maker, so the taker sold."""

    t: Serial
    p: Price
    q: Size
    T: Stamp
    m: bool


class RawTradeWire(msgspec.Struct, gc=False):
    """A trade without its wrapper, which alone tells the symbol otherwise."""

    s: str
    t: Serial
    p: Price
    q: Size
    T: Stamp
    m: bool


class AggregateWire(msgspec.Struct, gc=False):
    """Trades of one taker order at one price; `a` counts them per symbol."""

    a: Serial
    p: Price
    q: Size
    T: Stamp
    m: bool


class BestWire(msgspec.Struct, gc=False):
    """bookTicker: no time of its own."""

    u: Serial
    b: Amount
    B: Amount
    a: Amount
    A: Amount


class PartWire(msgspec.Struct):
    """depth5, depth10, depth20: the best steps, no time and no symbol."""

    lastUpdateId: Serial
    bids: list[Step]
    asks: list[Step]


class DeltaWire(msgspec.Struct):
    E: Stamp
    U: Serial
    u: Serial
    b: list[Step]
    a: list[Step]


class CandleWire(msgspec.Struct, gc=False):
    t: Stamp
    i: str
    o: Price
    c: Price
    h: Price
    l: Price  # noqa: E741
    v: Amount
    q: Amount
    x: bool


class KlineWire(msgspec.Struct, gc=False):
    k: CandleWire


class MiniWire(msgspec.Struct, gc=False):
    """24hrMiniTicker: over the last 24 hours, not since midnight. A pair that has not traded has prices of 0."""

    E: Stamp
    c: Amount
    o: Amount
    h: Amount
    l: Amount  # noqa: E741
    v: Amount
    q: Amount


class TickerWire(msgspec.Struct, gc=False):
    """24hrTicker: the same with the best offers."""

    E: Stamp
    c: Amount
    o: Amount
    h: Amount
    l: Amount  # noqa: E741
    v: Amount
    q: Amount
    b: Amount
    a: Amount


class ShutdownWire(msgspec.Struct, gc=False):
    E: Stamp


class BareWire(msgspec.Struct):
    """What tells a payload that came without its wrapper: its kind and symbol, where it has them."""

    e: str = ""
    s: str = ""
    u: Serial | None = None
    k: CandleWire | None = None


class Saying(msgspec.Struct):
    """`error` as the WebSocket API words it; streams put code and msg at the top (reference 3.2)."""

    code: int = 0
    msg: str = ""


class ReplyWire(msgspec.Struct):
    """An answer to SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS or a property; `result` where it was carried out."""

    id: int | str | None = None
    result: Any = msgspec.UNSET
    code: int | None = None
    msg: str = ""
    error: Saying | None = None


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


def wrapped(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder of such a payload in the wrapper of a combined stream."""
    generic: Any = Wrapped
    return decoder(generic[kind])
