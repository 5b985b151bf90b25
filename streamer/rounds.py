"""What is looked at once a second instead of at every message: continuity, ends of connections, lag (D6, D8, D11)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from core.domain.engine import Engine
from core.domain.values import Millis
from core.feed.freshness import Gap
from core.venues.spec import StreamSpec
from streamer.conflation import FLUSH_S, Conflation
from streamer.continuity import Continuity
from streamer.lag import Lag
from streamer.outbox import Outbox
from streamer.pump import Pump
from streamer.relief import Relief
from streamer.succession import Succession

LOOK_S = 1.0


class Rounds:
    """One market's.

    shed         wanted symbols that pressure leaves no room for
    on_pressure  called when fewer or more symbols may be subscribed than before
    """

    def __init__(
        self,
        spec: StreamSpec,
        engine: Engine,
        pump: Pump,
        outbox: Outbox,
        *,
        clock: Callable[[], Millis],
        fill: Callable[[Iterable[str], Gap], None],
        on_pressure: Callable[[], None],
    ) -> None:
        self._pump, self._clock, self._on_pressure = pump, clock, on_pressure
        self.conflation = Conflation(pump.took, engine.step, outbox.put)
        self.continuity = Continuity(spec, engine, pump, fill)
        self.succession = Succession(spec, pump)
        self.lag = Lag(pump, engine)
        self.relief = Relief(pump, self.conflation)
        self.shed = 0

    def fit(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those of `wanted`, best first, that may be subscribed under the present pressure; what is held always is."""
        firm = set(self._pump.firm)
        allowed = self.relief.pressure.allowed(len(wanted), len(firm.intersection(wanted)))
        self.shed = len(wanted) - allowed
        kept = set(sorted(wanted, key=lambda name: name not in firm)[:allowed])
        return tuple(name for name in wanted if name in kept)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_S
        while True:
            await self._wait(due)
            self.look(round((loop.time() - due) * 1000))
            due = max(due + LOOK_S, loop.time())

    def look(self, lateness_ms: int) -> None:
        """One round; `lateness_ms` is how late the loop came to it."""
        at = self._clock()
        self.continuity.look(at)
        self.succession.look(at)
        if self.relief.look(self.lag.look(lateness_ms, at), at):
            self._on_pressure()

    async def _wait(self, due: float) -> None:
        """Until the next round; while conflating, what was kept back is looked at in between."""
        loop = asyncio.get_running_loop()
        while (left := due - loop.time()) > 0:
            await asyncio.sleep(min(left, FLUSH_S))
            self.conflation.flush()
