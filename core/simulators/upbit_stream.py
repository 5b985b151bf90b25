"""The socket half of Upbit's simulated stream: upgrades, limits, idle rule, errors and faults on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Set

from aiohttp import WSMsgType, web

from core.domain.values import Millis
from core.simulators.connection import Connection, Switchboard
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.limits import Gate, Limits, Postbox, remaining
from core.simulators.market import SimulatedMarket, Turn
from core.simulators.served import Served
from core.simulators.tape import Recorded, played
from core.simulators.upbit_requests import ListAll, Ping, Subscribe, Wrong, read
from core.simulators.upbit_subscriber import Press, Subscriber

QUEUE = 20_000
"""Frames that wait for a slow reader before it is cut off."""

STATUS = b'{"status":"UP"}'
HALF_FRAME = b"\x82\x7e\x01\x00" + b'{"type":"trade","code":"KRW-BTC","timest'
"""A binary frame that announces 256 bytes and holds 40."""


class Guest:
    """One client: what it asked for, its messages, and when it is due a status frame."""

    def __init__(self, subscriber: Subscriber, limits: Limits) -> None:
        self.subscriber = subscriber
        self.postbox = Postbox(limits)
        self.status_due: int | None = None


Link = Connection[Guest]


class StreamServer:
    """All connections of one simulated stream. `codes` are those of a tape; with any, only the tape is heard."""

    def __init__(
        self,
        market: SimulatedMarket,
        faults: Faults,
        limits: Limits,
        gate: Gate,
        served: Served,
        clock: Callable[[], int],
        codes: Set[str],
    ) -> None:
        self._market, self._faults, self._limits, self._gate = market, faults, limits, gate
        self._served, self._clock = served, clock
        self._board: Switchboard[Guest] = Switchboard(served, clock, HALF_FRAME)
        self._press = Press(market)
        self._codes = market.lines.keys() | codes
        self._live = not codes
        self.asked = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one upgrade until its connection ends."""
        at = self._clock()
        group = "origin" if "Origin" in request.headers else "websocket"
        verdict = self._gate.call(group, at) if group == "origin" else self._gate.connect(at)
        headers = {"Remaining-Req": remaining(group, verdict.left)}
        if verdict.status:
            self._served.refused("connects over the limit", at)
            return web.Response(status=verdict.status, text="Too many API requests.", headers=headers)
        guest = Guest(Subscriber(self._market, self._limits.snapshot_ms), self._limits)
        link = Link(request, guest, self._faults, at, text=False, room=QUEUE)
        link.socket.headers.update(headers)
        await link.socket.prepare(request)
        await self._board.converse(link, self._listen)
        return link.socket

    async def _listen(self, link: Link) -> None:
        """Take the client's messages until it goes or must go."""
        async for message in link.socket:
            at = link.touched = self._clock()
            match message.type:
                case WSMsgType.PING:
                    await link.socket.pong(message.data)
                case WSMsgType.TEXT | WSMsgType.BINARY if not await self._answer(link, message.data, at):
                    return
                case WSMsgType.ERROR:
                    return
                case _:
                    pass

    async def _answer(self, link: Link, data: str | bytes, at: int) -> bool:
        """Act on one message; False where it ends the connection."""
        text = data if isinstance(data, str) else data.decode(errors="replace")
        self._served.heard(text)
        if not link.guest.postbox.fits(at):
            return await self._scold(link, at)
        match read(text, self._codes):
            case Ping():
                link.guest.status_due = at
            case Subscribe() as said:
                link.guest.subscriber.subscribe(said, at)
                self.asked.set()
            case ListAll() as said:
                link.put(link.guest.subscriber.listing(said))
            case Wrong() as wrong:
                return await self._decline(link, wrong, at)
        return True

    async def _scold(self, link: Link, at: int) -> bool:
        """Too many messages: closed with 1008 or dropped, as the limits say."""
        self._served.refused("messages over the limit", at)
        if self._limits.over_messages == "drop":
            link.cut("messages over the limit")
        else:
            await link.socket.close(code=1008, message=b"too many messages")
        return False

    async def _decline(self, link: Link, wrong: Wrong, at: int) -> bool:
        """Error frame, a breath, close 1000."""
        self._served.refused(wrong.name, at, wrong.message)
        link.put(wrong.frame())
        await asyncio.sleep(self._limits.error_close_ms / 1000)
        await link.socket.close(code=1000)
        return False

    def turn(self, news: Turn, at: int) -> None:
        """Send what a turn of the market owes to each connection, keep the status beat, end the idle."""
        self._press.begin(news, at)
        for link in list(self._board.connections):
            if self._live:
                for owed in link.guest.subscriber.owed(self._press):
                    self._served.sent(owed.kind)
                    link.push(owed.frame, at)
            if link.guest.status_due is not None and at >= link.guest.status_due:
                link.guest.status_due = at + round(self._limits.status_s * 1000)
                self._beat(link, at)
            if at - link.touched >= self._limits.idle_s * 1000:
                link.cut("idle")

    def _beat(self, link: Link, at: int) -> None:
        """A status frame; a stalled stream does not even say that."""
        if not self._faults.take(Kind.STALL, at):
            link.touched = at
            link.put(STATUS)

    def hit(self, faults: Iterable[Fault]) -> None:
        """Carry out the faults that cut open streams."""
        self._board.hit(faults)

    async def play(self, tape: Iterable[tuple[Millis, bytes]], speed: float) -> int:
        """Play a tape to whoever asked for its codes, instead of the market; returns the frames played."""
        self._live, count = False, 0
        async for frame in played(tape, speed):
            count += 1
            await self._play_one(frame)
        return count

    async def _play_one(self, frame: Recorded) -> None:
        for link in list(self._board.connections):
            if any(frame.wanted(ask) for ask in link.guest.subscriber.asks):
                self._served.sent(frame.kind)
                await link.put_when_room(frame.styled(link.guest.subscriber.style), self._clock())

    def close(self) -> None:
        """Cut every connection."""
        self._board.close()
