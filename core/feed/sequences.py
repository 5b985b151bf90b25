"""Trades that are missing, told by their ids, where a venue numbers a symbol's trades without holes (D8).

Looked at once a second over the ids that are remembered anyway. What came since the look before may still be put in
order by what comes, so each look judges only what was there at the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core.domain.values import Millis
from core.feed.freshness import Gap


class Ids(NamedTuple):
    """A symbol's newest id, and those remembered, oldest first; `full`: as many as ever are."""

    newest: int
    known: Sequence[int]
    full: bool


class Seen(NamedTuple):
    """Everything up to `checked` was judged at `before`; up to `newest` is judged at the next look."""

    checked: int
    before: Millis
    newest: int
    at: Millis


class Sequences:
    """missing: trades that never came, so far."""

    def __init__(self) -> None:
        self._rows: dict[str, Seen] = {}
        self.missing = 0

    def look(self, ids: Mapping[str, Ids], at: Millis) -> list[tuple[str, Gap]]:
        """Take the ids of every symbol that is subscribed now. Which of them miss trades, and between when."""
        found = []
        rows: dict[str, Seen] = {}
        for name, each in ids.items():
            seen = self._rows.get(name) or Seen(each.newest, at, each.newest, at)
            if lacking := _lacking(seen, each):
                self.missing += lacking
                found.append((name, Gap(seen.before, at)))
            rows[name] = Seen(seen.newest, seen.at, each.newest, at)
        self._rows = rows
        return found


def _lacking(seen: Seen, ids: Ids) -> int:
    """How many ids between `checked` and `newest` are not there; 0 where too many came to remember them all."""
    if seen.newest <= seen.checked or not seen.checked:
        return 0
    if ids.full and ids.known[0] > seen.checked + 1:
        return 0
    there = 0
    for known in reversed(ids.known):
        there += seen.checked < known <= seen.newest
        if known <= seen.checked - REACH:
            break
    return max(0, seen.newest - seen.checked - there)


REACH = 50
"""How far behind the newest an id may come and still be found."""
