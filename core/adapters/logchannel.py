"""Alerts as log lines: the channel that needs no account."""

import logging

from core.domain.messages import Alert
from core.domain.wording import render


class LogNotifier:
    """Implements `ports.Notifier`; the picture is left out. `log` is the process's own logger where it has one."""

    def __init__(self, language: str, log: logging.Logger | None = None) -> None:
        self._language = language
        self._log = log or logging.getLogger("hoga.alerts")

    def send(self, alert: Alert, picture: bytes | None) -> None:
        facts = {
            "outcome": "sent",
            "kind": alert.kind.value,
            "key": alert.id,
            "instrument": str(alert.instrument or ""),
        }
        self._log.info(render(alert, self._language), extra=facts)
