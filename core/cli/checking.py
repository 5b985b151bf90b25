"""`hoga check`: every fault of the settings at once, before anything runs."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from core.cli import place
from core.cli.answers import json_option, say_json
from core.settings import Faulty, Settings, load


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_option
@click.pass_context
def check(context: click.Context, file: Path | None, as_json: bool) -> None:
    """Check the settings FILE (settings.yaml here): each fault with its key, what was found, what is allowed."""
    path = file or place.settings_path()
    try:
        settings = load(path, place.environment())
    except Faulty as faulty:
        if not as_json:
            raise
        say_json({"file": str(path), "faults": [msgspec.to_builtins(fault) for fault in faulty.faults]})
        context.exit(2)
    if as_json:
        say_json(
            {"file": str(path), "faults": [], "settings": msgspec.to_builtins(settings, str_keys=True, enc_hook=str)}
        )
    else:
        click.echo(f"{path.name}: {_summary(settings)}")


def _summary(settings: Settings) -> str:
    markets = ", ".join(market.value for market in settings.enabled) or "no market"
    channels = ", ".join(settings.notify.channels)
    return f"good. Mode {settings.mode.value}, {markets}, {settings.broker.value} broker, alerts to {channels}."


COMMANDS = (check,)
