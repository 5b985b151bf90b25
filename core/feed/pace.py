"""Even spacing of calls: the one way to keep a limit that somebody else counts by their own clock."""

from math import ceil

from core.domain.values import Millis

SKEW_MS = 10_000
"""A next moment further ahead than this was set by a clock that is wrong, and is not waited for."""


def step_ms(limit: float) -> int:
    """Least time between two calls so that no second, wherever it begins, holds more than `limit` of them.

    An exchange counts by its own clock's seconds, which begin elsewhere than ours: counting by our seconds could put
    twice the limit into one of its own. A limit under one is one call in that part of a second.

    Args:
        limit: calls a second, more than 0.

    >>> step_ms(8.0), step_ms(9.6), step_ms(0.5)
    (125, 112, 2000)
    """
    return ceil(1000 / (int(limit) if limit >= 1 else limit))


def wait_ms(ready: int, step: int, at: Millis) -> int:
    """How long until `ready`; 0 where it has come, or lies so far ahead that it cannot be true."""
    ahead = ready - at
    return ahead if 0 < ahead <= step + SKEW_MS else 0
