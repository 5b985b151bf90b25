"""How this process takes memory from the system, where its C library is glibc (D5).

Every thread that waits for a table or a venue would be given a heap of its own, and what a large answer took there is
never given back: a quarter of what a thousand symbols take. One heap for all costs nothing here, because Python's own
small objects do not come from it.
"""

from __future__ import annotations

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""Numbers of mallopt(3)."""
LARGE = 128 * 1024
"""Bytes: a piece from here on is a mapping of its own, and so much free at the heap's end is given back."""


def tame(library: Any = None) -> bool:
    """Before there are threads. False where the C library is another one, and nothing was changed."""
    mallopt = getattr(library or ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all([mallopt(ARENA_MAX, 1), mallopt(MMAP_THRESHOLD, LARGE), mallopt(TRIM_THRESHOLD, LARGE)])
