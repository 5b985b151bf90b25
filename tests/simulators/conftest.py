"""A simulated venue whose clock only tests move, and a client's view of it over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import msgspec
import pytest

from core.simulators.coins import listing
from core.simulators.faults import Faults
from core.simulators.limits import Limits
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator

START = 1_790_134_742_000
"""2026-09-23 03:39:02 UTC, a whole second."""

QUICK = Limits(snapshot_ms=0, error_close_ms=10)


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Client:
    """One test's sessions with a simulator."""

    def __init__(self, sim: UpbitSimulator, clock: Hand, http: aiohttp.ClientSession) -> None:
        self.sim, self.clock, self.http = sim, clock, http

    def wait(self, seconds: float) -> None:
        """Let the venue's time pass, second by second as the pump would."""
        for _ in range(int(seconds * 10)):
            self.clock.at += 100
            self.sim.turn()

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        async with self.http.get(self.sim.rest_url + path, headers=headers) as reply:
            return reply.status, await reply.read(), {name.lower(): text for name, text in reply.headers.items()}

    async def rows(self, path: str) -> list[dict]:
        status, body, _ = await self.get(path)
        assert status == 200, body
        return msgspec.json.decode(body)

    @staticmethod
    def ask(*types: dict, style: str = "DEFAULT", ticket: str = "t") -> str:
        """A request in the order of the documentation."""
        return msgspec.json.encode([{"ticket": ticket}, *types, {"format": style}]).decode()

    @staticmethod
    async def until(done: Callable[[], bool], patience_s: float = 5.0) -> None:
        """Wait for a condition, at most `patience_s`."""
        async with asyncio.timeout(patience_s):
            while not done():  # noqa: ASYNC110 - the condition is another object's figure: nobody sets an event for it
                await asyncio.sleep(0.005)

    @staticmethod
    async def data(socket: aiohttp.ClientWebSocketResponse) -> dict:
        """The next frame, which must be binary."""
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.BINARY, message
        return msgspec.json.decode(message.data)

    async def subscribed(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        """Send a request and wait until the simulator has read it."""
        before = self.sim.log.messages
        await socket.send_str(text)
        await self.until(lambda: self.sim.log.messages > before)

    async def drained(self, socket: aiohttp.ClientWebSocketResponse) -> list[dict]:
        """Every frame that is on its way: a listing is asked for and marks the end. Frames are in order."""
        await socket.send_str('[{"ticket":"end"},{"method":"LIST_SUBSCRIPTIONS"}]')
        frames = []
        while True:
            frame = await self.data(socket)
            whole = frame[0] if isinstance(frame, list) else frame
            if "LIST_SUBSCRIPTIONS" in whole.values():
                return frames
            frames.append(frame)

    def stream(self, **options: object) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        return self.http.ws_connect(self.sim.stream_url, **options)


@asynccontextmanager
async def serving(faults: Faults | None = None, limits: Limits = QUICK, **more: object) -> AsyncIterator[Client]:
    clock = Hand()
    market = SimulatedMarket(seed=3, start=START, coins=listing(8))
    async with (
        UpbitSimulator(market, faults=faults, limits=limits, clock=clock, **more) as sim,
        aiohttp.ClientSession() as http,
    ):
        yield Client(sim, clock, http)


@pytest.fixture(name="serving")
def serving_fixture() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Makes a simulator with faults, limits or codes of one's own."""
    return serving


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving() as one:
        yield one
