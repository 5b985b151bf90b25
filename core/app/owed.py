"""Telling people never stands in front of the work: a step writes its state first and what it owes them with it.

What cannot be sent waits on the level for the next run; its id stays the same, so the cooldown knows a repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from core.app.desk import Desk
from core.app.lookout import Lookout
from core.app.ports import Alerts
from core.domain.errors import CoreError
from core.domain.levels import SafetyHealth, ScanHealth
from core.domain.messages import Alert
from core.domain.values import Millis

Health = TypeVar("Health", ScanHealth, SafetyHealth)

GRACE = Millis(10_000)
"""Whoever wrote it is given that long to tell it."""

MOST = 10
"""Alerts that wait on a level at once: while none can be sent, the oldest are the least worth telling."""


def deliver(alerts: Alerts, news: Sequence[Alert]) -> str:
    """Send them. Returns why that did not work, "" where it did or there was nothing: it stops nobody."""
    try:
        if news:
            alerts.send(news)
    except CoreError as trouble:
        return str(trouble)
    return ""


def retell(desk: Desk) -> str:
    """Tell what trades wrote and may have died before telling; returns as `deliver`.

    Nearly always it was told already: the cooldown knows each alert by its id, and people get it once.
    """
    due = desk.clock() - GRACE
    waiting = [(key, alert) for key, alert in desk.ledger.untold(desk.market) if alert.at <= due]
    if trouble := deliver(desk.alerts, [alert for _, alert in waiting]):
        return trouble
    for key, _ in waiting:
        desk.ledger.told(key)
    return ""


def owing(before: ScanHealth | SafetyHealth | None, news: Sequence[Alert]) -> tuple[Alert, ...]:
    """What the next copy of a level owes: what the last one still does, and the news."""
    return (*(before.owed if before else ()), *news)[-MOST:]


def settle(lookout: Lookout, health: Health) -> Health:
    """Send what a level owes, and write it without. The level as it is now: what could not be sent still waits."""
    if not health.owed or deliver(lookout.alerts, health.owed):
        return health
    told = msgspec.structs.replace(health, owed=())
    lookout.shelf.write(told)
    return told
