"""Of books and tickers only the newest of each symbol is looked at, while processing lags (D11).

Trades go through one by one as always: the volume of a candle and its extremes are exact, and every exit is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.domain.effects import Effect
from core.domain.events import Book, Inbound, MarketData, Ticker
from core.domain.values import Millis
from streamer.link import Taker

FLUSH_S = 0.25
"""How often the newest are looked at: a book is at most this old when an exit is judged by it."""


class Conflation:
    """Stands before `took`. dropped: books and tickers that nobody looked at, because a newer one came."""

    def __init__(
        self,
        took: Taker,
        step: Callable[[MarketData], Sequence[Effect]],
        put: Callable[[Sequence[Effect]], None],
    ) -> None:
        self._took, self._step, self._put = took, step, put
        self._newest: dict[tuple[str, type], Book | Ticker] = {}
        self.dropped = 0

    def took(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """As `Pump.took`, in the path of a frame."""
        rest = []
        for item in inbound:
            if isinstance(item, Book | Ticker):
                key = (item.instrument.symbol, type(item))
                self.dropped += key in self._newest
                self._newest[key] = item
            else:
                rest.append(item)
        if rest:
            self._took(rest, at)

    def flush(self) -> None:
        """Look at what was kept."""
        newest, self._newest = self._newest, {}
        for item in newest.values():
            if effects := self._step(item):
                self._put(effects)
