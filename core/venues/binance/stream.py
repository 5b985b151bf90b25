"""Binance's market streams: frames to events, wanted channels to SUBSCRIBE. Evidence: README.md beside this file."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import astuple

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import Bar, Beat, Book, Complaint, Delta, Farewell, Inbound, Ticker, Trade
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.binance.fields import INTERVALS, MICROS, instrument, levels, millis
from core.venues.binance.wire import (
    AggregateWire,
    BareWire,
    BestWire,
    DeltaWire,
    KlineWire,
    MiniWire,
    PartWire,
    RawTradeWire,
    ReplyWire,
    ShutdownWire,
    TickerWire,
    TradeWire,
    decoder,
    wrapped,
)
from core.venues.spec import Channel, StreamSpec, Topic
from core.venues.table import Table

SHOWN = 120
"""Bytes of a frame that an error's text quotes; the whole frame is kept by whoever sets it aside."""
CELLS: Final = astuple
TRADE: Final = Trade
LONG: Final = MICROS
"""What nearly every frame needs. Compiled, an imported name is looked up in a dictionary each time; these are not."""
FAULTS = (msgspec.MsgspecError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError)

HEAD: Final = b'{"stream":"'
RAW_TRADE: Final = b'{"e":"trade"'
"""How nearly every frame begins: combined, or as a raw stream tells trades, which need no second look."""
SHUTDOWN = "!serverShutdown"
TAKERS: Final = (Side.BUY, Side.SELL)
"""By `m`: where the buyer was the maker, the taker sold."""
PARAMS = 200
"""Streams that one message names: well under any length that a server might refuse."""

NAMES: dict[Topic, tuple[str, ...]] = {
    Topic.TRADE: ("trade", "aggTrade"),
    Topic.BOOK: ("bookTicker", *(f"depth{steps}{pace}" for steps in (5, 10, 20) for pace in ("", "@100ms"))),
    Topic.DELTA: ("depth@100ms", "depth"),
    Topic.TICKER: ("miniTicker", "ticker"),
    Topic.CANDLE: tuple(f"kline_{name}" for name in ("1m", *(name for name in INTERVALS if name != "1m"))),
}
"""What each topic may be streamed as; the first is taken where a channel names none in `detail`."""


class Route(NamedTuple):
    """How the payload of one stream is read."""

    read: Callable[[bytes], Any]
    told: Callable[[Any, Instrument, Millis], Inbound]
    instrument: Instrument


def decode(frame: bytes | bytearray | memoryview, seen: Millis) -> list[Inbound]:
    """Turn one frame, combined or raw, into events.

    Raises:
        WireSurprise: anything that is not a frame this venue is known to send.
    """
    return several((bytes(frame),), seen)


def several(frames: Iterable[bytes], seen: Millis) -> list[Inbound]:
    """The events of frames that came together. Raises WireSurprise for the first that does not read."""
    events: list[Inbound] = []
    frame = b""
    try:
        for frame in frames:
            if frame[:11] == HEAD:
                read, told, whose = route(frame[11 : frame.index(b'"', 11)])
                events.append(told(read(frame).data, whose, seen))
            elif frame[:12] == RAW_TRADE:
                bare = _RAW_TRADE.decode(frame)
                events.append(_trade(bare, instrument(bare.s), seen))
            else:
                events.append(_oddly(frame, seen))
    except FAULTS as fault:
        raise WireSurprise("Binance frame does not read", fault=str(fault), frame=bytes(frame[:SHOWN])) from fault
    return events


def _route(name: bytes) -> Route:
    """How to read what comes under a stream's name. Raises ValueError for a name that we never ask for."""
    text = name.decode()
    if text == SHUTDOWN:
        return Route(_SHUTDOWN.decode, _farewell, NOBODY)
    symbol, _, kind = text.partition("@")
    if kind not in KINDS:
        raise ValueError(f"no stream of ours: {text[:60]!r}")
    wrapped, _, told = KINDS[kind]
    return Route(wrapped.decode, told, instrument(symbol.upper()))


route: Final = Table[bytes, Route](_route).__getitem__


def _oddly(frame: bytes, seen: Millis) -> Inbound:
    """A reply, or a payload without its wrapper; also a wrapper whose keys come in another order."""
    found = _ANY.decode(frame)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    if isinstance(found.get("stream"), str) and "data" in found:
        read, told, whose = route(found["stream"].encode())
        return told(read(frame).data, whose, seen)
    if not found.keys().isdisjoint(("result", "error", "code")):
        return _reply(_REPLY.decode(frame), seen)
    return _bare(frame, seen)


