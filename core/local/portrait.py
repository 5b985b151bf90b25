"""The board of a run as a picture file: what the README shows is what the program drew."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
from rich.console import Console

from core.domain.values import Millis
from core.local.board import Board, pictures
from core.local.frame import Frame
from core.local.look import View

COLUMNS = 116

SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
"""rich's own form without the web fonts: a picture fetches nothing."""


class Portrait:
    """A board in front of another one. When it is closed it writes the moment at which most was to be seen."""

    def __init__(self, shown: Board, path: Path) -> None:
        self._shown, self._path = shown, path
        self._best: Frame | None = None

    def tell(self, at: Millis, sentence: str) -> None:
        self._shown.tell(at, sentence)

    def show(self, frame: Frame) -> None:
        if self._best is None or seen(frame) > seen(self._best):
            self._best = frame
        self._shown.show(frame)

    def close(self) -> None:
        self._shown.close()
        if self._best is not None:
            self._path.write_text(svg(self._best), encoding="utf-8")


def seen(frame: Frame) -> int:
    """How much there is to be seen: positions count most while there are results beside them."""
    return sum(len(view.positions) for view in frame.views) * (1 + sum(len(view.trips) for view in frame.views))


def svg(frame: Frame) -> str:
    """Two columns without what people are told, and without names: a picture must be drawn where no font has Hangul."""
    console = Console(file=StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="truecolor")
    console.print(
        pictures(msgspec.structs.replace(frame, views=[_nameless(view) for view in frame.views]), wide=True)[1]
    )
    return console.export_svg(title="hoga demo", code_format=SVG, unique_id="hoga")


def _nameless(view: View) -> View:
    safe = msgspec.structs.replace(view.safe, names={}) if view.safe else None
    return msgspec.structs.replace(view, safe=safe)
