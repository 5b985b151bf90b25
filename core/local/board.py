"""Shows a running system: a live picture in a terminal, one plain line for each event anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from core.domain.positions import Position
from core.domain.values import Millis
from core.local.day import clock_of
from core.local.frame import Frame
from core.local.glance import glance
from core.local.look import View, stream_words
from core.local.telling import few, figure, money, named, units

ROWS = 6
TOLD, LEAST_TOLD = 30, 3
WIDE = 100
"""From this width on two columns fit beside each other."""

COUNTS = (
    ("Scans", "scans"),
    ("Signals", "signals"),
    ("LocksGranted", "locks granted"),
    ("LocksRefused", "locks refused"),
    ("Buys", "buys"),
    ("Sells", "sells"),
    ("AlertsSent", "alerts sent"),
    ("AlertsSuppressed", "kept back"),
    ("Reconnects", "reconnects"),
)


class Board(Protocol):
    """Where a run is shown. `tell` is for a sentence, `show` for the whole picture."""

    def tell(self, at: Millis, sentence: str) -> None: ...

    def show(self, frame: Frame) -> None: ...

    def close(self) -> None: ...


class PlainBoard:
    """One line for each event, with the time of day in Korea; the picture is not shown."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def tell(self, at: Millis, sentence: str) -> None:
        self._write(f"{clock_of(at)}  {sentence}")

    def show(self, frame: Frame) -> None:
        """Nothing: each change has been told."""

    def close(self) -> None:
        """Nothing to give back."""


class LiveBoard:
    """A picture that is drawn anew in place; what was told last stays below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: list[tuple[Millis, str]] = []
        self._frame: Frame | None = None
        self._live = Live(Text(""), console=console, refresh_per_second=4, transient=False, screen=False)
        self._live.start()

    def tell(self, at: Millis, sentence: str) -> None:
        self._told = [*self._told, (at, sentence)][-TOLD:]
        self._draw()

    def show(self, frame: Frame) -> None:
        self._frame = frame
        self._draw()

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> None:
        """The fullest picture that leaves room for what was told last, and the cursor's line."""
        shown = self._fitting(self._console.height - LEAST_TOLD - 1) if self._frame else Group()
        room = self._console.height - self._tall(shown) - 1
        self._live.update(Group(shown, _told(self._told[-max(room, LEAST_TOLD) :])))

    def _fitting(self, room: int) -> RenderableType:
        shapes = pictures(self._frame, wide=self._console.width >= WIDE) if self._frame else [Group()]
        return next((shape for shape in shapes if self._tall(shape) <= room), shapes[-1])

    def _tall(self, shown: RenderableType) -> int:
        return len(self._console.render_lines(shown, pad=False))


def board(console: Console, *, write: Callable[[str], None]) -> Board:
    """The live board where the console is a terminal wide enough to hold it, else the plain one."""
    if console.is_terminal and not console.is_dumb_terminal and console.width >= 60:
        return LiveBoard(console)
    return PlainBoard(write)


def pictures(frame: Frame, *, wide: bool) -> list[RenderableType]:
    """The same moment in every shape there is, the fullest first; the last one fits anywhere."""
    left, right = _sides(frame.views)
    columns = Table.grid(expand=True)
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    columns.add_row(left, right)
    middle: RenderableType = columns if wide else Group(left, right)
    head, counts = _head(frame), _counts(frame)
    return [Group(head, middle, _foot(frame)), Group(head, middle, counts), glance(frame, counts)]


def _sides(views: list[View]) -> tuple[Group, Group]:
    """One market over both columns; two markets beside each other, each whole in its own."""
    if len(views) == 1:
        (view,) = views
        return Group(_market(view), _positions(view)), Group(_results(view), _locks(view))
    whole = [Group(_market(view), _positions(view), _results(view)) for view in views]
    return whole[0], Group(*whole[1:])


def _head(frame: Frame) -> Panel:
    line = Text()
    line.append(f"{clock_of(frame.at)} KST", style="bold")
    if frame.ends:
        left = max(0, frame.ends - frame.at) // 1000
        line.append(f"  day ends {clock_of(frame.ends)} (in {left} s)" if left else "  day closed")
    line.append(f"  {frame.phase}", style="cyan")
    for name, runs in frame.programs.items():
        line.append("  ")
        line.append("●" if runs else "○", style="green" if runs else "red")
        line.append(f" {name}")
    line.append(f"\nfeed {frame.feed}, paper money, AWS {frame.endpoint}", style="dim")
    return Panel(line, title="hoga", title_align="left", padding=(0, 1))


