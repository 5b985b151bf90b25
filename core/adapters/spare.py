"""What the owner keeps free of a venue's limit is there for trades: a process takes its part of it without a write.

A trade makes a call or two of a kind, seldom, and must not pay a round trip to the table for each (E1). What it needs
beyond `1 - headroom` of the limit within a second (`counted`, where a venue counts otherwise) is asked of the shared
budget, as everybody else's calls are. Several processes that trade in the same second may together go over what is kept
free; the venue then refuses a call at its door, and what is asked again goes by the shared budget once this process's
part is used up.
"""

from collections import defaultdict

from core.app.ports import Budget
from core.domain.values import SECOND, Market, Millis

WHOLE = 1.0 + 1e-9
"""Parts that make up a span's share, with room for their rounding."""


class SpareBudget:
    """Implements `ports.Budget` for one process. `headroom` is the part of each limit that the shared budget gives."""

    def __init__(self, shared: Budget, headroom: float, counted: Millis = SECOND) -> None:
        self._shared, self._headroom, self._counted = shared, headroom, counted
        self._went: defaultdict[tuple[Market, str], list[tuple[Millis, float]]] = defaultdict(list)

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        spare = (limit / self._headroom - limit) * self._counted / SECOND
        went = [(when, part) for when, part in self._went[market, group] if 0 <= at - when < self._counted]
        self._went[market, group] = went
        if spare < 1 or sum(part for _, part in went) + 1 / spare > WHOLE:
            return self._shared.take(market, group, limit, at)
        went.append((at, 1 / spare))
        return 0
