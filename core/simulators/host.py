"""What every simulated venue is served on: one port on loopback, a control side, and a clock that keeps it going."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from aiohttp import web

from core.simulators.faults import Faults, Kind
from core.simulators.served import Served

HOST = "127.0.0.1"
PUMP_S = 0.05
"""How often the market goes on; a trade is told this long after its time at most."""


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Door(Protocol):
    """A side entrance for tests and drills: its routes are neither counted nor faulty."""

    def add_routes(self, application: web.Application) -> None: ...


class Host:
    """One server. `turn` brings the venue up to its clock and gives the moment; `answer` takes every other request.

    faults  their clock begins with `open`; an outage is carried out here
    doors   the control side
    port    0 takes a free one
    """

    def __init__(
        self,
        turn: Callable[[], int],
        answer: Callable[[web.Request, int], Awaitable[web.StreamResponse]],
        *,
        faults: Faults,
        log: Served,
        doors: Sequence[Door],
        port: int = 0,
    ) -> None:
        self.port = port
        self._turn, self._answer, self._faults, self._log = turn, answer, faults, log
        self._doors = doors

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def open(self, at: int) -> None:
        """Serve from now on. Raises OSError where the port is taken."""
        self._faults.begin(at)
        application = web.Application()
        for door in self._doors:
            door.add_routes(application)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()
        self._pump = asyncio.create_task(self._keep_going())

    async def rest(self) -> None:
        """Let the clock stand still: said before the streams are cut."""
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _listen(self) -> None:
        site = web.TCPSite(self._runner, HOST, self.port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def _keep_going(self) -> None:
        while True:
            self._turn()
            await asyncio.sleep(PUMP_S)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        at = self._turn()
        if self._faults.take(Kind.REFUSE, at, request.path):
            self._log.refused("outage", at)
            return hung_up(request)
        return await self._answer(request, at)


def upgrading(request: web.Request) -> bool:
    """Whether a request asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def hung_up(request: web.Request) -> web.Response:
    """Cut the line without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
