"""Requests that a venue answers by their number: one that it refused, or never answered, has not been carried out.

What it was about counts as not asked then, so it is worded anew with whatever else is wanted by that time; a request
that a later one overtook is not repeated. A venue that answers nothing at all is not waited for.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from core.domain.values import SECOND, Millis
from core.feed.freshness import NEVER
from core.venues.spec import Channel

ANSWER_MS = 10 * SECOND
PAUSE_MS = 2 * SECOND
"""After a refusal, twice as long after each further one."""
LONGEST_MS = 60 * SECOND
DEAF = 3
"""Requests without an answer, and none answered before on this connection: then no answers are to be expected."""


class Request(msgspec.Struct):
    """What one message asks for (`adds`) or gives back. said: when it went out, NEVER while it waits for its turn."""

    adds: bool
    channels: frozenset[Channel]
    said: Millis = NEVER


class Unanswered:
    """One connection's. lost, refused: since the start. held: before this moment nothing is to be asked."""

    def __init__(self) -> None:
        self._rows: dict[str, Request] = {}
        self._answers = self._lapses = self._refusals = 0
        self.lost = self.refused = 0
        self.held = Millis(0)

    def __len__(self) -> int:
        return len(self._rows)

    def opened(self) -> None:
        """A new connection, on which nothing was said."""
        self._rows.clear()
        self._answers = self._lapses = self._refusals = 0
        self.held = Millis(0)

    def worded(self, number: str, adds: bool, channels: Collection[Channel]) -> None:
        """A request is to go out; it overtakes whatever was asked about the same before."""
        fresh = frozenset(channels)
        for row in self._rows.values():
            row.channels -= fresh
        self._rows[number] = Request(adds, fresh)

    def said(self, number: str, at: Millis) -> None:
        if (row := self._rows.get(number)) is not None:
            row.said = at

    def answered(self, number: str, ok: bool, at: Millis) -> Request | None:
        """The request that was refused by this answer, None where it was taken or is none of ours."""
        row = self._rows.pop(number, None)
        if row is None:
            return None
        self._answers += 1
        if ok:
            self._refusals = 0
            return None
        self.held = Millis(at + min(PAUSE_MS << self._refusals, LONGEST_MS))
        self._refusals += 1
        self.refused += 1
        return row

    def lapsed(self, at: Millis) -> list[Request]:
        """Requests that were not answered in time."""
        over = [number for number, row in self._rows.items() if at >= row.said + ANSWER_MS]
        rows = [self._rows.pop(number) for number in over]
        self._lapses += len(rows)
        if not self._answers and self._lapses >= DEAF:
            self._rows.clear()
            return []
        self.lost += len(rows)
        return rows

    @property
    def due(self) -> Millis:
        """When the next of them lapses."""
        return min((Millis(row.said + ANSWER_MS) for row in self._rows.values()), default=NEVER)


def without(asked: frozenset[Channel], request: Request) -> frozenset[Channel]:
    """What the venue has, where it did not carry a request out."""
    return asked - request.channels if request.adds else asked | request.channels