def _bare(frame: bytes, seen: Millis) -> Inbound:
    """A raw stream's payload. Partial depth cannot be one of them: nothing in it says whose it is."""
    bare = _BARE.decode(frame)
    if bare.e == "serverShutdown":
        return Farewell(seen)
    kind = f"kline_{bare.k.i}" if bare.k is not None else RAW.get(bare.e, "")
    if not bare.e and bare.u is not None:
        kind = "bookTicker"
    if kind not in KINDS or not bare.s:
        raise ValueError("a payload that names no stream")
    _, raw, told = KINDS[kind]
    return told(raw.decode(frame), instrument(bare.s), seen)


def _reply(reply: ReplyWire, seen: Millis) -> Beat | Complaint:
    """An answer to one of our messages. An error names the message by its id where Binance could read one."""
    if reply.error is not None:
        return Complaint(str(reply.error.code), _said(reply.error.msg, reply.id), seen, _about(reply.id))
    if reply.code is not None:
        return Complaint(str(reply.code), _said(reply.msg, reply.id), seen, _about(reply.id))
    return Beat(seen, _about(reply.id))


def _about(id: int | str | None) -> str:
    return "" if id is None else str(id)


def _said(message: str, id: int | str | None) -> str:
    return message if id is None else f"{message} (message {id})"


def _trade(wire: TradeWire | RawTradeWire, whose: Instrument, seen: Millis) -> Trade:
    serial, price, quantity, at, made = CELLS(wire)[-5:]
    return TRADE(whose, price, quantity, TAKERS[made], at if at < LONG else millis(at), seen, serial)


def _aggregate(wire: AggregateWire, whose: Instrument, seen: Millis) -> Trade:
    """`sequence` counts aggregates, which are not the trades' own ids."""
    return Trade(
        instrument=whose,
        price=wire.p,
        quantity=wire.q,
        taker=TAKERS[wire.m],
        at=millis(wire.T),
        seen=seen,
        sequence=wire.a,
    )


def _best(wire: BestWire, whose: Instrument, seen: Millis) -> Book:
    """`at` is when it came: the frame has no time."""
    return Book(instrument=whose, levels=levels(((wire.b, wire.B),), ((wire.a, wire.A),)), at=seen, seen=seen)


def _part(wire: PartWire, whose: Instrument, seen: Millis) -> Book:
    """`at` is when it came: the frame has no time."""
    return Book(instrument=whose, levels=levels(wire.bids, wire.asks), at=seen, seen=seen)


def _delta(wire: DeltaWire, whose: Instrument, seen: Millis) -> Delta:
    if wire.u < wire.U:
        raise ValueError("changes that end before they begin")
    bids, asks = tuple(wire.b), tuple(wire.a)
    return Delta(instrument=whose, first=wire.U, last=wire.u, bids=bids, asks=asks, at=millis(wire.E), seen=seen)


def _bar(wire: KlineWire, whose: Instrument, seen: Millis) -> Bar:
    candle = wire.k
    span, opens = INTERVALS[candle.i], millis(candle.t)
    if not candle.l <= min(candle.o, candle.c) <= max(candle.o, candle.c) <= candle.h:
        raise ValueError("a candle that cannot be")
    return Bar(
        instrument=whose,
        span=span,
        opens=opens,
        open=candle.o,
        high=candle.h,
        low=candle.l,
        close=candle.c,
        volume=candle.v,
        value=candle.q,
        seen=seen,
        closed=candle.x,
    )


def _mini(wire: MiniWire, whose: Instrument, seen: Millis) -> Ticker:
    """Everything over 24 hours: Binance's tickers know no day. `change` is against the price of 24 hours ago."""
    return _day(wire, whose, seen, None, None)


def _ticker(wire: TickerWire, whose: Instrument, seen: Millis) -> Ticker:
    return _day(wire, whose, seen, wire.b, wire.a)


def _day(wire: MiniWire | TickerWire, whose: Instrument, seen: Millis, bid: float | None, ask: float | None) -> Ticker:
    return Ticker(
        instrument=whose,
        price=wire.c,
        change=wire.c / wire.o - 1.0 if wire.o else 0.0,
        volume=wire.v,
        value=wire.q,
        value_24h=wire.q,
        high=wire.h,
        low=wire.l,
        at=millis(wire.E),
        seen=seen,
        bid=bid,
        ask=ask,
    )


