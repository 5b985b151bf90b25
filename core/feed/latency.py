"""A fixed histogram of milliseconds: adding is one list step, reading walks the buckets once a period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.domain.events import Inbound, Trade
from core.domain.values import Millis

CEILING_MS: Final = 10_000
"""Everything from here on counts as this much: ten seconds late is a fault, not a figure."""


class Latency:
    """Counts by whole millisecond, 0 to CEILING_MS. Below zero (the clocks disagree) counts as zero."""

    __slots__ = ("count", "counts")

    def __init__(self) -> None:
        self.counts = [0] * (CEILING_MS + 1)
        self.count = 0

    def add(self, ms: int) -> None:
        self.counts[0 if ms < 0 else ms if ms < CEILING_MS else CEILING_MS] += 1
        self.count += 1

    def trades(self, events: Sequence[Inbound], at: Millis) -> int:
        """Count how late each trade among these came, states aside (`replayed`). Returns how many are trades."""
        counts, trades, told = self.counts, 0, 0
        for event in events:
            if type(event) is Trade:
                trades += 1
                if not event.replayed:
                    ms = at - event.at
                    counts[0 if ms < 0 else ms if ms < CEILING_MS else CEILING_MS] += 1
                    told += 1
        self.count += told
        return trades

    def quantile(self, share: float) -> float:
        """The least number of ms that at least `share` (0..1) of all lie at or under; 0.0 where there are none."""
        seen = 0
        for ms, count in enumerate(self.counts):
            seen += count
            if seen and seen >= share * self.count:
                return float(ms)
        return 0.0

    @property
    def top(self) -> float:
        """The most ms of any, CEILING_MS where it was more; 0.0 where there are none."""
        return float(next((ms for ms in range(CEILING_MS, -1, -1) if self.counts[ms]), 0))

    def clear(self) -> None:
        self.counts = [0] * (CEILING_MS + 1)
        self.count = 0
