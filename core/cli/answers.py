"""How a command answers: one JSON value where `--json` was given, else a table or a sentence for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """`--json` on a command; given to it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead.")(command)


def say_json(value: Any) -> None:
    """Any value as one line of JSON; money stays exact as text."""
    click.echo(msgspec.json.encode(value, enc_hook=str).decode())


def say(as_json: bool, value: object, sentence: str) -> None:
    """One fact: as JSON, or in words."""
    if as_json:
        say_json(value)
    else:
        click.echo(sentence)


def say_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, none: str) -> None:
    """A table; figures (columns with a `>`) to the right. Where there are no rows, the sentence `none`."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    if table.row_count:
        wide().print(table)
    else:
        click.echo(none)


def wide() -> Console:
    """A console that does not cut columns where nobody looks at it through a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    return console
