"""What a stream brings beside market data: refusals, grown frames, halts, notices of our own orders."""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.domain.effects import Announce
from core.domain.engine import Engine
from core.domain.events import Acknowledged, Complaint, Drift, Inbound, MarketState, OrderNotice
from core.venues.spec import Cure, StreamSpec
from streamer.quarantine import Quarantine

TOLD = frozenset({Cure.WRONG, Cure.FULL, Cure.UNKNOWN})
"""Cures that a person should hear of; the others mend themselves, and a connection that is lost is told as that."""
log = logging.getLogger(__name__)


class Aside:
    """Sorts it. Counts since the start: complaints, refused (registrations), drifts (frames wider than known)."""

    def __init__(
        self, spec: StreamSpec, engine: Engine, quarantine: Quarantine, on_notice: Callable[[OrderNotice], None]
    ) -> None:
        self._spec, self._engine, self._quarantine, self._on_notice = spec, engine, quarantine, on_notice
        self.complaints = self.refused = self.drifts = 0

    def take(self, item: Inbound) -> list[Announce]:
        """One event that is no market data; what people should be told of it."""
        match item:
            case Complaint():
                self.complaints += 1
                return self._quarantine.complained(item)
            case Acknowledged():
                return self._answered(item)
            case Drift():
                self.drifts += 1
                return self._quarantine.grown(item)
            case OrderNotice():
                self._on_notice(item)
            case MarketState():
                self._engine.state(item)
            case _:
                pass  # a sign of life, or an echo that the session has sent
        return []

    def _answered(self, answer: Acknowledged) -> list[Announce]:
        """Its symbol is not shown: for own-order notices that is the owner's name at the venue."""
        cure = self._spec.cure(answer.code)
        if cure is Cure.DONE:
            return []
        self.refused += 1
        extra = {"outcome": cure.value, "complaint": answer.code, "why": answer.message, "key": answer.topic}
        log.warning("a registration was not taken", extra=extra)
        if cure not in TOLD:
            return []
        return self._quarantine.complained(Complaint(answer.code, f"{answer.topic}: {answer.message}", answer.seen))
