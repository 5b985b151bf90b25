"""Upbit on loopback: REST and stream on one port, with a control side under `/_sim/` that no limit counts.

The private side is that of one account, whose books `GET /_sim/books` tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Set
from decimal import Decimal
from typing import Self

import msgspec
from aiohttp import web

from core.domain.values import Millis
from core.simulators.coin_office import CoinOffice
from core.simulators.control import Control
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.host import HOST, Host, hung_up, upgrading, wall_ms
from core.simulators.limits import Gate, Limits, remaining
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
from core.simulators.upbit_keys import AccessKey
from core.simulators.upbit_private import FUNDS, Call, Private
from core.simulators.upbit_rest import Reply, answer, group_of
from core.simulators.upbit_stream import StreamServer

STREAM_PATH = "/websocket/v1"


class UpbitSimulator:
    """`async with UpbitSimulator(market) as upbit:` serves until the block ends.

    market  what is traded; it goes on with `clock`, so it should have been started near it
    faults  what goes wrong and when, counted from the start
    limits  what is enforced
    port    0 takes a free one. Raises OSError where the port is taken
    codes   what a tape that will be played is about: these can be subscribed too, and the market stays silent
    funds   what the account begins with, by currency; `keys` may ask for it
    """

    def __init__(
        self,
        market: SimulatedMarket,
        *,
        faults: Faults | None = None,
        limits: Limits | None = None,
        clock: Callable[[], int] = wall_ms,
        port: int = 0,
        log: Served | None = None,
        codes: Set[str] = frozenset(),
        funds: Mapping[str, Decimal] = FUNDS,
        keys: tuple[AccessKey, ...] = (AccessKey(),),
    ) -> None:
        self.market, self.clock = market, clock
        self.faults = faults or Faults()
        self.limits = limits or Limits()
        self.log = log or Served()
        self._gate = Gate(self.limits)
        self.stream = StreamServer(market, self.faults, self.limits, self._gate, self.log, clock, codes)
        self.private = Private(market, self.log, keys=keys, funds=funds)
        self.books = self.private.account
        control, office = Control(market, self.faults, self.log, self.turn), CoinOffice(self.books)
        self._host = Host(self.turn, self._handle, faults=self.faults, log=self.log, doors=[control, office], port=port)

    @property
    def port(self) -> int:
        return self._host.port

    @property
    def rest_url(self) -> str:
        """Base address of the REST side; paths begin with /v1."""
        return self._host.url

    @property
    def stream_url(self) -> str:
        return f"ws://{HOST}:{self.port}{STREAM_PATH}"

    async def __aenter__(self) -> Self:
        await self._host.open(self.clock())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._host.rest()
        self.stream.close()
        await self._host.close()

    def turn(self) -> int:
        """Bring market, streams and faults up to the clock; gives the moment."""
        at = self.clock()
        self.stream.hit(self.faults.due(at))
        turn = self.market.advance(at)
        self.books.turned(turn.trades, at)
        self.stream.turn(turn, at)
        return at

    async def play(self, tape: Iterable[tuple[Millis, bytes]], speed: float = 1.0) -> int:
        """Play a recorded tape to the subscribers of its codes; the market's own news stop. Returns frames played."""
        return await self.stream.play(tape, speed)

    async def _handle(self, request: web.Request, at: int) -> web.StreamResponse:
        if request.path == STREAM_PATH and upgrading(request):
            return await self.stream.handle(request)
        if self.private.owns(request.method, request.path):
            return await self._account(request, at)
        reply, headers = await self._reply(request, at)
        self.log.answered(reply.status)
        kind = "text/plain" if reply.status in (418, 429) else "application/json"
        response = web.Response(
            status=reply.status, body=reply.body, headers=headers, content_type=kind, charset="utf-8"
        )
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _account(self, request: web.Request, at: int) -> web.StreamResponse:
        """One call about the account past the faults: a line that is cut before it or after it was carried out."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        pairs, body = list(request.query.items()), await request.read()
        call = Call(request.method, request.path, headers, pairs, body, request.remote or "")
        if self._hit(Kind.LOST_REQUEST, request, at):
            return hung_up(request)
        if fault := self._hit(Kind.HTTP, request, at):
            return told(*self._instead(fault, ""))
        reply, more = self.private.answer(call, at)
        if self._hit(Kind.LOST_REPLY, request, at):
            return hung_up(request)
        if slow := self._hit(Kind.SLOW, request, at):
            await asyncio.sleep(slow.delay_s)
        self.log.answered(reply.status)
        return told(reply, more)

    def _hit(self, kind: Kind, request: web.Request, at: int) -> Fault | None:
        if fault := self.faults.take(kind, at, request.path):
            self.log.hit(kind, at)
        return fault

    async def _reply(self, request: web.Request, at: int) -> tuple[Reply, dict[str, str]]:
        """One REST call past the gate, the faults and the market."""
        group = group_of(request.path) if request.method == "GET" else ""
        if not group:
            self.log.refused("no such route", at, request.path)
            return answer("", {}, self.market, at), {}
        group = "origin" if "Origin" in request.headers else group
        self.log.called(request.path, group, at)
        verdict = self._gate.call(group, at)
        headers = {"Remaining-Req": remaining(group, verdict.left), "limit-by-ip": "Yes"}
        if verdict.status:
            return self._refuse(verdict.status, verdict.wait_s, group, at), headers | self._pause(verdict.wait_s)
        return await self._faulty(request, group, headers, at)

    def _refuse(self, status: int, wait_s: float, group: str, at: int) -> Reply:
        self.log.refused(f"{status} {group}", at)
        if status == 429:
            return Reply(429, b"Too many API requests.", group)
        text = f"This IP has been blocked for {wait_s:.0f} seconds because of too many API requests."
        return Reply(status, text.encode(), group)

    def _pause(self, wait_s: float) -> dict[str, str]:
        return {"Retry-After": f"{max(wait_s, 1):.0f}"} if self.limits.retry_after else {}

    async def _faulty(
        self, request: web.Request, group: str, headers: dict[str, str], at: int
    ) -> tuple[Reply, dict[str, str]]:
        """The answer, slowed down or replaced where a fault says so."""
        if slow := self.faults.take(Kind.SLOW, at, request.path):
            self.log.hit(Kind.SLOW, at)
            await asyncio.sleep(slow.delay_s)
            at = self.turn()
        if fault := self.faults.take(Kind.HTTP, at, request.path):
            self.log.hit(Kind.HTTP, at)
            reply, pause = self._instead(fault, group)
            return reply, headers | pause
        return answer(request.path, dict(request.query), self.market, at), headers

    def _instead(self, fault: Fault, group: str) -> tuple[Reply, dict[str, str]]:
        """What a fault answers; `code` is the name of a private call's error."""
        pause = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        said = {"error": {"name": fault.code or fault.status}}
        plain = fault.status == 429 and not fault.code
        return Reply(fault.status, b"Too many API requests." if plain else msgspec.json.encode(said), group), pause


def told(reply: Reply, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=headers, content_type="application/json", charset="utf-8"
    )
