"""What the owner keeps free of a venue's limit is there for trades: one process has it, and takes it without a write.

A trade makes a call or two of a kind, seldom, and must not pay a round trip to the table for each (E1). But several
processes that help themselves in the same second go over the limit together, and a venue bans who does so often (B2).
So it belongs to one at a time: whoever carries signals out and comes first, by a row that is written for a quarter of
an hour. What goes beyond it, and whoever has it not, asks the shared budget as everybody does.
"""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from core.app.ports import Budget, Claim, Spare
from core.domain.values import SECOND, Market, Millis
from core.feed.pace import HELD_MS, SKEW_MS

WHOLE = 1.0 + 1e-9
"""Parts that make up a span's share, with room for their rounding."""

SHARE = 0.7
"""Of what is kept free; the rest is for calls that leave evenly and do not arrive evenly."""

RENEWED_MS = HELD_MS // 3
"""With less than this left, the next call claims it anew."""


class SpareBudget:
    """Implements `ports.Budget` for one process.

    headroom  the part of each limit that the shared budget gives
    counted   the span that the venue counts a group's calls in, where it is not the second
    """

    def __init__(
        self,
        shared: Budget,
        spare: Spare,
        owner: str,
        headroom: float,
        counted: Mapping[str, Millis] = MappingProxyType({}),
    ) -> None:
        self._shared, self._spare, self._owner = shared, spare, owner
        self._headroom, self._counted = headroom, counted
        self._claims: dict[Market, Claim] = {}
        self._went: defaultdict[tuple[Market, str], list[tuple[Millis, float]]] = defaultdict(list)

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        span = self._counted.get(group, SECOND)
        spare = (limit / self._headroom - limit) * span / SECOND
        if spare * WHOLE < 1 or not self._fits(market, group, part := 1 / max(1.0, spare * SHARE), span, at):
            return self._shared.take(market, group, limit, at)
        if not self._mine(market, at):
            return self._shared.take(market, group, limit, at)
        self._went[market, group].append((at, part))
        return 0

    def _fits(self, market: Market, group: str, part: float, span: Millis, at: Millis) -> bool:
        went = [(when, taken) for when, taken in self._went[market, group] if 0 <= at - when < span]
        self._went[market, group] = went
        return sum(taken for _, taken in went) + part <= WHOLE

    def _mine(self, market: Market, at: Millis) -> bool:
        claim = self._claims.get(market)
        if claim is None or not _good(claim, at):
            claim = self._claims[market] = self._spare.claim(market, self._owner, at)
        return claim.mine


def _good(claim: Claim, at: Millis) -> bool:
    """Does it still say how things are? One that ends later than it can was made before the clock was set back."""
    left = claim.until - at
    return RENEWED_MS < left <= HELD_MS if claim.mine else -SKEW_MS <= left <= HELD_MS + SKEW_MS
