"""The board of a small terminal: a line for the machine, two for each market, the counts; no frames, no tables."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from core.local.day import clock_of
from core.local.frame import Frame
from core.local.look import View
from core.local.telling import few, money


def glance(frame: Frame, counts: Text) -> RenderableType:
    """Everything at one moment in as few lines as there are; each is cut at the terminal's edge, `counts` wraps."""
    lines = [line for view in frame.views for line in (_market(view), _positions(view))]
    return Group(_head(frame), *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines), counts)


def _head(frame: Frame) -> Text:
    line = Text(f"{clock_of(frame.at)} KST  ", style="bold", no_wrap=True, overflow="ellipsis")
    line.append(frame.phase, style="cyan")
    if frame.ends:
        left = max(0, frame.ends - frame.at) // 1000
        line.append(f"  day ends in {left} s" if left else "  day closed")
    if down := [name for name, runs in frame.programs.items() if not runs]:
        line.append(f"  down: {', '.join(down)}", style="red")
    return line


def _market(view: View) -> str:
    scan = (
        f"{len(view.scan.snapshots)} scanned {max(0, view.at - view.scan.at) // 1000} s ago" if view.scan else "no scan"
    )
    stream = view.stream
    streamed = f"{len(stream.subscribed)} streamed" if stream and stream.connected else "stream lost" if stream else ""
    earned = f"{len(view.trips)} sold for {money(sum((trip.pnl for trip in view.trips), Decimal(0)))}"
    halted = f"HALTED: {view.halted}" if view.halted else ""
    safe_mode = "SAFE MODE" if view.health and view.health.safe_mode else ""
    return f"{view.market.value:7} " + ", ".join(filter(None, (halted, safe_mode, scan, streamed, earned)))


def _positions(view: View) -> str:
    held = [position.instrument.symbol for position in view.positions]
    return f"{'':7} holds {few(held) if held else 'nothing'}"
