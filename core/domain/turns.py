"""Calls to a venue as its shared budget counts them, and a part of that budget which one process has for itself."""

import msgspec

from core.domain.values import Market, Millis


class Fare(msgspec.Struct, frozen=True):
    """What one call costs: its rate-limit group with whoever pays for it, and how many such calls a second may go."""

    group: str
    limit: float


class Stretch(msgspec.Struct, frozen=True):
    """A group's calls from `since` until `until` (epoch ms, by the clock of whoever took it) are one process's own."""

    market: Market
    group: str
    since: Millis
    until: Millis
