"""What the streamer writes of itself: what is buyable, how it is, what it needs to go on after a kill (D9, D13)."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from struct import Struct

import msgspec

from core.app.ports import Ledger, Shelf
from core.domain.engine import Engine
from core.domain.levels import Buyable, Saved, StreamHealth
from core.domain.orders import Order
from core.domain.tenure import Shard
from core.domain.values import Market, Millis, Side
from streamer import parts
from streamer.pump import Pump

UNCHANGED_ROUNDS = 10
"""The engine's state is large: while nothing was decided and nothing moved, it is written every so many rounds only."""
BUYABLE_TTL_S = 24 * 3600
LENGTH = Struct("=I")
"""Before each piece of the engine's state."""
LOT = 64 * 1024
"""Bytes of state that are encoded without a pause, a millisecond's work, and then compressed in a thread."""
Aside = Callable[[Callable[[], bytes]], Awaitable[bytes]]
"""Makes bytes in a thread."""


def bought_since(ledger: Ledger, market: Market, day: str, since: Millis) -> list[Order]:
    """Buys of the day that were decided after `since`: signals that a state saved then knows nothing of (E8)."""
    return [order for order in ledger.orders(market, day) if order.side is Side.BUY and order.at >= since]


class Mark(msgspec.Struct, frozen=True):
    """What makes a new copy of the state worth writing at once."""

    wanted: tuple[str, ...]
    cooldowns: dict[str, Millis]
    signals: int
    top: tuple[str, ...]


def buyable(market: Market, engine: Engine, at: Millis) -> Buyable:
    return Buyable(market=market, at=at, signals=tuple(engine.buyable(at)))


def health(pump: Pump, engine: Engine, host: str, started: Millis, at: Millis) -> StreamHealth:
    return StreamHealth(
        market=pump.market,
        at=at,
        host=host,
        started=started,
        last_data=pump.last_data,
        subscribed=pump.subscribed,
        connected=pump.connected,
        reconnects=pump.reconnects,
        messages=pump.frames,
        surprises=pump.quarantine.count,
        late=engine.late,
        duplicates=engine.duplicates,
        gaps=pump.gaps,
        signals=engine.signals,
        latency_p50_ms=pump.latency.quantile(0.50),
        latency_p99_ms=pump.latency.quantile(0.99),
        added=pump.added,
        removed=pump.removed,
        cut=pump.cut,
        halted=tuple(sorted(engine.halted)),
        wanted=pump.wanted,
        heard={symbol: seen for symbol in pump.firm if (seen := heard(engine, symbol, at))},
    )


def heard(engine: Engine, symbol: str, at: Millis) -> Millis:
    """Our clock at the newest data of a symbol, 0 before the first; of a trade only the venue's clock is kept."""
    known = engine.snapshot(symbol)
    if known is None:
        return Millis(0)
    stamps = (known.book.seen if known.book else 0, known.ticker.seen if known.ticker else 0, min(known.at, at))
    return Millis(max(stamps))


class Saver:
    """Decides when the whole state is written; `round` counts how often it was asked.

    The engine is encoded on the loop, lot by lot, all else happens in a thread.
    """

    def __init__(self, shard: Shard, shelf: Shelf) -> None:
        self._market, self._shard, self._shelf = shard.market, shard, shelf
        self._last: Mark | None = None
        self._rounds = self.round = 0

    def due(self, mark: Mark) -> bool:
        self._rounds += 1
        self.round += 1
        if mark == self._last and self._rounds < UNCHANGED_ROUNDS:
            return False
        self._last, self._rounds = mark, 0
        return True

    async def saved(self, mark: Mark, engine: Engine, at: Millis, aside: Aside) -> Saved:
        return Saved(
            market=self._market,
            at=at,
            wanted=mark.wanted,
            cooldowns=mark.cooldowns,
            engine=await pressed(engine.save(), aside),
            top=mark.top,
        )

    def write(self, values: list[msgspec.Struct]) -> None:
        """Blocking, for a thread. Raises Transient where the table does not answer."""
        for value in values:
            life_s = BUYABLE_TTL_S if isinstance(value, Buyable) else None
            if self._shard.tag:
                self._shelf.write(value, ttl_s=life_s, tag=self._shard.tag)
            if not self._shard.tag:
                self._shelf.write(value, ttl_s=life_s)
            elif isinstance(value, Buyable | StreamHealth):
                self._shelf.write(parts.whole(value, self._shelf, self._shard), ttl_s=life_s)

    def last(self) -> Saved | None:
        """What was saved of this shard; blocking, for a thread."""
        tag = self._shard.tag
        return self._shelf.read_tagged(Saved, self._market, tag) if tag else self._shelf.read(Saved, self._market)


async def pressed(pieces: Iterator[bytes], aside: Aside) -> bytes:
    """The pieces under zlib. Never all of them at once: of a thousand symbols they are megabytes."""
    press, body = zlib.compressobj(1), bytearray()
    for lot in _lots(pieces):
        body += await aside(partial(press.compress, lot))
    return bytes(body + press.flush())


def pieces_of(written: bytes) -> Iterator[bytes]:
    """What `pressed` was given, one by one. Raises ValueError for what it did not make, or not to the end."""
    wide, waiting = zlib.decompressobj(), bytearray()
    try:
        for start in range(0, len(written), LOT):
            waiting += wide.decompress(written[start : start + LOT])
            yield from _whole(waiting)
    except zlib.error as fault:
        raise ValueError("not of this program") from fault
    if not wide.eof or waiting:
        raise ValueError("cut off")


def _lots(pieces: Iterable[bytes]) -> Iterator[bytes]:
    lot = bytearray()
    for part in chain.from_iterable((LENGTH.pack(len(piece)), piece) for piece in pieces):
        lot += part
        if len(lot) >= LOT:
            yield bytes(lot)
            lot.clear()
    yield bytes(lot)


def _whole(waiting: bytearray) -> Iterator[bytes]:
    """Take the pieces out that are all there."""
    start = 0
    while len(waiting) - start >= LENGTH.size:
        begins = start + LENGTH.size
        ends = begins + LENGTH.unpack_from(waiting, start)[0]
        if ends > len(waiting):
            break
        yield bytes(waiting[begins:ends])
        start = ends
    del waiting[:start]
