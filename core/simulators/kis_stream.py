"""The socket half of the simulated KIS stream: sessions, PINGPONG, frames, and faults on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

import msgspec
from aiohttp import WSMsgType, web

from core.domain.policies import Environment
from core.simulators.connection import Connection, Switchboard
from core.simulators.faults import Fault, Kind
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
HALF_FRAME = b"\x81\x7e\x01\x00" + b"0|H0STCNT0|001|005930^0930"
"""A text frame that announces 256 bytes and holds fewer."""


class Guest:
    """One client: its registrations, its number, and the clocks of PINGPONG."""

    def __init__(self, subscriber: Subscriber, number: int, at: int, ping_due: int) -> None:
        self.subscriber, self.number = subscriber, number
        self.ponged, self.ping_due = at, ping_due


Link = Connection[Guest]


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
        self._board: Switchboard[Guest] = Switchboard(self._served, clock, HALF_FRAME)
        self.links = self._board.connections

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one upgrade until its connection ends."""
        at, number = self._clock(), next(self._numbers)
        subscriber, due = Subscriber(self._desk, number), at + round(self._limits.ping_every_s * 1000)
        link = Link(request, Guest(subscriber, number, at, due), self._desk.faults, at, text=True, room=QUEUE)
        await link.socket.prepare(request)
        try:
            await self._board.converse(link, self._listen)
        finally:
            self._end(link)
        return link.socket

    def _end(self, link: Link) -> None:
        at, code = self._clock(), link.socket.close_code
        clean = not link.ended and code in (1000, 1001)
        self._desk.slots.free(link.guest.number, at, clean=clean)

    async def _listen(self, link: Link) -> None:
        """Take the client's messages until it goes or must go."""
        async for message in link.socket:
            at = self._clock()
            match message.type:
                case WSMsgType.PING:
                    await link.socket.pong(message.data)
                case WSMsgType.PONG if b"PINGPONG" in message.data:
                    link.guest.ponged = at
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
            link.guest.ponged = at
            return True
        self._served.messages += 1  # their text holds an approval key: it is not kept
        answer = link.guest.subscriber.asked(said, at)
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
            for tr_id, tr_key in list(link.guest.subscriber.held):
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
            for (tr_id, tr_key), secret in list(link.guest.subscriber.held.items()):
                if tr_id in NOTICES:
                    cells = notice_cells(notice, account, tr_key, name, self._flavour)
                    body = sealed("^".join(widened(cells, self._limits.notice_cells)), secret)
                    self._served.sent(tr_id)
                    link.push(f"1|{tr_id}|001|{body}".encode(), at)

    async def told(self) -> None:
        """Wait until every notice queued has been handed to the sockets."""
        for link in list(self.links):
            if any(tr_id in NOTICES for tr_id, _ in link.guest.subscriber.held):
                await link.written()

    def turn(self, at: int) -> None:
        """Keep PINGPONG going; cut the mute and the idle."""
        for link in list(self.links):
            if at >= link.guest.ping_due:
                link.guest.ping_due = at + round(self._limits.ping_every_s * 1000)
                if not self._desk.faults.take(Kind.STALL, at):
                    self._served.sent("PINGPONG")
                    link.put(pingpong(at))
            if at - link.guest.ponged >= self._limits.pong_within_s * 1000:
                link.cut("no PINGPONG")
            elif link.guest.subscriber.key is None and at - link.began >= self._limits.idle_s * 1000:
                link.cut("idle")

    def hit(self, faults: Iterable[Fault]) -> None:
        """Carry out the faults that cut open streams."""
        self._board.hit(faults)

    def close(self) -> None:
        """Cut every connection."""
        self._board.close()


def pingpong(at: int) -> bytes:
    """The server's sign of life, to be sent back as it is."""
    return msgspec.json.encode({"header": {"tr_id": "PINGPONG", "datetime": date_of(at) + time_of(at)}})
