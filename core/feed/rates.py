"""How fast one may speak: an exact count of what was sent, over sliding windows.

Sliding windows keep a limit that the other side counts by calendar second or minute, wherever its second begins.
"""

from __future__ import annotations

from collections import deque

from core.domain.values import MINUTE, SECOND, Millis


class Rates:
    """At most `per_s` in any second and `per_min` in any minute; 0 means no such limit."""

    __slots__ = ("_limits", "_sent")

    def __init__(self, per_s: int, per_min: int = 0) -> None:
        self._limits = [(count, window) for count, window in ((per_s, SECOND), (per_min, MINUTE)) if count]
        self._sent: deque[Millis] = deque(maxlen=max((count for count, _ in self._limits), default=1))

    def ready(self, at: Millis, spare: int = 0) -> Millis:
        """When the next may go; `at` itself where it may go now. `spare` keeps that many of the longest window free."""
        when = at
        for count, window in self._limits:
            least = max(1, count - spare) if window == MINUTE else count
            if len(self._sent) >= least:
                when = max(when, Millis(self._sent[-least] + window))
        return when

    def took(self, at: Millis) -> None:
        self._sent.append(at)

    def forget(self) -> None:
        """Start counting anew: limits are per connection."""
        self._sent.clear()
