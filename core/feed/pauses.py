"""A connection that stays open and stops bringing frames for a while, much longer than chance explains (D6).

Its gap is told when frames come again, as after a loss: what was meant for us meanwhile may be gone. Looked at once a
second over counts that exist already.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from core.domain.values import SECOND, Millis
from core.feed.freshness import Gap

MEMORY = 60.0
"""Seconds over which the usual rate is learned."""
PATIENCE = 15.0
"""A pause in which this many frames were to be expected is none of chance."""
LEAST_MS = 3 * SECOND
LEARN_MS = 5 * SECOND


class Counted(msgspec.Struct, frozen=True):
    """One connection as it is now: `life` grows each time that it is opened, `frames` with each frame."""

    life: int
    frames: int


class Pace(msgspec.Struct):
    """What is known of one life of a connection. `rate` in frames a second."""

    life: int
    frames: int
    began: Millis
    looked: Millis
    moved: Millis
    rate: float = 0.0

    @property
    def patience_ms(self) -> float:
        return max(float(LEAST_MS), PATIENCE / self.rate * SECOND) if self.rate else float("inf")


class Pauses:
    """The connections of one market that are up; `paces` by their number."""

    def __init__(self) -> None:
        self.paces: dict[int, Pace] = {}

    def look(self, links: Mapping[int, Counted], at: Millis) -> list[tuple[int, Gap]]:
        """Take the counts of those that are up now. Which of them paused, and the stretch in which they did."""
        self.paces = {number: self._pace(number, counted, at) for number, counted in links.items()}
        found = ((number, _gap(self.paces[number], counted.frames, at)) for number, counted in links.items())
        return [(number, gap) for number, gap in found if gap]

    def rate(self, number: int) -> float:
        """Frames a second lately, 0.0 where it is not up."""
        pace = self.paces.get(number)
        return pace.rate if pace else 0.0

    def _pace(self, number: int, counted: Counted, at: Millis) -> Pace:
        known = self.paces.get(number)
        return known if known and known.life == counted.life else Pace(counted.life, counted.frames, at, at, at)


def _gap(pace: Pace, frames: int, at: Millis) -> Gap | None:
    """Count one look; the gap where a pause has ended."""
    new, paused_ms, patience_ms = frames - pace.frames, pace.looked - pace.moved, pace.patience_ms
    pace.frames, pace.looked = frames, at
    if not new or at <= pace.moved:
        return None
    learned_s, start, pace.moved = (pace.moved - pace.began) / SECOND, pace.moved, at
    if paused_ms >= patience_ms and learned_s * SECOND >= LEARN_MS:
        return Gap(Millis(start - SECOND), at)
    elapsed_s = (at - start) / SECOND
    pace.rate += (new / elapsed_s - pace.rate) * min(1.0, elapsed_s / min(MEMORY, max(1.0, learned_s)))
    return None
