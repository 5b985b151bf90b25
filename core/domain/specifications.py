"""What an order of one symbol must look like, where a venue says so symbol by symbol instead of by a published table.

The safety filter writes them as it reads the listing (`core/app/safety.py`), so whatever may be bought has one.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from core.domain.events import Listing, Specification
from core.domain.values import Market, Millis

__all__ = ["FINEST", "Specification", "Specifications", "Specified", "told"]

Specified = Callable[[str], Specification | None]
"""What a venue said of a symbol; None where it said nothing, or nobody asked yet."""

FINEST = Specification(
    tick=Decimal("0.00000001"), lot=Decimal("0.00000001"), minimum=Decimal(0), maximum=Decimal("Infinity")
)
"""For tapes, which carry no listing: as fine as any venue is, so that a replay rounds nothing that live did not."""


class Specifications(msgspec.Struct, frozen=True, kw_only=True):
    """By symbol, as the listing read at `at` said. A level of its own: it is large and seldom read."""

    market: Market
    at: Millis
    rows: dict[str, Specification]


def told(listings: Iterable[Listing], market: Market, at: Millis) -> Specifications | None:
    """What these rows say; None for a venue whose listing does not speak of orders."""
    rows = {row.instrument.symbol: row.specification for row in listings if row.specification is not None}
    return Specifications(market=market, at=at, rows=rows) if rows else None
