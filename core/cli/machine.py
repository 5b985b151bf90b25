"""Commands that start the whole system on this machine: `demo` and `run`."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console

from core.cli import place
from core.cli.answers import json_option, say_json, wide
from core.domain.errors import Misconfigured, Refused
from core.domain.values import Market, Millis
from core.local import demo as day
from core.local.board import Board, board
from core.local.closing import closing
from core.local.portrait import Portrait
from core.local.report import missing, plain
from core.local.running import running
from core.local.system import Feed, Plan, System

STEP_S = 0.5
AGAIN_S = 20.0
FASTER = 30.0
"""In the demo, a schedule of every minute comes every two seconds."""


@click.command()
@json_option
@click.option("--seconds", default=50.0, show_default=True, type=click.FloatRange(50, 3600), help="Length of the day.")
@click.option("--seed", default=7, show_default=True, type=int, help="Of the simulated market.")
@click.option("--markets", default="upbit,krx", show_default=True, help="Which exchanges, with commas; binance too.")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write the board to this SVG file.")
@click.pass_context
def demo(context: click.Context, as_json: bool, seconds: float, seed: int, markets: str, picture: Path | None) -> None:
    """A whole trading day in about a minute, offline: every step once, then the proof."""
    chosen = _markets(markets)
    shown = _drawn(_board(quiet=as_json), picture)
    try:
        plan = msgspec.structs.replace(_plan(Feed.SIM, seed, FASTER), markets=chosen)
        done, views = day.demo(plan, shown, seconds)
    finally:
        shown.close()
    faults = missing(done)
    if as_json:
        say_json({**plain(done), "missing": faults})
    else:
        for view in views:
            wide().print(closing(done, view))
    for fault in faults:
        click.echo(f"missing: {fault}", err=True)
    context.exit(1 if faults else 0)


@click.command()
@click.option("--feed", type=click.Choice([feed.value for feed in Feed]), required=True, help="Where prices come from.")
@click.option("--seed", default=None, type=int, help="Of the simulated market; another one each time by default.")
@click.option("--seconds", default=0.0, type=click.FloatRange(0), help="Stop after so long; 0 means with Ctrl-C.")
def run(feed: str, seed: int | None, seconds: float) -> None:
    """Run the system until Ctrl-C: simulated exchanges, or real prices of one market; paper money either way.

    The prices of Upbit and Binance are public. Those of krx need your KIS app key in HOGA_SECRET_KIS_APP_KEY and
    HOGA_SECRET_KIS_APP_SECRET.
    """
    shown = _board(quiet=False)
    plan = _plan(Feed(feed), secrets.randbelow(1_000_000) if seed is None else seed, 1.0)
    try:
        with running(plan, lambda step: shown.tell(plan.clock(), step)) as system:
            _go(system, shown, time.monotonic() + seconds if seconds else None)
    finally:
        shown.close()


def _go(system: System, shown: Board, deadline: float | None) -> None:
    """The first looks, then on and on. What the first look left undone is tried again soon, not in an hour."""
    for function in ("SafetyFilter", "BatchScan"):
        shown.tell(system.plan.clock(), f"first run of {function}")
        first = system.clockwork.first(function, system.plan.clock())
        if first.fault:
            raise Refused(f"the first {function} failed", why=first.fault)
    if undone := system.undone():
        shown.tell(system.plan.clock(), undone)
    system.stream()
    system.clockwork.start()
    again = time.monotonic() + AGAIN_S
    while deadline is None or time.monotonic() < deadline:
        at = system.plan.clock()
        if time.monotonic() >= again:
            again = time.monotonic() + AGAIN_S
            if system.undone():
                system.clockwork.soon("SafetyFilter", at)
        for sentence in system.step():
            shown.tell(at, sentence)
        shown.show(system.frame("running, Ctrl-C stops it", Millis(0)))
        time.sleep(STEP_S)


def _drawn(shown: Board, picture: Path | None) -> Board:
    """The board, and in front of it what draws it. Raises Misconfigured before the day, not after it."""
    if picture is None:
        return shown
    if not picture.absolute().parent.is_dir():
        raise Misconfigured("--picture names a file in a folder that is not there", given=picture)
    return Portrait(shown, picture)


def _markets(text: str) -> tuple[Market, ...]:
    """Markets as a person lists them. Raises Misconfigured for one that there is not, and where none is left."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = [market.value for market in Market]
    if not names or not set(names) <= set(known):
        raise Misconfigured("--markets names markets with commas between", given=text, allowed=",".join(known))
    return tuple(Market(name) for name in dict.fromkeys(names))


def _plan(feed: Feed, seed: int, pace: float) -> Plan:
    return Plan(
        settings=place.settings(),
        feed=feed,
        base=place.base(),
        pid=os.getpid(),
        host=dict(place.environment()),
        clock=place.clock,
        seed=seed,
        pace=pace,
        credentials=None if feed is Feed.SIM else place.credentials(),
    )


def _board(*, quiet: bool) -> Board:
    """On stdout for people; where stdout carries JSON, on stderr if someone looks at it there, else nowhere."""
    console = Console(stderr=quiet, highlight=False)
    write: Callable[[str], None] = lambda line: click.echo(line, err=quiet)
    if quiet and not console.is_terminal:
        write = lambda line: None
    return board(console, write=write)


COMMANDS = (demo, run)
