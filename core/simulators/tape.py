"""Plays a recorded stream to whoever subscribed to it, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

import msgspec

from core.domain.values import Millis
from core.simulators.upbit_requests import Ask
from core.simulators.upbit_wire import SHORT, Format, Row, shortened

LONG = {kind: {short: long for long, short in names.items()} for kind, names in SHORT.items()}
COMMON = {"ty": "type", "cd": "code", "tms": "timestamp", "st": "stream_type"}


class Recorded(NamedTuple):
    """One frame of a tape: `at` as recorded, `row` with long names, `style` as it was recorded."""

    at: Millis
    frame: bytes
    row: Row
    style: Format

    @property
    def kind(self) -> str:
        return str(self.row.get("type", ""))

    @property
    def code(self) -> str:
        return str(self.row.get("code", ""))

    def styled(self, style: Format) -> bytes:
        """The frame in another format; the recorded bytes themselves where it is the recorded one."""
        if style is self.style:
            return self.frame
        row = shortened(self.row, self.kind) if style.short else self.row
        return msgspec.json.encode([row] if style.listed else row)

    def wanted(self, ask: Ask) -> bool:
        """Whether one type object of a request asks for this frame."""
        live = self.row.get("stream_type", "REALTIME") == "REALTIME"
        return self.kind == ask.kind and self.code in ask.codes and (ask.realtime if live else ask.snapshot)


def recorded(at: Millis, frame: bytes) -> Recorded:
    """Read one frame of a tape. Raises ValueError where it is not a frame of Upbit's."""
    decoded: object = msgspec.json.decode(frame)
    listed = isinstance(decoded, list)
    row = decoded[0] if isinstance(decoded, list) else decoded
    if not isinstance(row, dict):
        raise ValueError(f"a tape holds JSON objects, not {frame[:40]!r}")
    short = "ty" in row
    style = {(0, 0): Format.DEFAULT, (1, 0): Format.SIMPLE, (0, 1): Format.JSON_LIST, (1, 1): Format.SIMPLE_LIST}
    names = LONG.get(str(row.get("ty", "")).partition(".")[0], {}) if short else {}
    return Recorded(at, frame, lengthened(row, names), style[(int(short), int(listed))])


def lengthened(row: Row, names: dict[str, str]) -> Row:
    """The row with long names, the rows within it included."""
    return {names.get(key, COMMON.get(key, key)): _inner(value, names) for key, value in row.items()}


def _inner(value: object, names: dict[str, str]) -> object:
    return (
        [lengthened(part, names) if isinstance(part, dict) else part for part in value]
        if isinstance(value, list)
        else value
    )


async def played(tape: Iterable[tuple[Millis, bytes]], speed: float) -> AsyncIterator[Recorded]:
    """Give each frame when its time has come: `speed` 1 as recorded, 2 twice as fast, inf at once."""
    loop = asyncio.get_running_loop()
    begun, first = loop.time(), None
    for at, frame in tape:
        first = at if first is None else first
        wait = begun + (at - first) / 1000 / speed - loop.time()
        await asyncio.sleep(max(wait, 0.0))
        yield recorded(at, frame)
