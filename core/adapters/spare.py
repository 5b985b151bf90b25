"""What the owner keeps free of a venue's limit is there for trades: one process has it, and takes it without a write.

A trade makes a call or two of a kind, seldom, and must not pay a round trip to the table for each (E1). But several
processes that help themselves in the same second go over the limit together, and a venue bans who does so often (B2).
So it belongs to one at a time: whoever carries signals out and comes first, by a row that is written for a quarter of
an hour. What goes beyond it, and whoever has it not, takes a stretch of the shared budget together with the symbol
that it buys, or asks that budget for each call as everybody does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from core.app.ports import Budget, Claim, Spare
from core.domain.turns import Fare, Stretch
from core.domain.values import SECOND, Market, Millis
from core.feed.pace import HELD_MS, SKEW_MS, step_ms, within

WHOLE = 1.0 + 1e-9
"""Parts that make up a span's share, with room for their rounding."""

SHARE = 0.75
"""Of what is kept free; the rest is for calls that leave evenly and do not arrive evenly."""

LATE_MS = 100
"""A call may arrive so much later than the next ones: for so much longer than the venue's span it takes its part."""

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
        self._rented: dict[tuple[Market, str], tuple[Stretch, Millis]] = {}

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        if (wait := self._rent(market, group, step_ms(limit), at)) is not None:
            return wait
        if not self.carries(market, [Fare(group, limit)], at):
            return self._shared.take(market, group, limit, at)
        self._went[market, group].append((at, self._part(group, limit)))
        return 0

    def carries(self, market: Market, fares: Iterable[Fare], at: Millis) -> bool:
        """Is there room for all of these calls now, in a stretch of ours or in what is kept free, if that is ours?"""
        groups: defaultdict[str, list[float]] = defaultdict(list)
        for fare in fares:
            groups[fare.group].append(fare.limit)
        short = {group: limits for group, limits in groups.items() if not self._rents(market, group, limits, at)}
        parts = {group: sum(self._part(group, limit) for limit in limits) for group, limits in short.items()}
        fits = all(self._taken(market, group, at) + part <= WHOLE for group, part in parts.items())
        return fits and (not parts or self._mine(market, at))

    def behind(self, wanted: Stretch) -> Stretch:
        """The same from the end of the one that we still have of its group: what is ours is in nobody's way."""
        last, _ = self._rented.get((wanted.market, wanted.group), (wanted, None))
        return replace(wanted, since=last.until) if wanted.since < last.until < wanted.until else wanted

    def rent(self, stretches: Iterable[Stretch]) -> None:
        """These are ours: calls that fit into them ask nobody. One that begins where ours ends makes that longer."""
        for each in stretches:
            last, free = self._rented.get((each.market, each.group), (each, each.since))
            joined = last.until == each.since
            self._rented[each.market, each.group] = (
                (replace(last, until=each.until), free) if joined else (each, each.since)
            )

    def _rents(self, market: Market, group: str, limits: Iterable[float], at: Millis) -> bool:
        """Has a stretch of ours room for all of these?"""
        if (market, group) not in self._rented:
            return False
        return within(*self._rented[market, group], sum(map(step_ms, limits)), at) is not None

    def _rent(self, market: Market, group: str, step: int, at: Millis) -> int | None:
        """The wait until a call may go in a stretch of ours; None where we have none that it fits into."""
        if (market, group) not in self._rented:
            return None
        stretch, free = self._rented[market, group]
        wait = within(stretch, free, step, at)
        if wait is None:
            del self._rented[market, group]
        elif not wait:
            self._rented[market, group] = stretch, Millis(at + step)
        return wait

    def _part(self, group: str, limit: float) -> float:
        """What one call takes of a span's share; more than there is where no whole call is kept free."""
        spare = (limit / self._headroom - limit) * self._counted.get(group, SECOND) / SECOND
        return 1 / max(1.0, spare * SHARE) if spare * WHOLE >= 1 else WHOLE + 1

    def _taken(self, market: Market, group: str, at: Millis) -> float:
        span = self._counted.get(group, SECOND) + LATE_MS
        went = [(when, part) for when, part in self._went[market, group] if 0 <= at - when < span]
        self._went[market, group] = went
        return sum(part for _, part in went)

    def _mine(self, market: Market, at: Millis) -> bool:
        claim = self._claims.get(market)
        if claim is None or not _good(claim, at):
            claim = self._claims[market] = self._spare.claim(market, self._owner, at)
        return claim.mine


def _good(claim: Claim, at: Millis) -> bool:
    """Does it still say how things are? One that ends later than it can was made before the clock was set back."""
    left = claim.until - at
    return RENEWED_MS < left <= HELD_MS if claim.mine else -SKEW_MS <= left <= HELD_MS + SKEW_MS
