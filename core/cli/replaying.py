"""`hoga replay FILE`: a recorded tape through the same pipeline as live; the same file, the same report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.adapters.tape import frames
from core.app.replay import Report
from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.domain.errors import Refused
from core.domain.values import Millis
from core.local.playback import play, write_candles


class EmptyTape(Refused):
    remedy = "Name another file, or record it again."


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--candles", type=click.Path(path_type=Path, dir_okay=False), help="Write every candle to this CSV file.")
@json_option
def replay(file: Path, candles: Path | None, as_json: bool) -> None:
    """Play a recorded tape through session, engine, locks and paper broker."""
    settings = place.settings()
    done = play(_shown(file), settings, settings.enabled[0])
    if not done.report.frames:
        raise EmptyTape("there is no frame on this tape", file=str(file))
    if candles is not None:
        write_candles(done.candles, candles)
    if as_json:
        say_json(done.report)
        return
    say_table(f"replay of {file.name}", ("figure", ">value"), list(_rows(done.report)), none="")


def _shown(file: Path) -> Iterable[tuple[Millis, bytes]]:
    """The frames, with a progress bar where someone looks at stderr; counting first also finds a torn tape early."""
    console = Console(stderr=True)
    return _counted(file, console) if console.is_terminal else frames(file)


def _counted(file: Path, console: Console) -> Iterator[tuple[Millis, bytes]]:
    total = sum(1 for _ in frames(file))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(frames(file), total=total, description=file.name)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    for name, value in msgspec.structs.asdict(report).items():
        match value:
            case int() if name.endswith("_at"):
                yield name, datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            case int():
                yield name, f"{value:,}"
            case _:
                yield name, str(value) if value is not None else "-"


COMMANDS = (replay,)
