"""The heartbeat file, and the check that the container's HEALTHCHECK runs: `python -m streamer.health [FILE]`.

Healthy: the loop wrote the file lately, and frames come in wherever something is subscribed on a connection that is up.
An exchange that is down does not make the container sick: a restart would not bring it back.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from core.domain.values import Millis

BEAT_S = 1.0
STUCK_MS = 15_000
SILENT_MS = 300_000
FILE = "streamer.json"


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """One market as the loop sees it. `last_frame` is our clock, 0 before the first."""

    market: str
    connected: bool
    subscribed: int
    wanted: int
    last_frame: Millis
    frames: int
    reconnects: int
    waiting: int


def folder(named: str = "") -> Path:
    """Where it lies: as it is named, or a folder in the system's temporary one.

    That one is asked for only where it is needed: in a container whose root is read-only there is none.
    """
    return Path(named) if named else Path(tempfile.gettempdir()) / "hoga"


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    at: Millis
    started: Millis
    pid: int
    markets: list[Pulse]


def process() -> int:
    return os.getpid()


def touch(path: Path, beat: Heartbeat) -> None:
    """Replace the file whole, so that a reader never sees half of one."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(beat))
    fresh.replace(path)


def verdict(beat: Heartbeat, at: Millis) -> str:
    """What is wrong, "" where nothing is."""
    if at - beat.at > STUCK_MS:
        return f"the loop has not beaten for {(at - beat.at) / 1000:.0f} s"
    for pulse in beat.markets:
        quiet_ms = at - max(pulse.last_frame, beat.started)
        if pulse.connected and pulse.subscribed and quiet_ms > SILENT_MS:
            return f"{pulse.market} is connected but has sent nothing for {quiet_ms / 1000:.0f} s"
    return ""


def check(path: Path, at: Millis) -> tuple[int, str]:
    """Exit code and one line of JSON."""
    try:
        beat = msgspec.json.decode(path.read_bytes(), type=Heartbeat)
    except (OSError, msgspec.DecodeError) as fault:
        return 1, _line(healthy=False, why=f"no heartbeat: {fault}", beat=None)
    why = verdict(beat, at)
    return (1 if why else 0), _line(healthy=not why, why=why, beat=beat)


def _line(*, healthy: bool, why: str, beat: Heartbeat | None) -> str:
    return msgspec.json.encode({"healthy": healthy, "why": why, "streamer": beat}).decode()


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else folder() / FILE
    code, line = check(path, Millis(time.time_ns() // 1_000_000))
    sys.stdout.write(line + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
