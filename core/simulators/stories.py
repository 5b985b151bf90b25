"""What happens to whom in a simulated market, as data: a demo of one minute shows every kind of decision once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Story:
    """One symbol's fate, told against the average of its last 20 daily closes.

    delay_s  seconds after the stories begin until this one does
    path     (seconds after the delay, price over the 20-day average minus 1), straight lines in between; it begins
             wherever the price is, and the last level is kept
    surge    (from second, to second, factor) on the traded value
    flag     (second, official warning) that is raised then
    rate     trades a second while the story runs
    """

    name: str
    symbol: str
    delay_s: float
    path: tuple[tuple[float, float], ...] = ()
    surge: tuple[tuple[float, float, float], ...] = ()
    flag: tuple[float, str] | None = None
    rate: float = 6.0


DEMO = (
    Story("near", "KRW-NEAR", 0.0, ((1.0, -0.076),), rate=3.0),
    Story("rebound", "KRW-SOL", 4.0, ((3.0, -0.095), (16.0, -0.094), (22.0, -0.012))),
    Story("falling", "KRW-LINK", 5.0, ((3.0, -0.095), (16.0, -0.096), (21.0, -0.150))),
    Story("sideways", "KRW-AVAX", 6.5, ((3.0, -0.094), (20.0, -0.091), (40.0, -0.093), (90.0, -0.091))),
    Story("warned", "KRW-APT", 8.0, ((3.0, -0.094), (30.0, -0.092)), flag=(16.0, "WARNING")),
    Story("surge", "KRW-SUI", 14.0, ((8.0, -0.045),), surge=((0.0, 20.0, 30.0),), rate=12.0),
    Story("breakout", "KRW-ETC", 28.0, ((6.0, 0.060), (20.0, 0.064))),
)
"""Falls stop above -10 % for 13 s, long enough to be bought, and far enough from -8 % for any way of averaging.

A purchase at -8.0 to -9.5 % gains 7 % in `rebound`, loses 6 % in `falling`, and moves less than 2 % in the others.
"""

BOOKS = {"demo": DEMO, "none": ()}


@dataclass(frozen=True)
class Plot:
    """A story set in time: `begins` in epoch ms, log prices `heights` at `moments` (epoch ms)."""

    story: Story
    begins: int
    moments: Floats
    heights: Floats

    def bend(self, times: NDArray[np.int64], logs: Floats) -> Floats:
        """Replace the ordinary log prices at `times` by the story's, from its beginning on."""
        if not self.story.path:
            return logs
        jitter = (logs - logs.mean()) * 0.5
        return np.asarray(np.where(times < self.begins, logs, np.interp(times, self.moments, self.heights) + jitter))

    def surge(self, at: int) -> float:
        """Factor on the traded value at `at`."""
        since = (at - self.begins) / 1000
        return max((factor for start, end, factor in self.story.surge if start <= since < end), default=1.0)

    def flagged(self, at: int) -> str:
        """The warning that this story has raised by `at`, "" for none."""
        if self.story.flag is None or at < self.begins + self.story.flag[0] * 1000:
            return ""
        return self.story.flag[1]


def plot(story: Story, start: int, log_at_beginning: float, average: float) -> Plot:
    """Set a story in time: `start` is when the stories begin, `average` the symbol's 20-day average."""
    begins = start + round(story.delay_s * 1000)
    moments = [begins, *(begins + second * 1000 for second, _ in story.path)]
    heights = [log_at_beginning, *(math.log(average * (1 + level)) for _, level in story.path)]
    return Plot(story, begins, np.array(moments, dtype=np.float64), np.array(heights))
