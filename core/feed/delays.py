"""How much later than at its best market data is processed, by the venue's own stamps (D11).

The clocks of the venue and of this host may differ, and a line takes its time: both are in every delay alike, so what
counts is how far the middle one lies above the least that was seen in the last minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low

from core.domain.values import MINUTE, Millis

SPAN_MS = 5 * MINUTE
"""The least is that of this span and of the one before: a clock that was set is believed anew after two."""


class Delays:
    """Looked at about once a second."""

    def __init__(self) -> None:
        self._began: Millis | None = None
        self._least: int | None = None
        self._before: int | None = None

    def look(self, delays: Sequence[int], at: Millis) -> int:
        """Take the newest delay (ms, of any sign) of each symbol that was heard since the last look, at least one. How
        far behind its best processing is, in ms.
        """
        if self._began is None or not 0 <= at - self._began < SPAN_MS:
            self._began, self._before, self._least = at, self._least, None
        middle = median_low(delays)
        self._least = middle if self._least is None else min(self._least, middle)
        return middle - min(self._least, middle if self._before is None else self._before)