def _farewell(wire: ShutdownWire, whose: Instrument, seen: Millis) -> Farewell:
    return Farewell(seen)


Told = Callable[[Any, Instrument, Millis], Inbound]
_TYPES: dict[str, tuple[Any, Told]] = {
    "trade": (TradeWire, _trade),
    "aggTrade": (AggregateWire, _aggregate),
    "bookTicker": (BestWire, _best),
    **dict.fromkeys(NAMES[Topic.BOOK][1:], (PartWire, _part)),
    **dict.fromkeys(NAMES[Topic.DELTA], (DeltaWire, _delta)),
    **dict.fromkeys(NAMES[Topic.CANDLE], (KlineWire, _bar)),
    "miniTicker": (MiniWire, _mini),
    "ticker": (TickerWire, _ticker),
}
KINDS = {name: (wrapped(wire), decoder(wire), told) for name, (wire, told) in _TYPES.items()}
"""Readers of a wrapped and of a raw payload, and what it means, by the part of a stream's name after the symbol."""
RAW = {
    "trade": "trade",
    "aggTrade": "aggTrade",
    "depthUpdate": "depth",
    "24hrMiniTicker": "miniTicker",
    "24hrTicker": "ticker",
}
"""A raw payload's `e`, and the stream that it comes from."""

NOBODY = Instrument(Market.BINANCE, "")
_RAW_TRADE: msgspec.json.Decoder[RawTradeWire] = decoder(RawTradeWire)
_ANY, _BARE, _REPLY = msgspec.json.Decoder(), decoder(BareWire), decoder(ReplyWire)
_SHUTDOWN = wrapped(ShutdownWire)


def stream_name(channel: Channel) -> str:
    """`btcusdt@trade` of a channel. Raises Misconfigured for a detail that Binance does not stream.

    >>> stream_name(Channel(Topic.CANDLE, "BTCUSDT"))
    'btcusdt@kline_1m'
    """
    allowed = NAMES.get(channel.topic, ())
    kind = channel.detail or next(iter(allowed), "")
    if kind not in allowed:
        raise Misconfigured(
            "Binance streams no such thing",
            topic=channel.topic.value,
            asked=kind,
            allowed=" ".join(allowed) or "nothing",
            key=f"markets.binance.stream.details.{channel.topic.value}",
        )
    return f"{channel.symbol.lower()}@{kind}"


def request(channels: frozenset[Channel], ticket: str) -> list[bytes]:
    """SUBSCRIBE messages: they add to what is subscribed. The same set gives the same messages."""
    return _messages("SUBSCRIBE", channels)


def release(channels: frozenset[Channel], ticket: str) -> list[bytes]:
    return _messages("UNSUBSCRIBE", channels)


def _messages(method: str, channels: frozenset[Channel]) -> list[bytes]:
    names = sorted(stream_name(channel) for channel in channels)
    parts = [names[start : start + PARAMS] for start in range(0, len(names), PARAMS)]
    return [msgspec.json.encode({"method": method, "params": part, "id": _id(method, part)}) for part in parts]


def numbered(message: bytes) -> str:
    """The id of one of our own messages."""
    return msgspec.json.decode(message, type=ReplyWire, strict=False).id  # type: ignore[return-value]


def _id(method: str, names: list[str]) -> str:
    """At most 36 letters and digits; two different messages have different ones, so that a refusal names its own."""
    return f"{method[0].lower()}{len(names)}x{crc32(' '.join(names).encode()):08x}"


STREAM = StreamSpec(
    market=Market.BINANCE,
    decode=decode,
    several=several,
    request=request,
    release=release,
    replaces=False,
    heartbeat=None,
    ping_s=30.0,
    mute_s=75.0,
    stale_s=90.0,
    messages_per_s=4,
    messages_per_min=0,
    connects_per_s=1,
    channels_per_connection=1024,
    topics=(Topic.TRADE, Topic.BOOK, Topic.TICKER),
    life_s=86_400.0,
    dense=True,
    numbered=numbered,
    batch=PARAMS,
)
"""Five messages a second are allowed, pongs among them, and the venue pings every 20 s: one is left for the pong.

300 connects in 5 minutes are one a second. A message that is refused, or not answered under its id, is sent anew.
"""