def _market(view: View) -> Panel:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    grid.add_row("scan", _scan(view))
    grid.add_row("top N", few([member.symbol for member in view.top.members]) if view.top else "-")
    stream = view.stream
    if stream:
        state = "connected" if stream.connected else "lost"
        grid.add_row("stream", f"{state}, {len(stream.subscribed)} symbols, {stream.messages} messages")
        grid.add_row("", f"p99 {stream.latency_p99_ms:.0f} ms, {stream.reconnects} reconnects, {stream.gaps} gaps")
        if view.figures:
            grid.add_row("", stream_words(view.figures))
        grid.add_row("watching", few(list(stream.subscribed)) or "-")
    if view.halted:
        grid.add_row("halted", Text(view.halted, style="red"))
    return Panel(grid, title=str(view.market), title_align="left")


def _scan(view: View) -> str:
    if view.scan is None:
        return "none yet"
    age = max(0, view.at - view.scan.at) / 1000
    removed = sum(view.scan.removed.values())
    mode = ", SAFE MODE" if view.health and view.health.safe_mode else ""
    return f"{len(view.scan.snapshots)} symbols, {removed} removed, {age:.0f} s ago{mode}"


def _positions(view: View) -> Panel:
    table = Table(box=None, padding=(0, 1), expand=True)
    for name in ("symbol", "worker"):
        table.add_column(name, no_wrap=True)
    for name in ("units", "entry", "PnL"):
        table.add_column(name, justify="right", no_wrap=True)
    for position in view.positions[:ROWS]:
        table.add_row(*_position(view, position))
    if not view.positions:
        table.add_row(Text("none", style="dim"))
    return Panel(table, title="positions", title_align="left")


def _position(view: View, position: Position) -> tuple[str | Text, ...]:
    pnl = view.unrealised(position)
    shown = coloured(pnl) if pnl is not None else Text("-")
    symbol = named(position.instrument.symbol, view.names)
    return symbol, position.worker, units(position.quantity), figure(position.price), shown


def _results(view: View) -> Panel:
    table = Table(box=None, padding=(0, 1), expand=True)
    for name in ("result", "exit"):
        table.add_column(name, no_wrap=True)
    table.add_column("PnL", justify="right", no_wrap=True)
    for trip in sorted(view.trips, key=lambda trip: trip.closed)[-ROWS:]:
        table.add_row(named(trip.instrument.symbol, view.names), trip.exit.replace("_", " "), coloured(trip.pnl))
    if not view.trips:
        table.add_row(Text("none", style="dim"))
    total = sum((trip.pnl for trip in view.trips), Decimal(0))
    return Panel(table, title=f"results {money(total)}", title_align="left")


def _locks(view: View) -> Panel:
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("lock", no_wrap=True)
    table.add_column("fence", justify="right")
    table.add_column("holder", no_wrap=True, overflow="ellipsis")
    held = [lock for lock in view.locks if lock.owner or lock.position]
    for lock in held[:ROWS]:
        worker = lock.position.worker if lock.position else ""
        table.add_row(lock.instrument.symbol, str(lock.fence), lock.owner or f"{worker} (position)")
    if not held:
        table.add_row(Text("none", style="dim"))
    return Panel(table, title="locks", title_align="left")


def _foot(frame: Frame) -> RenderableType:
    counts = _counts(frame)
    runs = Text("  ").join(_run(name, count, frame.faults.get(name, 0)) for name, count in sorted(frame.runs.items()))
    newest = Table.grid(padding=(0, 2), expand=True)
    newest.add_column(ratio=1)
    newest.add_row(Group(Text("signals", style="dim"), *(_one_line(text) for text in frame.signals[-3:])))
    newest.add_row(Group(Text("alerts", style="dim"), *(_one_line(text) for text in frame.alerts[-3:])))
    return Panel(Group(counts, Text("runs: ", style="dim") + runs, newest), title="so far", title_align="left")


def _counts(frame: Frame) -> Text:
    return Text("  ").join(Text(f"{name} {frame.count(metric)}") for metric, name in COUNTS)


def _run(name: str, count: int, faults: int) -> Text:
    return Text(f"{name} {count}") + (Text(f" ({faults} failed)", style="red") if faults else Text(""))


def _one_line(text: str) -> Text:
    return Text(" ".join(text.split()), no_wrap=True, overflow="ellipsis")


def _told(told: list[tuple[Millis, str]]) -> RenderableType:
    return Group(*(Text(f"{clock_of(at)}  {sentence}", no_wrap=True, overflow="ellipsis") for at, sentence in told))


def coloured(amount: Decimal) -> Text:
    """Money in green or red; Korean readers know red as up, so the sign is always shown as well."""
    style = "green" if amount > 0 else "red" if amount < 0 else ""
    return Text(f"{amount:+,.0f}", style=style)
