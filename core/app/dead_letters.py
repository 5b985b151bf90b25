"""Messages that were given up on are told (F5): each is a signal, an alert or a run that never happened."""

from __future__ import annotations

from core.app.ports import Alerts, DeadLetters
from core.domain.messages import Alert, Kind
from core.domain.values import MINUTE, Millis


def look(letters: DeadLetters, alerts: Alerts, at: Millis) -> dict[str, int]:
    """One alert for each queue that is not empty; returns those. Raises Transient or Misconfigured."""
    found = {name: depth for name, depth in letters.depths().items() if depth}
    if found:
        alerts.send([_alert(name, depth, at) for name, depth in found.items()])
    return found


def _alert(name: str, depth: int, at: Millis) -> Alert:
    return Alert(
        id=f"{Kind.DEAD_LETTERS.value}:{name}:{at // MINUTE}",
        kind=Kind.DEAD_LETTERS,
        at=at,
        rule=name,
        condition="messages > 0",
        value=float(depth),
        threshold=0.0,
        memo=f"{name}: {depth}",
    )
