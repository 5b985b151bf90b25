"""A circuit that opens is told to people (F5); what was asked ends in its own error, whatever becomes of the alert."""

from __future__ import annotations

import logging

from core.app.ports import Alerts
from core.domain.errors import CoreError
from core.domain.messages import Alert, Kind
from core.domain.values import Market, Millis
from core.feed.breaker import FAILURES, REST_MS

log = logging.getLogger(__name__)


def tell_open(alerts: Alerts, market: Market, path: str, at: Millis) -> None:
    """One alert; the cooldown keeps one that opens again and again, in whichever function, from being told twice."""
    alert = Alert(
        id=f"{market.value}:circuit:{path}:{at}",
        kind=Kind.CIRCUIT,
        at=at,
        market=market,
        rule=path,
        condition=f"failures in a row >= {FAILURES}",
        memo=f"{path} is left alone for {REST_MS / 1000:g} s and then tried once",
    )
    log.error("a circuit opened", extra={"outcome": "open", "market": market.value, "path": path})
    try:
        alerts.send([alert])
    except CoreError as fault:
        log.error("a circuit opened and nobody could be told", extra={"outcome": "untold", "why": str(fault)})
