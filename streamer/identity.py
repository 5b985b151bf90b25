"""What this process calls itself in the rows of the shards, and whether another of this machine has ended (D13).

    node/home:pid   home: one run of one machine's kernel, and the space of process ids in it

Only of a process of the same home can be said that it is gone. Whatever cannot be told for certain counts as alive:
then its lease is waited for, as of any other host's.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from uuid import uuid4
from zlib import crc32

BOOT = Path("/proc/sys/kernel/random/boot_id")
SPACE = Path("/proc/self/ns/pid")
ENDED = ("Z", "X")
"""States of a process that runs no more and that nobody has asked after yet."""


def home() -> str:
    """Eight letters; of its own for each process where the machine has no /proc, so that no other is ever judged."""
    try:
        about = BOOT.read_text() + str(SPACE.readlink())
    except OSError:
        return uuid4().hex[:8]
    return f"{crc32(about.encode()):08x}"


HOME = f"{platform.node()}/{home()}"


def name() -> str:
    """This process's, unlike that of any other that runs at the same time."""
    return f"{HOME}:{os.getpid()}"


def gone(host: str) -> bool:
    """Whether `host` was a process of this machine that has ended."""
    place, _, pid = host.rpartition(":")
    return place == HOME and pid.isdigit() and _ended(int(pid))


def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it lives, and is somebody else's
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] in ENDED
