"""A simulated Binance whose clock only tests move, and a client's view of it over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import msgspec
import pytest

from core.simulators.binance import BinanceSimulator
from core.simulators.binance_limits import BinanceLimits
from core.simulators.binance_pairs import listing
from core.simulators.faults import Faults

START = 1_790_134_742_000
"""2026-09-23 03:39:02 UTC, a whole second."""


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Client:
    """One test's sessions with a simulator."""

    def __init__(self, sim: BinanceSimulator, clock: Hand, http: aiohttp.ClientSession) -> None:
        self.sim, self.clock, self.http = sim, clock, http

    def wait(self, seconds: float) -> None:
        """Let the venue's time pass, in tenths of a second as the pump would."""
        for _ in range(round(seconds * 10)):
            self.clock.at += 100
            self.sim.turn()

    async def get(self, call: str, **query: str) -> tuple[int, object, dict[str, str]]:
        async with self.http.get(f"{self.sim.rest_url}/api/v3/{call}", params=query) as reply:
            body = await reply.read()
            headers = {name.lower(): text for name, text in reply.headers.items()}
            return reply.status, msgspec.json.decode(body) if body[:1] in b"[{" else body, headers

    async def rows(self, call: str, **query: str) -> object:
        status, body, _ = await self.get(call, **query)
        assert status == 200, body
        return body

    @staticmethod
    async def until(done: Callable[[], bool], patience_s: float = 10.0) -> None:
        """Wait for a condition, at most `patience_s`."""
        async with asyncio.timeout(patience_s):
            while not done():  # noqa: ASYNC110 - the condition is another object's figure: nobody sets an event for it
                await asyncio.sleep(0.005)

    @staticmethod
    async def data(socket: aiohttp.ClientWebSocketResponse) -> dict:
        """The next frame, which must be text."""
        message = await socket.receive(timeout=10)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return msgspec.json.decode(message.data)

    async def say(
        self, socket: aiohttp.ClientWebSocketResponse, method: str, params: object = None, id: object = 1
    ) -> dict:
        """Send one control message; gives its answer, which nothing else stands before while time stands still."""
        asked = {"method": method, "id": id} | ({} if params is None else {"params": params})
        await socket.send_str(msgspec.json.encode(asked).decode())
        return await self.data(socket)

    async def drained(self, socket: aiohttp.ClientWebSocketResponse) -> list[dict]:
        """Every frame that is on its way: a listing is asked for and marks the end."""
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
        frames: list[dict] = []
        while (frame := await self.data(socket)).get("id") != "end":
            frames.append(frame)
        return frames

    def stream(
        self, path: str = "/stream", **options: object
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        return self.http.ws_connect(f"ws://127.0.0.1:{self.sim.port}{path}", **options)


@asynccontextmanager
async def serving(
    faults: Faults | None = None, limits: BinanceLimits | None = None, **more: object
) -> AsyncIterator[Client]:
    clock = Hand()
    async with (
        BinanceSimulator(seed=3, pairs=listing(14), faults=faults, limits=limits, clock=clock, **more) as sim,
        aiohttp.ClientSession() as http,
    ):
        yield Client(sim, clock, http)


@pytest.fixture(name="serving")
def serving_fixture() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Makes a simulator with faults or limits of one's own."""
    return serving


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving() as one:
        yield one
