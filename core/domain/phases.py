"""What kind of trading goes on; a venue takes other kinds of order in each."""

from enum import StrEnum


class Phase(StrEnum):
    CLOSED = "closed"
    OPENING = "opening auction"
    REGULAR = "regular"
    INTERRUPTED = "interrupted"  # a call auction in the middle of the day
    CLOSING = "closing auction"
    BEFORE = "before the open at the last close"
    SETTLED = "after the close at the close"
    AFTER = "after-market"


AUCTIONS = frozenset({Phase.OPENING, Phase.INTERRUPTED, Phase.CLOSING})
"""Orders rest in these and are matched together at the end."""
