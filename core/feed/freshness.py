"""Two clocks of a connection: any frame proves the line, only market data proves the data."""

from __future__ import annotations

import msgspec

from core.domain.values import Millis

NEVER = Millis(2**62)
"""A moment that does not come: the answer of a clock that is switched off."""


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A span of our clock in which market data was missed; `start` is the last data before, `end` when it came back."""

    start: Millis
    end: Millis


def deadline(since: Millis, patience_ms: Millis) -> Millis:
    """When patience ends; NEVER where it is 0, which switches the check off."""
    return Millis(since + patience_ms) if patience_ms else NEVER


def verdict(at: Millis, heard: Millis, fresh: Millis | None, mute_ms: Millis, stale_ms: Millis) -> str:
    """Why the connection counts as lost, "" where it does not.

    Args:
        heard: the newest frame of any kind. `fresh`: the newest market data, None where nothing is subscribed.
        mute_ms, stale_ms: how long each may be silent; 0 = for ever.

    >>> verdict(Millis(9000), Millis(8000), Millis(1000), Millis(5000), Millis(6000))
    'frames but no market data for 8 s'
    """
    if at >= deadline(heard, mute_ms):
        return f"no frame for {(at - heard) / 1000:g} s"
    if fresh is not None and at >= deadline(fresh, stale_ms):
        return f"frames but no market data for {(at - fresh) / 1000:g} s"
    return ""


def stale(newest: Millis, at: Millis, patience_ms: Millis) -> bool:
    """Whether a snapshot last renewed at `newest` should be shown as old (D7). False where `patience_ms` is 0."""
    return at >= deadline(newest, patience_ms)
