"""`hoga why SYMBOL`: every gate between a symbol and an order, with its number and its limit."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from core.app.gates.facts import Gate, Mark, facts
from core.app.why import Chain
from core.app.why import why as chain_of
from core.cli import place
from core.cli.answers import json_option, say_json, wide
from core.local.day import clock_of

SHOWN = {
    Mark.PASS: ("●", "ok", "green"),
    Mark.STOP: ("●", "STOP", "bold red"),
    Mark.WAIT: ("○", "wait", "yellow"),
    Mark.NONE: ("·", "-", "dim"),
}
"""For each mark: what a terminal shows, what plain text says, and its colour."""


@click.command()
@click.argument("symbol")
@json_option
def why(symbol: str, as_json: bool) -> None:
    """Why SYMBOL was bought or not: every gate with its number and its limit."""
    site = place.site()
    instrument = site.instrument(symbol)
    policy, books = site.settings.markets[instrument.market], site.books
    known = facts(instrument, policy, shelf=books.shelf, leases=books.leases, ledger=books.ledger, at=books.clock())
    chain = chain_of(known)
    if as_json:
        say_json(chain)
        return
    _show(chain)


def _show(chain: Chain) -> None:
    console = wide()
    named = f"{chain.instrument} {chain.name}".rstrip()
    console.print(Text(f"{named} at {clock_of(chain.at)} KST: {chain.verdict}", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for column in ("", "gate", "found", "limit", ""):
        table.add_column(column, overflow="fold")
    for gate in chain.gates:
        table.add_row(*_row(gate, first=gate.name == chain.stopped, coloured=console.is_terminal))
    console.print(table)


def _row(gate: Gate, *, first: bool, coloured: bool) -> tuple[Text, ...]:
    dot, word, style = SHOWN[gate.mark]
    mark = Text(f"{dot} {word}" if coloured else word, style=style)
    strong = style if first or gate.mark is Mark.NONE else ""
    return (
        mark,
        Text(gate.name, style=strong),
        Text(gate.found, style=strong),
        Text(gate.limit),
        Text(gate.detail, style="dim"),
    )


COMMANDS = (why,)
