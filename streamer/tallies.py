"""What each symbol traded since the last look, read from the trades that its state keeps anyway: nothing is counted in
the path of a message."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from core.domain.symbols import Symbol
from core.domain.ticks import ROW, WIDTH, Ticks
from core.domain.values import Millis
from core.feed.freshness import Gap
from core.feed.volumes import Told, Volumes


class Mark(msgspec.Struct, frozen=True):
    """Where the last look ended, and the trade before it, which is another once the room is used anew; b"" for none."""

    place: int
    last: bytes


class Tallies:
    """One market's. `missing`: how often a symbol's trades were found not to add up to what the venue counts."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}
        self._volumes = Volumes()

    def look(self, symbols: Iterable[Symbol], lives: Mapping[str, int], at: Millis) -> list[tuple[str, Gap]]:
        """Called about once a second. Which miss trades, and between when. lives: grows with a symbol's connections."""
        told, marks = {}, {}
        for symbol in symbols:
            name, ticker = symbol.instrument.symbol, symbol.ticker
            traded = _since(symbol.ticks, self._marks.get(name))
            told[name] = Told(lives.get(name, 0), ticker.volume if ticker else 0.0, traded)
            marks[name] = _mark(symbol.ticks)
        self._marks = marks
        return self._volumes.look(told, at)

    def forget(self, names: Collection[str]) -> None:
        """What these miss is known already."""
        self._volumes.forget(names)

    @property
    def missing(self) -> int:
        return self._volumes.missing


def _mark(ticks: Ticks) -> Mark:
    return Mark(ticks.place, bytes(ticks.rows[max(0, ticks.place - WIDTH) : ticks.place]))


def _since(ticks: Ticks, mark: Mark | None) -> list[float] | None:
    """Quantities of the trades since `mark`, oldest first; None where not all of them are kept."""
    if mark is None or not mark.last or ticks.rows[max(0, mark.place - WIDTH) : mark.place] != mark.last:
        return None
    rows, place = ticks.rows, ticks.place
    fresh = rows[mark.place : place] if place >= mark.place else rows[mark.place : ticks.room] + rows[:place]
    return [quantity for _, _, quantity in ROW.iter_unpack(fresh)]
