"""What one market's stream says of itself: once a minute for CloudWatch, and whenever people ask (D12)."""

from __future__ import annotations

import asyncio

from core.domain.engine import Engine
from core.domain.levels import StreamFigures
from core.domain.values import Millis
from streamer.counts import Counts
from streamer.figures import figures, metric_lines
from streamer.outbox import Outbox
from streamer.ports import Ports
from streamer.pump import Pump
from streamer.rounds import Rounds

PERIOD_S = 60.0
"""How often figures are written for CloudWatch; what a shorter life counted is written at its end."""


class Teller:
    """`say` writes what is new since it was called last."""

    def __init__(self, ports: Ports, pump: Pump, engine: Engine, outbox: Outbox, rounds: Rounds) -> None:
        self._ports, self._pump, self._engine, self._outbox, self._rounds = ports, pump, engine, outbox, rounds
        self._counts = Counts(pump.market, ports.stage)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            self.say()

    def figures(self, at: Millis) -> StreamFigures:
        return figures(self._pump, self._engine, self._outbox, self._rounds, self._ports.host, at)

    def say(self) -> None:
        at = self._ports.clock()
        for line in (
            *self._counts.lines(self._pump, self._engine, self._outbox, at),
            *metric_lines(self.figures(at), at, self._ports.stage),
        ):
            self._ports.say(line)
        for latency in (self._pump.latency, self._outbox.to_signal, self._outbox.own):
            latency.clear()
        self._rounds.relief.worst()
