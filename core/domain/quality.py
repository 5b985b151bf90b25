"""How far a candle can be trusted, said with every candle, and why where it is not whole (D6, D8)."""

from enum import StrEnum


class Quality(StrEnum):
    """WHOLE is a promise: every trade of it came by the stream, once."""

    WHOLE = "whole"
    BACKFILLED = "back-filled"
    """The venue's own bar, told by REST."""
    GAPPED = "gapped"
    """Trades of it may be missing."""
    PARTIAL = "partial"
    """We listen only since a moment within it, or it was begun with the venue's unfinished bar."""


BY_THE_VENUE = "told by the venue"
LOST = "the connection was lost"
JOINED = "subscribed within it"
UNITED = "begun with the venue's unfinished bar"
TOO_LATE = "a trade came too late"
EDGE_MS = 2_000
"""A gap is measured by our clock and a candle by the venue's: what lies this near to a gap counts as touched."""
