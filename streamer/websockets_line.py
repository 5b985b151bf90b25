"""A WebSocket by the `websockets` library: the second transport, chosen by setting."""

from __future__ import annotations

import asyncio
import contextlib

import websockets
from websockets.asyncio.client import ClientConnection, connect

from streamer.transport import CLOSE_S, LARGEST, OPEN_S, Ear, Line, secured, unopened, unread


class WebsocketsLine:
    """The `websockets` library behind the same port: one reader, and one writer because its sends are coroutines."""

    def __init__(self, wire: ClientConnection, ear: Ear) -> None:
        self._wire, self._ear = wire, ear
        self._reason = ""
        self._orders: asyncio.Queue[tuple[bytes, bool] | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read(), name="websockets reader")
        self._writer = asyncio.create_task(self._write(), name="websockets writer")

    def send(self, body: bytes, text: bool) -> None:
        self._orders.put_nowait((body, text))

    def ping(self) -> None:
        self._orders.put_nowait(None)

    def drop(self, reason: str) -> None:
        self._reason = reason
        self._wire.transport.abort()

    async def close(self, code: int) -> None:
        self._reason = self._reason or "closed by us"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._wire.close(code)
        self._wire.transport.abort()
        self._writer.cancel()

    def unread(self) -> int:
        return unread(self._wire.transport)

    async def gone(self) -> str:
        return await asyncio.shield(self._reader)

    async def _read(self) -> str:
        try:
            while True:
                self._ear.frames([await self._wire.recv(decode=False)])
        except websockets.ConnectionClosed as end:
            told = end.rcvd
            venue = f"closed by the venue with {told.code}: {told.reason}" if told else "the connection broke"
            return self._reason or venue
        finally:
            self._writer.cancel()
            self._wire.transport.abort()

    async def _write(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                order = await self._orders.get()
                if order is None:
                    asyncio.ensure_future(await self._wire.ping()).add_done_callback(self._pong)
                else:
                    await self._wire.send(order[0], text=order[1])

    def _pong(self, waiter: asyncio.Future[float]) -> None:
        if not waiter.cancelled() and waiter.exception() is None:
            self._ear.sign()


async def open_websockets(url: str, ear: Ear) -> Line:
    """Open with websockets; its own keep-alive is off because the session has one, by the venue's rules."""
    try:
        wire = await connect(
            url,
            ssl=secured(url),
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            max_size=LARGEST,
        )
    except websockets.InvalidStatus as fault:
        raise unopened(fault, fault.response.status_code) from fault
    except (websockets.InvalidHandshake, OSError, TimeoutError, EOFError) as fault:
        raise unopened(fault, None) from fault
    return WebsocketsLine(wire, ear)
