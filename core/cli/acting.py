"""Commands that change something in a running system."""

from __future__ import annotations

import click

from core.adapters.wiring import Wiring
from core.cli import place
from core.cli.answers import json_option, say
from core.domain.messages import Alert, Kind

ALL = "all"


@click.command()
@click.argument("symbol", required=False)
@click.option("--reason", default="stopped by hand", show_default=True, help="What `status` will say.")
@json_option
def halt(symbol: str | None, reason: str, as_json: bool) -> None:
    """Stop buying everything, or SYMBOL only; exits go on."""
    site = place.site()
    scope = _scope(site, symbol)
    site.books.ledger.halt(scope, reason, place.clock())
    say(as_json, {"halted": scope, "reason": reason}, f"buying is halted ({scope}): {reason}. Exits go on.")


@click.command()
@click.argument("symbol", required=False)
@json_option
def resume(symbol: str | None, as_json: bool) -> None:
    """Allow buying again, everything or SYMBOL."""
    site = place.site()
    scope = _scope(site, symbol)
    site.books.ledger.resume(scope)
    left = site.books.ledger.halts()
    still = "; still halted: " + ", ".join(sorted(left)) if left else ""
    say(as_json, {"resumed": scope, "halts": left}, f"buying is allowed again ({scope}){still}")


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


def _scope(site: place.Site, symbol: str | None) -> str:
    return str(site.instrument(symbol)) if symbol else ALL


COMMANDS = (halt, resume, alert)
