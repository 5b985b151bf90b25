"""How far processing lags behind what this host has received (D11).

Two figures, the larger of which counts: how late the event loop comes to a timer, and, while bytes pile up that the
system has received for us and nobody has read, how late the market data is that is being processed. Data that the
venue itself sends late piles nothing up: no step of ours would make it any earlier.
"""

from __future__ import annotations

from core.domain.engine import Engine
from core.domain.values import Millis
from core.feed.delays import Delays
from streamer.pump import Pump

PILED = 65_536
"""Unread bytes from which on we are the slow one: a wake-up reads more than that at once."""


class Lag:
    """unread: bytes that were waiting at the last look."""

    def __init__(self, pump: Pump, engine: Engine) -> None:
        self._pump, self._engine = pump, engine
        self._delays, self._since = Delays(), Millis(0)
        self.unread = self._behind = 0

    def look(self, lateness_ms: int, at: Millis) -> int:
        """The lag in ms; `lateness_ms` is the loop's own."""
        newest = [symbol.trade for symbol in self._engine.states if symbol.trade is not None]
        delays = [trade.seen - trade.at for trade in newest if trade.seen > self._since]
        if delays:  # nothing is new where one look follows on the heels of a late one
            self._behind, self._since = self._delays.look(delays, at), at
        self.unread = sum(link.unread for link in self._pump.links.values())
        return max(lateness_ms, self._behind if self.unread >= PILED else 0)
