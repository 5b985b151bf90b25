"""Upbit on loopback: REST and stream on one port, with a control side under `/_sim/` that no limit counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Set
from typing import Self

import msgspec
from aiohttp import web

from core.domain.values import Millis
from core.simulators.control import Control
from core.simulators.faults import Faults, Kind
from core.simulators.host import HOST, Host, upgrading, wall_ms
from core.simulators.limits import Gate, Limits, remaining
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
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
    ) -> None:
        self.market, self.clock = market, clock
        self.faults = faults or Faults()
        self.limits = limits or Limits()
        self.log = log or Served()
        self._gate = Gate(self.limits)
        self.stream = StreamServer(market, self.faults, self.limits, self._gate, self.log, clock, codes)
        control = Control(market, self.faults, self.log, self.turn)
        self._host = Host(self.turn, self._handle, faults=self.faults, log=self.log, doors=[control], port=port)

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
        self.stream.turn(self.market.advance(at), at)
        return at

    async def play(self, tape: Iterable[tuple[Millis, bytes]], speed: float = 1.0) -> int:
        """Play a recorded tape to the subscribers of its codes; the market's own news stop. Returns frames played."""
        return await self.stream.play(tape, speed)

    async def _handle(self, request: web.Request, at: int) -> web.StreamResponse:
        if request.path == STREAM_PATH and upgrading(request):
            return await self.stream.handle(request)
        reply, headers = await self._reply(request, at)
        self.log.answered(reply.status)
        kind = "text/plain" if reply.status in (418, 429) else "application/json"
        response = web.Response(
            status=reply.status, body=reply.body, headers=headers, content_type=kind, charset="utf-8"
        )
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

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
            pause = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            body = (
                b"Too many API requests."
                if fault.status == 429
                else msgspec.json.encode({"error": {"name": fault.status}})
            )
            return Reply(fault.status, body, group), headers | pause
        return answer(request.path, dict(request.query), self.market, at), headers
