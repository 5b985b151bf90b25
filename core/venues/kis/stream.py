"""KIS's WebSocket: frames to events, channels to registrations. Facts: reference/kis.md 7.

A data frame is `<enc>|<TR id>|<records>|<cells joined by ^>`; anything else is JSON. Trades are the hot path: a
pattern for each known shape (`shapes.py`), and tables for the times, dates and codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import Acknowledged, Echo, Inbound
from core.domain.values import Market, Millis
from core.venues.kis.fields import MOCK, NAMES, TRS, cure
from core.venues.kis.notices import decrypt, same_account
from core.venues.kis.records import alike, cut, others, trades
from core.venues.kis.shapes import HEAD, SHAPES
from core.venues.kis.wire import ANSWER, Output
from core.venues.spec import Channel, StreamSpec, Topic

KEY, IV = 32, 16
FAULTS = (ValueError, LookupError, ArithmeticError, TypeError, msgspec.MsgspecError, RecursionError)
HEADS = {name.encode(): tr for name, tr in TRS.items()}


class Decoder:
    """Reads one connection's frames; remembers the keys that its answers gave, which nothing shows."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[bytes, tuple[bytes, bytes]] = {}

    def __call__(self, frame: bytes, seen: Millis) -> Sequence[Inbound]:
        """Turn one frame into events, in its order.

        Raises:
            WireSurprise: anything that is not a frame this venue is known to send. Its text quotes no cell.
        """
        return several((frame,), seen, self.seldom)

    def seldom(self, frame: bytes, seen: Millis) -> Sequence[Inbound]:
        """Whatever is no frame of alike trades."""
        if rows := SHAPES.fit(frame):
            return trades(rows, seen)
        if frame[0] == 48:  # "0": plain, as all are but notices
            _, name, count, payload = frame.split(b"|", 3)
            tr = HEADS[name]
            if tr.topic is Topic.TRADE:
                return cut(payload, int(count), tr, frame, seen)
            return others(payload, int(count), tr, frame, seen)
        if frame[0] == 49:
            return self._sealed(frame, seen)
        return [self._told(frame, seen)]

    def _sealed(self, frame: bytes, seen: Millis) -> list[Inbound]:
        _, name, count, payload = frame.split(b"|", 3)
        tr = HEADS[name]
        if name not in self._keys:
            raise WireSurprise("KIS sent an encrypted frame before its key", head=_head(frame))
        return others(decrypt(payload, *self._keys[name]), int(count), tr, frame, seen)

    def _told(self, frame: bytes, seen: Millis) -> Inbound:
        """What is not data: an answer, or a PINGPONG that goes back as it came."""
        answer = ANSWER.decode(frame)
        if answer.header.tr_id == "PINGPONG":
            return Echo(bytes(frame), seen)
        if answer.body is None:
            raise ValueError("an answer without a body")
        self._remember(answer.header.tr_id, answer.body.output)
        tr = TRS.get(answer.header.tr_id)
        return Acknowledged(
            topic=tr.topic.value if tr else answer.header.tr_id,
            symbol=(answer.header.tr_key or "").strip(),
            code=answer.body.msg_cd,
            message=answer.body.msg1.strip(),
            seen=seen,
        )

    def _remember(self, name: str, output: Output | None) -> None:
        if output is not None and output.key and output.iv:
            key, iv = output.key.encode("ascii"), output.iv.encode("ascii")
            if (len(key), len(iv)) == (KEY, IV):
                self._keys[name.encode()] = key, iv


def several(
    frames: Sequence[bytes], seen: Millis, seldom: Callable[[bytes, Millis], Sequence[Inbound]] | None = None
) -> list[Inbound]:
    """The events of frames that came together; `seldom` reads what is no frame of alike trades.

    Raises:
        WireSurprise: as `Decoder`, for the first frame that does not read.
    """
    events: list[Inbound] = []
    frame = b""
    try:
        for frame in frames:
            if not alike(frame, seen, events):
                events += (seldom or Decoder().seldom)(frame, seen)
    except FAULTS as fault:
        raise WireSurprise("KIS frame does not read", fault=type(fault).__name__, head=_head(frame)) from None
    return events


def decode(frame: bytes, seen: Millis) -> Sequence[Inbound]:
    """One frame by itself, as from a tape: whatever needs the memory of a connection is a surprise."""
    return Decoder()(frame, seen)


def _head(frame: bytes) -> str:
    """The part of a frame that names it and tells nothing else."""
    return frame[: HEAD - 1].decode("ascii", "replace")


def _asked(kind: str, channels: frozenset[Channel], ticket: str) -> list[bytes]:
    """One message for each channel, in a fixed order: KIS registers one at a time."""
    return [
        msgspec.json.encode(
            {
                "header": {"approval_key": ticket, "custtype": "P", "tr_type": kind, "content-type": "utf-8"},
                "body": {"input": {"tr_id": _name(channel), "tr_key": channel.symbol}},
            }
        )
        for channel in sorted(channels)
    ]


def _name(channel: Channel) -> str:
    """The TR id of a channel; own-order notices are those of the real environment where none is named."""
    detail = channel.detail or ("real" if channel.topic is Topic.ORDERS else "")
    if (channel.topic, detail) not in NAMES:
        allowed = " ".join(sorted(repr(other) for topic, other in NAMES if topic is channel.topic))
        raise Misconfigured("KIS streams no such thing", topic=channel.topic.value, asked=detail, allowed=allowed)
    return NAMES[channel.topic, detail]


def request(channels: frozenset[Channel], ticket: str) -> list[bytes]:
    """What registers these channels; `ticket` is the approval key."""
    return _asked("1", channels, ticket)


def release(channels: frozenset[Channel], ticket: str) -> list[bytes]:
    """What gives their registrations up. (Some official texts say `0`; they are stale, reference 7.2.)"""
    return _asked("2", channels, ticket)


STREAM = StreamSpec(
    market=Market.KRX,
    decode=decode,
    request=request,
    release=release,
    replaces=False,
    heartbeat=None,
    ping_s=30.0,
    mute_s=125.0,
    stale_s=120.0,
    messages_per_s=0,
    messages_per_min=0,
    connects_per_s=1,
    channels_per_connection=41,
    topics=(Topic.TRADE, Topic.STATE, Topic.BOOK),
    decoder=Decoder,
    several=several,
    answers=True,
    cure=cure,
    slots=41,
    gap_ms=110,
    keyed=True,
    mock=MOCK,
    own=same_account,
)
"""KIS's PINGPONG proves the line: every 10 s on paper, by some accounts only every 100 s, hence `mute_s`; our own
protocol ping is extra. KIS advises 100 ms or more between messages (reference 3.1); the tenth on top covers clocks
that count whole milliseconds and run a little apart. Topics are in the order in which they are worth a registration."""
