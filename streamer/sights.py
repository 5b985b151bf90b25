"""What the streamer sees of its most wanted symbols, as a level for whoever asks why (`hoga why`)."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.engine import Engine
from core.domain.sight import Watched, watched
from core.domain.values import Market, Millis

EVERY = 3
"""Written in every so many rounds of saving: read by people, who wait for it that long."""


class Sights:
    """Decides when the level is written, and what is in it."""

    def __init__(self, market: Market, engine: Engine) -> None:
        self._market, self._engine = market, engine
        self._rounds = 0

    def due(self, wanted: Sequence[str], cooldowns: dict[str, Millis], at: Millis) -> list[Watched]:
        """The level where this round writes it, the first of all rounds among them; else nothing."""
        self._rounds += 1
        if self._rounds % EVERY != 1:
            return []
        known = (self._engine.snapshot(name) for name in wanted)
        running = {symbol: ends for symbol, ends in cooldowns.items() if ends > at}
        return [watched(self._market, (symbol for symbol in known if symbol), self._engine.rules, running, at)]
