"""What to give up when processing lags, in steps, and when to take it back (D11).

    CALM -> CONFLATED -> SHED 1 -> SHED 2 -> ... and back the same way

- CONFLATED: of books and tickers only the newest of each symbol is processed; every trade still is, so no volume is
  lost and no candle differs.
- SHED n: of what is wanted, the lowest-ranked are not subscribed: each step halves the number, never below what is
  held. What is not subscribed is still seen by the scan.

A step up needs the lag to last, a step down needs it to be gone for long: longer each time that going back was wrong.
"""

from __future__ import annotations

from enum import StrEnum

from core.domain.values import SECOND, Millis

LAG_MS = 500
"""A lag above this is one. Well above what a pause of the collector or a slow call makes."""
CALM_MS = 100
"""A lag below this is none: between the two nothing changes."""
RISE_MS = Millis(3 * SECOND)
"""How long it must lag before the next step."""
FALL_MS = Millis(30 * SECOND)
"""How long it must be calm before a step is taken back."""
LONGEST_MS = Millis(16 * FALL_MS)
RELAPSE_MS = 2 * FALL_MS
"""A lag this soon after a step was taken back says that it was taken back too early."""
DEEPEST = 6
"""Steps at most: a thirty-second of what is wanted."""


class Step(StrEnum):
    CALM = "calm"
    CONFLATED = "conflated"
    SHED = "shed"


class Pressure:
    """`level` 0 is CALM, 1 CONFLATED, from 2 on SHED; `moves` counts how often it changed since the start."""

    def __init__(self) -> None:
        self.level = self.moves = 0
        self._since: Millis | None = None
        self._rising = False
        self._fall_ms = FALL_MS
        self._eased = Millis(-LONGEST_MS)

    @property
    def step(self) -> Step:
        return (Step.CALM, Step.CONFLATED, Step.SHED)[min(self.level, 2)]

    def allowed(self, wanted: int, firm: int) -> int:
        """How many of `wanted` symbols may be subscribed, of which `firm` are held: those always."""
        return max(firm, min(wanted, 1), wanted >> max(0, self.level - 1))

    def look(self, lag_ms: int, at: Millis) -> int:
        """Take one measurement. +1 where a step was taken, -1 where one was taken back, 0 where nothing changed."""
        if CALM_MS <= lag_ms <= LAG_MS:
            self._since = None
            return 0
        rising = lag_ms > LAG_MS
        if self._since is None or rising != self._rising:
            self._since, self._rising = at, rising
        if at - self._since < (RISE_MS if rising else self._fall_ms):
            return 0
        return self._rise(at) if rising else self._fall(at)

    def _rise(self, at: Millis) -> int:
        if self.level > DEEPEST:
            return 0
        relapsed = at - self._eased < RELAPSE_MS
        self._fall_ms = Millis(min(2 * self._fall_ms, LONGEST_MS)) if relapsed else self._fall_ms
        return self._moved(1, at)

    def _fall(self, at: Millis) -> int:
        if not self.level:
            self._fall_ms = FALL_MS
            return 0
        self._eased = at
        return self._moved(-1, at)

    def _moved(self, by: int, at: Millis) -> int:
        self.level, self._since = self.level + by, at
        self.moves += 1
        return by
