"""Open stream connections of a simulated venue: queues towards clients, faults on the wire, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from aiohttp import web

from core.simulators.faults import Fault, Faults, Kind, Mangler
from core.simulators.served import Served

PATIENCE_S = 0.5

Guest = TypeVar("Guest")


class Connection(Generic[Guest]):
    """One open connection. `guest` is all that the venue knows of this client.

    text     whether frames are text; binary otherwise
    room     frames that wait for a slow reader before it is cut off
    touched  when something last passed in either direction, as far as the venue counts it
    ended    why the venue ended it, "" where it did not
    """

    def __init__(self, request: web.Request, guest: Guest, faults: Faults, at: int, *, text: bool, room: int) -> None:
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=2**20)
        self.guest = guest
        self.began = self.touched = at
        self.ended = ""
        self._request, self._text = request, text
        self._mangler = Mangler(faults)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(room)
        self._loop = asyncio.get_running_loop()

    def push(self, frame: bytes, at: int) -> None:
        """Queue one data frame through the faults of the moment; a client that does not read is cut off."""
        for delay, one in self._mangler.pass_on(frame, at):
            self.touched = at
            if delay:
                self._loop.call_later(delay / 1000, self.put, one)
            else:
                self.put(one)

    def put(self, frame: bytes) -> None:
        """Queue one frame that no fault touches."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut("slow reader")

    async def put_when_room(self, frame: bytes, at: int) -> None:
        """Queue one frame of a tape, waiting for the reader instead of cutting it off."""
        for _, one in self._mangler.pass_on(frame, at):
            self.touched = at
            await self._queue.put(one)

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        with suppress(ConnectionError):
            while True:
                await self._send(await self._queue.get())
                self._queue.task_done()

    async def _send(self, frame: bytes) -> None:
        if self._text:
            await self.socket.send_str(frame.decode(errors="replace"))
        else:
            await self.socket.send_bytes(frame)

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


class Switchboard(Generic[Guest]):
    """All connections of one simulated stream. `half` is the head of a frame whose rest never comes."""

    def __init__(self, served: Served, clock: Callable[[], int], half: bytes) -> None:
        self.served, self._clock, self._half = served, clock, half
        self.connections: list[Connection[Guest]] = []

    async def converse(
        self, connection: Connection[Guest], listen: Callable[[Connection[Guest]], Awaitable[None]]
    ) -> None:
        """Keep a connection, whose handshake is done, until `listen` has heard enough or the client is gone."""
        self.served.connected(self._clock())
        self.connections.append(connection)
        writer = asyncio.create_task(connection.write())
        try:
            await listen(connection)
        finally:
            self.connections.remove(connection)
            writer.cancel()
            await asyncio.wait([writer])
            self.served.disconnected(connection.ended or f"closed {connection.socket.close_code}", self._clock())

    def hit(self, faults: Iterable[Fault]) -> None:
        """Carry out the faults that cut open streams."""
        for fault in faults:
            self.served.hit(fault.kind, self._clock())
            for connection in list(self.connections):
                connection.cut(fault.kind, self._half if fault.kind is Kind.HALF_FRAME else b"")

    def close(self) -> None:
        """Cut every connection."""
        for connection in list(self.connections):
            connection.cut("shut down")
