"""Even spacing of calls: the one way to keep a limit that somebody else counts by their own clock."""

from collections.abc import Mapping
from math import ceil

from core.domain.values import Millis

SKEW_MS = 10_000
"""A next moment further ahead than this was set by a clock that is wrong, and is not waited for."""


HELD_MS = 900_000
"""For so long one process has what is kept free of a venue's limits, unless it claims it anew."""


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


def slowest(venue: Mapping[str, float], owner: Mapping[str, float], headroom: float) -> float:
    """Calls a second of the tightest rate-limit group, the owner's figure before the venue's; 0 = no limit.

    >>> slowest({"rest": 18.0}, {}, 0.5), slowest({"rest": 18.0}, {"rest": 4.0}, 0.5), slowest({}, {}, 0.8)
    (9.0, 2.0, 0.0)
    """
    return min((owner.get(group) or limit for group, limit in venue.items()), default=0.0) * headroom


def round_s(symbols: int, batch: int, limit: float) -> float:
    """Seconds that one round of calls over all symbols takes at the least, `batch` of them in a call.

    >>> round_s(250, 30, 10.0), round_s(250, 1, 0.5), round_s(250, 30, 0.0)
    (0.9, 500.0, 0.0)
    """
    return -(-symbols // batch) * step_ms(limit) / 1000 if limit else 0.0


def wait_ms(ready: int, step: int, at: Millis) -> int:
    """How long until `ready`; 0 where it has come, or lies so far ahead that it cannot be true."""
    ahead = ready - at
    return ahead if 0 < ahead <= step + SKEW_MS else 0
