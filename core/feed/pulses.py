"""Freshness of each symbol, measured against its own usual rate (D7, D8): one that froze among others that move.

Looked at once a second over stamps that exist already, so that a message costs nothing for it. How often a symbol
usually speaks is the share of seconds in which it did, forgotten slowly; a symbol that never speaks is never frozen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf, log

import msgspec

from core.domain.values import MINUTE, SECOND, Millis
from core.feed.freshness import Gap

MEMORY = 300.0
"""Seconds over which the usual rate is learned."""
LEARN_MS = 30 * SECOND
"""Before a symbol has spoken for this long, it has no usual rate."""
PATIENCE = 25.0
"""A silence in which this many messages were to be expected is none of chance: e**-25, were they independent."""
LEAST_MS = 20 * SECOND
"""No silence shorter than this counts, however busy the symbol: trading comes in bursts."""
REST_MS = MINUTE
"""Between the first and the second attempt to bring one symbol back; between later ones ever longer by this."""
FRESH_MS = 5 * SECOND
LIVELY = 0.2
QUORUM = 0.5
"""Of the symbols that speak in a fifth of all seconds, half must have spoken lately: else the connection is silent."""
CERTAIN = 0.999


class Pulse(msgspec.Struct):
    """One symbol. `began`, `moved`: when it spoke first and last, 0 for not yet; `share` of seconds in which it does.

    excused        when its silence last had another reason
    tries, again   attempts to bring it back in this silence, and when the next one may be
    """

    stamp: int
    began: Millis = Millis(0)
    moved: Millis = Millis(0)
    share: float = 0.0
    excused: Millis = Millis(0)
    tries: int = 0
    again: Millis = Millis(0)

    def silence_ms(self, at: Millis) -> int:
        return at - max(self.moved, self.excused)

    def patience_ms(self) -> float:
        """How long it may be silent."""
        if not self.began or self.moved - self.began < LEARN_MS:
            return inf
        return max(float(LEAST_MS), -PATIENCE / log(1.0 - min(self.share, CERTAIN)) * SECOND)


class Look(msgspec.Struct, frozen=True):
    """joined: heard for the first time. frozen: to be subscribed anew, alone. back: spoke again, and what it missed."""

    joined: tuple[str, ...]
    frozen: tuple[str, ...]
    back: tuple[tuple[str, Gap], ...]


class Pulses:
    """The symbols of one market that are subscribed; `rows` by name."""

    def __init__(self) -> None:
        self.rows: dict[str, Pulse] = {}

    def look(self, stamps: Mapping[str, int], at: Millis, absent: Collection[str] = ()) -> Look:
        """Take the stamp of every symbol that is wanted; any other is forgotten.

        stamps  any number that changes when something comes of its symbol; the first one only is where we start
        absent  those of them that are not subscribed at the moment: their connection is down
        """
        self.rows = {name: self.rows.get(name) or Pulse(stamp) for name, stamp in stamps.items()}
        joined: list[str] = []
        back: list[tuple[str, Gap]] = []
        for name, row in self.rows.items():
            new, gap = _heard(row, stamps[name], at)
            joined += [name] if new else []
            back += [(name, gap)] if gap else []
            row.excused = at if name in absent else row.excused
        return Look(tuple(joined), self._frozen(at), tuple(back))

    def rate(self, name: str) -> float:
        """Share of the seconds in which it speaks, 0 where it is not watched."""
        row = self.rows.get(name)
        return row.share if row else 0.0

    def _frozen(self, at: Millis) -> tuple[str, ...]:
        lively = [row for row in self.rows.values() if row.share >= LIVELY]
        moving = sum(at - row.moved <= FRESH_MS for row in lively)
        if moving < max(1.0, QUORUM * len(lively)):
            for row in self.rows.values():
                row.excused = at
            return ()
        found = [name for name, row in self.rows.items() if row.silence_ms(at) > row.patience_ms() and at >= row.again]
        for name in found:
            row = self.rows[name]
            row.tries += 1
            row.again = Millis(at + row.tries * REST_MS)
        return tuple(found)


def _heard(row: Pulse, stamp: int, at: Millis) -> tuple[bool, Gap | None]:
    """Count one look: did it speak for the first time, and where it had been given up, what did it miss?"""
    if stamp == row.stamp or at <= row.moved:
        return False, None
    row.stamp = stamp
    if row.began:  # learned only when it speaks: a silence must not lower what it is measured against
        elapsed_s, known_s = (at - row.moved) / SECOND, (row.moved - row.began) / SECOND
        row.share += (1.0 / max(1.0, elapsed_s) - row.share) * min(1.0, elapsed_s / min(MEMORY, max(1.0, known_s)))
    new, gap = not row.began, Gap(row.moved, at) if row.tries else None
    row.began, row.moved, row.tries, row.again = row.began or at, at, 0, Millis(0)
    return new, gap
