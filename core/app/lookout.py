"""What the scheduled use cases that watch a market are given, and how they ask a venue for many symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from core.app.ports import Alerts, Clock, Quotes, Shelf
from core.domain.errors import Refused, Transient, WireSurprise
from core.domain.policies import MarketPolicy
from core.domain.sessions import TOLD, Calendar
from core.domain.values import Market
from core.venues.spec import Venue

T = TypeVar("T")

Unanswered = (Transient, Refused, WireSurprise)
"""Ways in which a venue's answer can fail to be one; each is told to people, and the last good level is kept."""


class Lookout(msgspec.Struct, frozen=True, kw_only=True):
    """One market as its composition root lays it out. `pause` waits that many seconds between two calls.

    told  what the venue told of single days: do they trade?
    """

    market: Market
    policy: MarketPolicy
    venue: Venue
    shelf: Shelf
    quotes: Quotes
    alerts: Alerts
    clock: Clock
    pause: Callable[[float], None]
    told: Mapping[str, bool] = TOLD

    @property
    def days(self) -> Calendar:
        """When the market is open, and where its days are cut."""
        return self.venue.rules.calendar(self.policy.day, self.told)


def paged(
    ask: Callable[[Sequence[str]], list[T]], symbols: Sequence[str], size: int, pause: Callable[[], None]
) -> list[T]:
    """Ask for all symbols in batches of `size`, with a pause between two calls and none at either end (B1, B2)."""
    found: list[T] = []
    for number, batch in enumerate(batches(symbols, size)):
        if number:
            pause()
        found += ask(batch)
    return found


def batches(symbols: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Slices of `size`, the last one shorter; none for no symbols."""
    return (symbols[start : start + size] for start in range(0, len(symbols), size))
