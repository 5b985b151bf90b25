"""A WebSocket by picows: the frame callback runs in the wake-up that read the socket. The default transport."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable

import picows

from streamer.transport import CLOSE_S, LARGEST, OPEN_S, Ear, Line, secured, unopened, unread

CONTROL = 125
"""Most bytes that a ping, pong or close carries."""
MANY = 64
"""Frames that wait for each other: handling them together costs less, and the first is late by their decoding."""


class PicowsLine(picows.WSListener):
    """picows hands over raw frames: parts are put together here, a close frame is answered here."""

    def __init__(self, ear: Ear) -> None:
        self._frames: Callable[[list[bytes]], None] = ear.frames
        self._sign = ear.sign
        self._held: list[bytes] = []
        self._parts: list[bytes] = []
        self._reason = ""
        self._gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wire: picows.WSTransport | None = None

    @property
    def open(self) -> bool:
        """Whether the upgrade was made; stays true after the end."""
        return self._wire is not None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._wire = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A frame of more than 125 bytes is no control frame (RFC 6455, 5.5): nearly all are told apart by that.

        The last one that a wake-up read says so; those before it wait for it, but no more than MANY of them.
        """
        if frame.payload_size > CONTROL and frame.fin and not self._parts:
            self._held.append(frame.get_payload_as_bytes())
            if frame.last_in_buffer or len(self._held) >= MANY:
                self._release()
        else:
            self._release()
            self._seldom(transport, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if not self._gone.done():
            self._gone.set_result(self._reason or "the connection broke")

    def _release(self) -> None:
        """Give the ear what was held, all at once. What it raises is our own fault: kept for `gone`, and nothing more
        is heard."""
        held, handled = self._held, False
        if not held:
            return
        self._held = []
        try:
            self._frames(held)
            handled = True
        finally:
            if not handled:
                self._failed()

    def _failed(self) -> None:
        if not self._gone.done():
            self._gone.set_exception(sys.exc_info()[1] or RuntimeError("a frame could not be handled"))
            self._frames = _deaf

    def send(self, body: bytes, text: bool) -> None:
        if self._wire is not None:
            self._wire.send(picows.WSMsgType.TEXT if text else picows.WSMsgType.BINARY, body)

    def ping(self) -> None:
        if self._wire is not None:
            self._wire.send_ping(b"")

    def drop(self, reason: str) -> None:
        self._reason = reason
        if self._wire is not None:
            self._wire.disconnect(graceful=False)

    async def close(self, code: int) -> None:
        if self._wire is None or self._gone.done():
            return
        self._reason = self._reason or "closed by us"
        self._wire.send_close(picows.WSCloseCode(code))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.shield(self._gone)
        self._wire.disconnect(graceful=False)

    def unread(self) -> int:
        return unread(self._wire.underlying_transport) if self._wire is not None else 0

    async def gone(self) -> str:
        return await asyncio.shield(self._gone)

    def _seldom(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        match frame.msg_type:
            case picows.WSMsgType.PONG:
                self._sign()
            case picows.WSMsgType.CLOSE:
                self._reason = (
                    self._reason
                    or f"closed by the venue with {frame.get_close_code()}: {frame.get_close_reason() or ''}"
                )
                transport.send_close(frame.get_close_code())
                transport.disconnect()
            case picows.WSMsgType.TEXT | picows.WSMsgType.BINARY | picows.WSMsgType.CONTINUATION:
                self._part(frame)

    def _part(self, frame: picows.WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            self._held.append(b"".join(self._parts))
            self._parts = []
            self._release()


async def open_picows(url: str, ear: Ear) -> Line:
    """Open with picows; compression is not offered, which costs more to undo than the line saves."""
    try:
        async with asyncio.timeout(OPEN_S):
            line = PicowsLine(ear)
            await picows.ws_connect(
                lambda: line,
                url,
                ssl_context=secured(url),
                websocket_handshake_timeout=OPEN_S,
                max_frame_size=LARGEST,
                logger_name="hoga",
            )
    except picows.WSHandshakeError as fault:
        raise unopened(fault, int(fault.response.status) if fault.response else None) from fault
    except (picows.WSError, OSError, TimeoutError, EOFError) as fault:
        raise unopened(fault, None) from fault
    if not line.open:  # picows 2.3.1 takes a connection cut during the handshake for a finished one
        raise unopened(ConnectionResetError("the connection was cut before the upgrade"), None)
    return line


def _deaf(_: object) -> None:
    """The ear after it failed: what the library still holds in its buffer is not handled."""
