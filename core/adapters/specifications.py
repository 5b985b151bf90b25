"""What the listing said of each symbol's orders, as whoever makes orders asks for it."""

from core.app.ports import Clock, Shelf
from core.domain.specifications import Specification, Specifications
from core.domain.values import Market, Millis

KEPT_MS = 600_000
"""A process that lives long reads them anew after this: exchanges change a step now and then."""


class Listed:
    """`Specified` over a shelf. Nothing is read before a symbol is asked for; one that is missing is looked for again.

    Raises what the shelf raises: an order whose form nobody knows is not made.
    """

    def __init__(self, shelf: Shelf, market: Market, clock: Clock) -> None:
        self._shelf, self._market, self._clock = shelf, market, clock
        self._rows: dict[str, Specification] = {}
        self._read_at = Millis(-KEPT_MS)

    def __call__(self, symbol: str) -> Specification | None:
        at = self._clock()
        if symbol not in self._rows or not 0 <= at - self._read_at < KEPT_MS:
            found = self._shelf.read(Specifications, self._market)
            self._rows, self._read_at = (found.rows if found else {}), at
        return self._rows.get(symbol)
