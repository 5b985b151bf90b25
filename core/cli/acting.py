"""Commands that change something in a running system."""

from __future__ import annotations

import click

from core.adapters.wiring import Wiring
from core.cli import place
from core.cli.answers import json_option, say
from core.domain.messages import Alert, Kind


@click.group()
def alert() -> None:
    """Alerts to people."""


@alert.command("test")
@json_option
def test_alert(as_json: bool) -> None:
    """Send one test alert through every configured channel."""
    site = place.site()
    at, channels = place.clock(), site.settings.notify.channels
    Wiring(site.cloud.environment()).alerts.send(
        [Alert(id=f"test:{at}", kind=Kind.TEST, at=at, memo="hoga alert test", lasting=False)]
    )
    say(as_json, {"sent": f"test:{at}", "channels": channels}, f"a test alert is on its way to {', '.join(channels)}")


COMMANDS = (alert,)
