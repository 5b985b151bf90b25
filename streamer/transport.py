"""The port to a WebSocket, and its two implementations: picows (native callback, the default) and websockets.

An `Ear` is called in the same wake-up in which a frame came in. A `Line` never raises when it is used after its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

OPEN_S = 5.0
CLOSE_S = 1.0
LARGEST = 16 * 1024 * 1024
GOING_AWAY = 1001


class Ear(Protocol):
    """Who listens. `frame` gets each whole message as bytes, text or binary; `sign` each pong."""

    def frame(self, body: bytes) -> None: ...

    def sign(self) -> None: ...


class Line(Protocol):
    """An open WebSocket."""

    def send(self, body: bytes, text: bool) -> None: ...

    def ping(self) -> None: ...

    def drop(self, reason: str) -> None:
        """Break it off at once; `gone` then says `reason`."""

    async def close(self, code: int) -> None:
        """Say goodbye with `code`, wait a moment for the answer, and be gone."""

    async def gone(self) -> str:
        """Wait until it is broken and say why. Raises what `Ear.frame` raised: that is a fault of ours."""
        ...


Transport = Callable[[str, Ear], Awaitable[Line]]
"""Opens a line. Raises Transient where the venue does not answer, or answers with anything but an upgrade."""


async def reachable(url: str, patience_s: float) -> bool:
    """Whether the address takes a TCP connection. Nothing is asked, so it counts against none of the venue's limits."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        async with asyncio.timeout(patience_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def transport(name: str) -> Transport:
    """The implementation that `StreamPolicy.transport` names; the other one is not even imported."""
    if name == "websockets":
        from streamer.websockets_line import open_websockets

        return open_websockets
    from streamer.picows_line import open_picows

    return open_picows


def short(fault: BaseException) -> str:
    """First line of an error's text, or its class where it has none."""
    return str(fault).splitlines()[0] if str(fault) else type(fault).__name__
