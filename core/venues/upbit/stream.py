"""Upbit's WebSocket: frames to events, wanted channels to one request. Evidence: README.md beside this file."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import Bar, Beat, Book, Complaint, Inbound, Ticker, Trade
from core.domain.values import Market, Millis, Side
from core.venues.spec import Channel, StreamSpec, Topic
from core.venues.upbit.fields import instrument, levels, millis, opened
from core.venues.upbit.wire import (
    LENGTHS,
    PLAIN,
    SPANS,
    BookWire,
    CandleWire,
    Format,
    ServiceWire,
    ShortBookWire,
    ShortTickerWire,
    ShortTradeWire,
    TickerWire,
    TradeWire,
    read,
    read_short,
)

DEPTH = 15
"""Book units asked for where a channel names none: half of Upbit's own 30, enough for a paper fill."""

QUIET = {"type": "ticker", "codes": ["KRW-BTC"], "is_only_snapshot": True}
"""Upbit has no unsubscribe; a request replaces all, and this one brings one frame and then nothing."""

TAKERS: Final = {"BID": Side.BUY, "ASK": Side.SELL}
SHOWN = 120
"""Bytes of a frame that an error's text quotes; the whole frame is kept by whoever sets it aside."""

FIRST_MS: Final = 1_000_000_000_000
PAST_MS: Final = 10_000_000_000_000
"""Epoch times of 13 digits are milliseconds: nearly every one, so the others are asked for (`millis`) only then."""

CELLS: Final = astuple
TRADE: Final = Trade
WHOSE: Final = instrument
READ: Final = read_short
MOST: Final = ShortTradeWire
HEAD: Final = PLAIN
"""What nearly every frame needs. Compiled, an imported name is looked up in a dictionary each time; these are not."""

FAULTS = (msgspec.MsgspecError, ValueError, TypeError, ArithmeticError, RecursionError)


def decode(frame: bytes | bytearray | memoryview, seen: Millis) -> list[Inbound]:
    """Turn one frame, in any of the four formats, into events in the order of the frame.

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
            found: Any = READ(frame) if frame[:5] == HEAD else read(frame)
            kind = found.__class__
            if kind is MOST:  # so it is asked for first
                events.append(_trade(found, seen))
            else:
                every = found if kind is list else (found,)
                events += [TELLERS[one.__class__](one, seen) for one in every]
    except FAULTS as fault:
        raise WireSurprise("Upbit frame does not read", fault=str(fault), frame=bytes(frame[:SHOWN])) from fault
    return events


def _trade(wire: TradeWire, seen: Millis) -> Trade:
    """`at` is the trade's own time: whole seconds in 2021, ms today; `timestamp` is only when it was sent."""
    code, at, price, volume, side, serial, kind = CELLS(wire)
    at = at if FIRST_MS <= at < PAST_MS else millis(at)
    return TRADE(WHOSE(code), price, volume, TAKERS[side], at, seen, serial, kind == "SNAPSHOT")


def _book(wire: BookWire, seen: Millis) -> Book:
    if not wire.orderbook_units:
        raise ValueError("a book without units")
    return Book(
        instrument=instrument(wire.code), levels=levels(wire.orderbook_units), at=millis(wire.timestamp), seen=seen
    )


def _ticker(wire: TickerWire, seen: Millis) -> Ticker:
    return Ticker(
        instrument=instrument(wire.code),
        price=wire.trade_price,
        change=wire.signed_change_rate,
        volume=wire.acc_trade_volume,
        value=wire.acc_trade_price,
        value_24h=wire.acc_trade_price_24h,
        high=wire.high_price,
        low=wire.low_price,
        at=millis(wire.timestamp),
        seen=seen,
    )


