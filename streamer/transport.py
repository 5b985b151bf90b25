"""The port to a WebSocket, and its two implementations: picows (native callback, the default) and websockets.

An `Ear` is called in the same wake-up in which a frame came in. A `Line` never raises when it is used after its end.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from fcntl import ioctl
from functools import cache
from termios import FIONREAD
from typing import Protocol
from urllib.parse import urlsplit

from core.domain.errors import Transient

OPEN_S = 5.0
CLOSE_S = 1.0
LARGEST = 16 * 1024 * 1024
GOING_AWAY = 1001


class Ear(Protocol):
    """Who listens. `frames` gets the whole messages that one wake-up read as bytes, text or binary, in their order;
    `sign` each pong."""

    def frames(self, bodies: list[bytes]) -> None: ...

    def sign(self) -> None: ...


class Line(Protocol):
    """An open WebSocket."""

    def send(self, body: bytes, text: bool) -> None: ...

    def ping(self) -> None: ...

    def drop(self, reason: str) -> None:
        """Break it off at once; `gone` then says `reason`."""

    async def close(self, code: int) -> None:
        """Say goodbye with `code`, wait a moment for the answer, and be gone."""

    def unread(self) -> int:
        """Bytes that the system has received and nobody has read yet."""
        ...

    async def gone(self) -> str:
        """Wait until it is broken and say why. Raises what `Ear.frames` raised: that is a fault of ours."""
        ...


Transport = Callable[[str, Ear], Awaitable[Line]]
"""Opens a line. Raises Transient: with the HTTP `status` where the venue answered, without where it did not."""


@cache
def trust() -> ssl.SSLContext:
    """Whom every line of this process believes. Each would read the system's certificates for itself: 0.9 MB that stay,
    and 40 ms in which no other line is heard."""
    return ssl.create_default_context()


def secured(url: str) -> ssl.SSLContext | None:
    """What a line to there is made with: None where it is not to be secret."""
    return trust() if urlsplit(url).scheme == "wss" else None


def unread(wire: asyncio.BaseTransport) -> int:
    """What `Line.unread` says, of an asyncio transport; 0 where it is closed."""
    try:
        return int.from_bytes(ioctl(wire.get_extra_info("socket").fileno(), FIONREAD, bytes(4)), sys.byteorder)
    except (OSError, ValueError, AttributeError):  # closed: by number, by object, or taken away already
        return 0


async def answers(url: str, patience_s: float) -> bool:
    """Whether the venue's host answers HTTP at all, whatever it says.

    Asks for `/`, which no venue routes, so that it counts against none of its limits.
    """
    parts, context = urlsplit(url), secured(url)
    port = parts.port or (80 if context is None else 443)
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
            writer.write(f"HEAD / HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
            heard = await reader.read(1)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return bool(heard)


def transport(name: str) -> Transport:
    """The implementation that `StreamPolicy.transport` names; the other one is not even imported."""
    if name == "websockets":
        from streamer.websockets_line import open_websockets

        return open_websockets
    from streamer.picows_line import open_picows

    return open_picows


def unopened(fault: Exception, status: int | None) -> Transient:
    """Our error for a connection that did not come about."""
    why = (str(fault) or type(fault).__name__).splitlines()[0]
    facts = {"why": why} if status is None else {"why": why, "status": status}
    return Transient("the stream cannot be opened", **facts)
