"""What is done about lag: the steps of `core/feed/pressure.py`, carried out on one market (D11)."""

from __future__ import annotations

import logging

from core.domain.values import Millis
from core.feed.pressure import Pressure, Step
from streamer.conflation import Conflation
from streamer.pump import Pump

log = logging.getLogger(__name__)


class Relief:
    """lag_ms: how far processing lagged at the last look (`streamer/lag.py`); `worst_ms`: most since it was asked."""

    def __init__(self, pump: Pump, conflation: Conflation) -> None:
        self._pump, self._conflation = pump, conflation
        self.pressure = Pressure()
        self.lag_ms = self.worst_ms = 0

    def look(self, lag_ms: int, at: Millis) -> int:
        """Take one measurement; +1 or -1 where a step was taken or taken back."""
        self.lag_ms, self.worst_ms = lag_ms, max(self.worst_ms, lag_ms)
        before = self.pressure.step
        if moved := self.pressure.look(lag_ms, at):
            extra = {"outcome": self.pressure.step.value, "level": self.pressure.level, "lag_ms": lag_ms}
            log.warning("processing lags" if moved > 0 else "processing keeps up again", extra=extra)
        if (before is Step.CALM) is not (self.pressure.step is Step.CALM):
            self._switch(on=before is Step.CALM)
        return moved

    def worst(self) -> int:
        """The worst lag since this was asked last, ms."""
        worst, self.worst_ms = self.worst_ms, 0
        return worst

    def _switch(self, *, on: bool) -> None:
        self._conflation.flush()
        self._pump.divert(self._conflation.took if on else self._pump.took)