def _bar(wire: CandleWire, seen: Millis) -> Bar:
    """Never closed: Upbit has no such flag and sends the same candle again and again, the last one wins."""
    span, opens = LENGTHS[wire.__class__], opened(wire.candle_date_time_utc)
    first, last = wire.opening_price, wire.trade_price
    if opens % span or not wire.low_price <= min(first, last) <= max(first, last) <= wire.high_price:
        raise ValueError("a candle that cannot be")
    return Bar(
        instrument=instrument(wire.code),
        span=span,
        opens=opens,
        open=wire.opening_price,
        high=wire.high_price,
        low=wire.low_price,
        close=wire.trade_price,
        volume=wire.candle_acc_trade_volume,
        value=wire.candle_acc_trade_price,
        seen=seen,
        closed=False,
    )


def _service(wire: ServiceWire, seen: Millis) -> Beat | Complaint:
    if wire.error:
        return Complaint(name=str(wire.error.name), message=wire.error.message, seen=seen)
    return Beat(seen=seen)


TELLERS: dict[type, Callable[[Any, Millis], Inbound]] = {
    **dict.fromkeys((TradeWire, ShortTradeWire), _trade),
    **dict.fromkeys((BookWire, ShortBookWire), _book),
    **dict.fromkeys((TickerWire, ShortTickerWire), _ticker),
    **dict.fromkeys(LENGTHS, _bar),
    ServiceWire: _service,
}
"""What each kind of record tells, in both spellings."""


def request(channels: frozenset[Channel], ticket: str, *, style: Format, depth: int | None) -> list[bytes]:
    """The one text message that replaces every subscription of a connection.

    depth: book units for channels that name none in `detail`; None leaves it to Upbit (30).
    An empty set asks for one snapshot of one ticker, which is how to fall silent without closing.
    Codes are sorted, so the same set is the same message.
    """
    codes: dict[str, set[str]] = {}
    for channel in channels:
        kind, code = _asked(channel, depth)
        codes.setdefault(kind, set()).add(code)
    wanted: list[dict[str, object]] = [{"type": kind, "codes": sorted(codes[kind])} for kind in sorted(codes)]
    message = [{"ticket": ticket}, *(wanted or [QUIET]), {"format": style.value}]
    return [msgspec.json.encode(message)]


def _asked(channel: Channel, depth: int | None) -> tuple[str, str]:
    """Upbit's type and code for a channel: `KRW-BTC.5` is five units of a book, `candle.1m` a minute's candle."""
    match channel.topic:
        case Topic.BOOK:
            units = channel.detail or depth
            return "orderbook", f"{channel.symbol}.{units}" if units else channel.symbol
        case Topic.CANDLE if (channel.detail or "1m") not in SPANS:
            raise Misconfigured("Upbit streams no such candle", asked=channel.detail, allowed=" ".join(SPANS))
        case Topic.CANDLE:
            return f"candle.{channel.detail or '1m'}", channel.symbol
        case _:
            return channel.topic.value, channel.symbol


def _nothing(channels: frozenset[Channel], ticket: str) -> list[bytes]:
    """A request replaces all that was subscribed before, so there is nothing to release."""
    return []


def stream_spec(*, style: Format = Format.SIMPLE, depth: int | None = DEPTH) -> StreamSpec:
    """Upbit's stream, asked to spell its frames in `style`.

    The text PING makes Upbit send a status frame every 10 s, so a mute line shows within `mute_s` however quiet the
    markets are; a protocol ping would only be answered with a pong. Without either Upbit cuts after 60 s (measured).
    """

    def ask(channels: frozenset[Channel], ticket: str) -> list[bytes]:
        return request(channels, ticket, style=style, depth=depth)

    return StreamSpec(
        market=Market.UPBIT,
        decode=decode,
        several=several,
        request=ask,
        release=_nothing,
        replaces=True,
        heartbeat=b"PING",
        ping_s=20.0,
        mute_s=45.0,
        stale_s=90.0,
        messages_per_s=5,
        messages_per_min=100,
        connects_per_s=5,
        channels_per_connection=0,
        topics=(Topic.TRADE, Topic.BOOK, Topic.TICKER),
        summed=True,
    )


STREAM = stream_spec()
