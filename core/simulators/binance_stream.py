"""The socket half of Binance's simulated streams: upgrades, limits, control messages, pings, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from core.simulators.binance_limits import BinanceLimits, WeightGate
from core.simulators.binance_press import SHUTDOWN, Press, farewell, micros, wrapped
from core.simulators.binance_requests import BAD_REQUEST, Said, Wrong, feed, read
from core.simulators.connection import Connection, Switchboard
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.limits import Window
from core.simulators.market import SimulatedMarket, Turn
from core.simulators.served import Served

QUEUE = 50_000
RAW, COMBINED = "/ws", "/stream"
HALF_FRAME = b"\x81\x7e\x01\x00" + b'{"stream":"btcusdt@trade","data":{"e":"tr'
"""A text frame that announces 256 bytes and holds fewer."""


class Guest:
    """One client: its streams in the order asked, how it wants them worded, and the clocks of its pings."""

    def __init__(self, request: web.Request, limits: BinanceLimits, at: int) -> None:
        self.streams: dict[str, None] = {}
        self.combined = request.path.startswith(COMBINED)
        self.micros = request.query.get("timeUnit", "").upper() == "MICROSECOND"
        self.messages = Window(limits.messages_per_s, 1000)
        self.ping_due = at + round(limits.ping_every_s * 1000)
        self.pinged: bytes | None = None
        self.pong_by = 0
        self.ends_at = at + round(limits.life_s * 1000)

    def worded(self, name: str, payload: bytes) -> bytes:
        said = micros(payload) if self.micros else payload
        return wrapped(name, said) if self.combined else said

    def ponged(self, payload: bytes) -> None:
        """Only the payload of the last ping proves that the client is there."""
        if payload == self.pinged:
            self.pinged = None


Link = Connection[Guest]


class BinanceStreams:
    """All market stream connections of one simulated Binance."""

    def __init__(
        self,
        market: SimulatedMarket,
        faults: Faults,
        limits: BinanceLimits,
        gate: WeightGate,
        served: Served,
        clock: Callable[[], int],
        silent: frozenset[str],
    ) -> None:
        self._faults, self._limits, self._gate, self._served, self._clock = faults, limits, gate, served, clock
        self._press = Press(market, limits, silent)
        self._board: Switchboard[Guest] = Switchboard(served, clock, HALF_FRAME)
        self._pings: set[asyncio.Task[None]] = set()
        self.links = self._board.connections

    @staticmethod
    def has(path: str) -> bool:
        """Whether a path is one of the streams'."""
        return path in (RAW, COMBINED) or path.startswith(f"{RAW}/")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one upgrade until its connection ends."""
        at = self._clock()
        if not self._gate.connect(at):
            self._served.refused("connects over the limit", at)
            return web.Response(status=429, text="Too many connection attempts")
        names = _named(request)
        if any(feed(name) is None for name in names) or len(names) > self._limits.streams:
            self._served.refused("bad streams in the address", at)
            return web.Response(status=400, text="Invalid streams")
        link = Link(request, Guest(request, self._limits, at), self._faults, at, text=True, room=QUEUE)
        link.guest.streams.update(dict.fromkeys(names))
        await link.socket.prepare(request)
        await self._board.converse(link, self._listen)
        return link.socket

    async def _listen(self, link: Link) -> None:
        """Take the client's messages until it goes or must go; pings and pongs count as messages."""
        async for message in link.socket:
            at = link.touched = self._clock()
            if message.type is WSMsgType.ERROR:
                return
            if link.guest.messages.take(at) < 0:
                await self._scold(link, at)
                return
            await self._heard(link, message, at)

    async def _heard(self, link: Link, message: WSMessage, at: int) -> None:
        match message.type:
            case WSMsgType.PING:
                await link.socket.pong(message.data)
            case WSMsgType.PONG:
                link.guest.ponged(bytes(message.data))
            case WSMsgType.TEXT | WSMsgType.BINARY:
                text = message.data if isinstance(message.data, str) else message.data.decode(errors="replace")
                self._served.heard(text)
                link.put(self._answer(link.guest, read(text), at))
            case _:
                pass

    async def _scold(self, link: Link, at: int) -> None:
        """Too many messages: closed with 1008 or dropped, as the limits say."""
        self._served.refused("messages over the limit", at)
        if self._limits.over_messages == "drop":
            link.cut("messages over the limit")
        else:
            await link.socket.close(code=1008, message=b"Too many requests")

    def _answer(self, guest: Guest, said: Said | Wrong, at: int) -> bytes:
        if fault := self._faults.take(Kind.REGISTER, at):
            said = Wrong(BAD_REQUEST, fault.code or "Invalid request: try again", said.id)
        if isinstance(said, Said) and (over := self._over(guest, said)):
            said = over
        if isinstance(said, Wrong):
            self._served.refused(f"error {said.code}", at, said.message)
            return said.frame()
        return msgspec.json.encode({"result": _carried_out(guest, said), "id": said.id})

    def _over(self, guest: Guest, said: Said) -> Wrong | None:
        """More streams than one connection may have are refused as a whole."""
        if said.method != "SUBSCRIBE" or len(guest.streams.keys() | set(said.names)) <= self._limits.streams:
            return None
        return Wrong(BAD_REQUEST, f"Invalid request: at most {self._limits.streams} streams a connection", said.id)

    # what is owed -----------------------------------------------------------------------------------------------

    def turn(self, news: Turn, at: int) -> None:
        """Send what a turn of the market owes to each connection; ping, and end those whose time has come."""
        wanted = (name for link in self.links for name in link.guest.streams)
        told = self._press.print(wanted, news, at)
        for link in list(self.links):
            for name in [name for name in link.guest.streams if name in told]:
                self._send(link, name, told[name], at)
            self._keep(link, at)

    def _send(self, link: Link, name: str, payloads: Iterable[bytes], at: int) -> None:
        kind = name.partition("@")[2].partition("@")[0]
        for payload in payloads:
            self._served.sent(kind)
            link.push(link.guest.worded(name, payload), at)

    def _keep(self, link: Link, at: int) -> None:
        guest = link.guest
        if at >= guest.ends_at:
            link.cut("its time is over")
        elif guest.pinged is not None and at >= guest.pong_by:
            link.cut("no pong")
        elif at >= guest.ping_due:
            guest.ping_due = at + round(self._limits.ping_every_s * 1000)
            if not self._faults.take(Kind.STALL, at):
                self._ping(link, at)

    def _ping(self, link: Link, at: int) -> None:
        """A ping on the heels of one that was not answered leaves its deadline where it was."""
        guest = link.guest
        if guest.pinged is None:
            guest.pong_by = at + round(self._limits.pong_within_s * 1000)
        guest.pinged = str(at).encode()
        self._served.sent("ping")
        ping = asyncio.get_running_loop().create_task(_pinged(link, guest.pinged))
        self._pings.add(ping)
        ping.add_done_callback(self._pings.discard)

    def hit(self, faults: Iterable[Fault]) -> None:
        """Carry out the faults that cut open streams; a farewell is told first."""
        for fault in faults:
            if fault.kind is Kind.FAREWELL:
                self._leave(fault, self._clock())
            else:
                self._board.hit([fault])

    def _leave(self, fault: Fault, at: int) -> None:
        self._served.hit(fault.kind, at)
        for link in self.links:
            said = farewell(at)
            link.put(wrapped(SHUTDOWN, said) if link.guest.combined else said)
            link.guest.ends_at = at + round(fault.delay_s * 1000)

    def close(self) -> None:
        """Cut every connection."""
        self._board.close()


def _named(request: web.Request) -> list[str]:
    """Streams that the address names: `/ws/<stream>`, or `/stream?streams=<a>/<b>`."""
    if request.path.startswith(COMBINED):
        return [name for name in request.query.get("streams", "").split("/") if name]
    return [name for name in request.path.removeprefix(RAW).split("/") if name]


def _carried_out(guest: Guest, said: Said) -> object:
    """Do what a message says; gives the `result` of its answer."""
    match said.method:
        case "SUBSCRIBE":
            guest.streams.update(dict.fromkeys(said.names))
        case "UNSUBSCRIBE":
            for name in said.names:
                guest.streams.pop(name, None)
        case "LIST_SUBSCRIPTIONS":
            return list(guest.streams)
        case "SET_PROPERTY":
            guest.combined = bool(said.value)
        case _:
            return guest.combined
    return None


async def _pinged(link: Link, payload: bytes) -> None:
    try:
        await link.socket.ping(payload)
    except ConnectionError:
        link.cut("gone")
