"""Where a replay stands on its tape: the only clock, the only book and the only price that it knows."""

from collections.abc import Sequence

from core.domain.events import Book, Inbound, Trade
from core.domain.values import Millis


class Playhead:
    """The tape's present. Give its methods to whatever live gets a clock and quotes; nothing lies ahead of it.

    `books` answers as a venue would at this moment of the tape, so a paper broker fills from the newest book on it.
    """

    def __init__(self) -> None:
        self.at = Millis(0)
        self._books: dict[str, Book] = {}
        self._prices: dict[str, float] = {}

    def clock(self) -> Millis:
        return self.at

    def monotonic_s(self) -> float:
        return self.at / 1000

    def reach(self, at: Millis) -> None:
        """Go on to a moment; a line of the tape that is older than the one before does not turn the clock back."""
        self.at = max(self.at, at)

    def see(self, event: Inbound) -> None:
        match event:
            case Book():
                self._books[event.instrument.symbol] = event
            case Trade():
                self._prices[event.instrument.symbol] = event.price
            case _:
                pass

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]:
        """The newest book of each symbol that has had one, as it came, whatever depth was asked for."""
        return [self._books[symbol] for symbol in symbols if symbol in self._books]

    def last_price(self, symbol: str) -> float | None:
        return self._prices.get(symbol)
