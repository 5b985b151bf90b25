"""How long to wait before the next try: a ladder of seconds, jitter, and what the other side asked for."""

from collections.abc import Callable, Sequence

from core.domain.values import Millis

SPREAD = 0.2
"""Jitter as a share of the rung, to both sides: wide enough to part callers that failed together."""


def pause_ms(ladder_s: Sequence[float], attempt: int, dice: Callable[[], float], asked_ms: int | None = None) -> Millis:
    """Milliseconds to wait after the `attempt`-th failure in a row.

    Args:
        ladder_s: seconds by attempt, for example (0.5, 1, 2, 4); the last one repeats; empty means no pause.
        attempt: 0 for the first failure.
        dice: gives 0..1, evenly.
        asked_ms: what the other side asked for (Retry-After), which is never undercut; None where it asked nothing.

    >>> [pause_ms((1.0, 2.0, 4.0, 8.0), attempt, lambda: 0.5) for attempt in range(6)]
    [1000, 2000, 4000, 8000, 8000, 8000]
    >>> pause_ms((0.5, 1.0), 0, lambda: 0.0, asked_ms=3_000)
    3000
    """
    rung_s = ladder_s[min(attempt, len(ladder_s) - 1)] if ladder_s else 0.0
    luck = dice()
    ours = rung_s * (1.0 + SPREAD * (2.0 * luck - 1.0))
    theirs = (asked_ms or 0) / 1000 + (rung_s * SPREAD * luck if asked_ms else 0.0)
    return Millis(round(max(ours, theirs) * 1000))
