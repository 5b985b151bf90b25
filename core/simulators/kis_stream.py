"""The socket half of the simulated KIS stream: sessions, PINGPONG, frames, and faults on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count

import msgspec
from aiohttp import WSMsgType, web

from core.domain.policies import Environment
from core.simulators.faults import Fault, Faults, Kind, Mangler
from core.simulators.kis_cipher import sealed
from core.simulators.kis_events import Turn
from core.simulators.kis_frames import notice_cells, widened
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_order import Notice
from core.simulators.kis_press import Press
from core.simulators.kis_requests import NOTICES, Pong, read
from core.simulators.kis_subscriber import Answered, Desk, Subscriber
from core.simulators.kis_time import date_of, time_of
from core.simulators.served import Served

QUEUE = 50_000
PATIENCE_S = 0.5
HALF_FRAME = b"\x81\x7e\x01\x00" + b"0|H0STCNT0|001|005930^0930"
"""A text frame that announces 256 bytes and holds fewer."""


class Link:
    """One open connection: a queue towards the client, and the clocks of PINGPONG."""

    def __init__(self, request: web.Request, subscriber: Subscriber, faults: Faults, number: int, at: int) -> None:
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=2**20)
        self.subscriber, self.number = subscriber, number
        self.began = self.ponged = at
        self.ping_due = at
        self.ended = ""
        self._request = request
        self._mangler = Mangler(faults)
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUE)
        self._loop = asyncio.get_running_loop()

    def push(self, frame: bytes, at: int) -> None:
        """Queue one data frame through the faults of the moment."""
        for delay, one in self._mangler.pass_on(frame, at):
            if delay:
                self._loop.call_later(delay / 1000, self.put, one)
            else:
                self.put(one)

    def put(self, frame: bytes) -> None:
        try:
            self._queue.put_nowait(frame.decode(errors="replace"))
        except asyncio.QueueFull:
            self.cut("slow reader")

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        with suppress(ConnectionError):
            while True:
                await self.socket.send_str(await self._queue.get())
                self._queue.task_done()

    async def written(self) -> None:
        """Wait until everything queued has been handed to the socket, or until that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._queue.join()

    def cut(self, reason: str, tail: bytes = b"") -> None:
        """End without a close frame (the client sees 1006): at once, or with `tail` as the last bytes."""
        self.ended = self.ended or reason
        if (transport := self._request.transport) is None:
            return
        if tail:
            transport.write(tail)
            transport.close()
        else:
            transport.abort()


class KisStream:
    """All connections of one environment."""

    def __init__(
        self,
        market: KrxMarket,
        flavour: Environment,
        limits: KisLimits,
        desk: Desk,
        clock: Callable[[], int],
    ) -> None:
        self._market, self._flavour, self._limits, self._desk, self._clock = market, flavour, limits, desk, clock
        self._served: Served = desk.served
        self._press = Press(market, limits)
        self._numbers = count(1)
        self.links: list[Link] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one upgrade until its connection ends."""
        at, number = self._clock(), next(self._numbers)
        link = Link(request, Subscriber(self._desk, number), self._desk.faults, number, at)
        link.ping_due = at + round(self._limits.ping_every_s * 1000)
        await link.socket.prepare(request)
        self._served.connected(at)
        self.links.append(link)
        writer = asyncio.create_task(link.write())
        try:
            await self._listen(link)
        finally:
            self.links.remove(link)
            writer.cancel()
            await asyncio.wait([writer])
            self._end(link)
        return link.socket

    def _end(self, link: Link) -> None:
        at, code = self._clock(), link.socket.close_code
        clean = not link.ended and code in (1000, 1001)
        self._desk.slots.free(link.number, at, clean=clean)
        self._served.disconnected(link.ended or f"closed {code}", at)

    async def _listen(self, link: Link) -> None:
        """Take the client's messages until it goes or must go."""
        async for message in link.socket:
            at = self._clock()
            match message.type:
                case WSMsgType.PING:
                    await link.socket.pong(message.data)
                case WSMsgType.PONG if b"PINGPONG" in message.data:
                    link.ponged = at
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    text = message.data if isinstance(message.data, str) else message.data.decode(errors="replace")
                    if not await self._answer(link, text, at):
                        return
                case WSMsgType.ERROR:
                    return
                case _:
                    pass

    async def _answer(self, link: Link, text: str, at: int) -> bool:
        """Act on one message; False where it ends the connection."""
        said = read(text, self._flavour)
        if isinstance(said, Pong):
            link.ponged = at
            return True
        self._served.messages += 1  # their text holds an approval key: it is not kept
        answer = link.subscriber.asked(said, at)
        return await self._send(link, answer)

    async def _send(self, link: Link, answer: Answered) -> bool:
        if answer.sudden:
            link.cut(answer.ends)
            return False
        self._served.sent("answer")
        link.put(answer.frame)
        if answer.ends:
            await link.written()
            link.ended = answer.ends
            await link.socket.close(code=1000)
        return not answer.ends

    # what is owed -----------------------------------------------------------------------------------------------

    def tell(self, turn: Turn) -> None:
        """Send a turn's news to whoever registered for it; nothing is kept for those who come later."""
        self._press.begin(turn)
        at = self._clock()
        for link in list(self.links):
            for tr_id, tr_key in list(link.subscriber.held):
                if tr_id in NOTICES:
                    continue
                for frame in self._press.frames(tr_id, tr_key):
                    self._served.sent(tr_id)
                    link.push(frame, at)

    def notify(self, notice: Notice, account: str) -> None:
        """Send an own-order notice, encrypted for each connection that registered for it."""
        at = self._clock()
        name = self._market.lines[notice.order.symbol].issue.name
        for link in list(self.links):
            for (tr_id, tr_key), secret in list(link.subscriber.held.items()):
                if tr_id in NOTICES:
                    cells = notice_cells(notice, account, tr_key, name, self._flavour)
                    body = sealed("^".join(widened(cells, self._limits.notice_cells)), secret)
                    self._served.sent(tr_id)
                    link.push(f"1|{tr_id}|001|{body}".encode(), at)

    async def told(self) -> None:
        """Wait until every notice queued has been handed to the sockets."""
        for link in list(self.links):
            if any(tr_id in NOTICES for tr_id, _ in link.subscriber.held):
                await link.written()

    def turn(self, at: int) -> None:
        """Keep PINGPONG going; cut the mute and the idle."""
        for link in list(self.links):
            if at >= link.ping_due:
                link.ping_due = at + round(self._limits.ping_every_s * 1000)
                if not self._desk.faults.take(Kind.STALL, at):
                    self._served.sent("PINGPONG")
                    link.put(pingpong(at))
            if at - link.ponged >= self._limits.pong_within_s * 1000:
                link.cut("no PINGPONG")
            elif link.subscriber.key is None and at - link.began >= self._limits.idle_s * 1000:
                link.cut("idle")

    def hit(self, faults: Iterable[Fault]) -> None:
        """Carry out the faults that cut open streams."""
        for fault in faults:
            self._served.hit(fault.kind, self._clock())
            for link in list(self.links):
                link.cut(fault.kind, HALF_FRAME if fault.kind is Kind.HALF_FRAME else b"")

    def close(self) -> None:
        """Cut every connection."""
        for link in list(self.links):
            link.cut("shut down")


def pingpong(at: int) -> bytes:
    """The server's sign of life, to be sent back as it is."""
    return msgspec.json.encode({"header": {"tr_id": "PINGPONG", "datetime": date_of(at) + time_of(at)}})
