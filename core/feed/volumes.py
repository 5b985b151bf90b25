"""Trades that are missing, told by the day's volume that a venue's tickers carry, where its ids have holes (D8).

A ticker counts the trades up to one of them, so what it says more than the one before is what some run of the trades
that came since adds up to. Where two looks in a row find no such run, one of them did not come. Looked at once a
second; each look judges the ticker of the look before, so that the trades that it counts have had time to come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from math import ulp

import msgspec

from core.domain.values import SECOND, Millis
from core.feed.freshness import Gap

CONFIRMED = 3
"""Tickers that must have added up before one that does not is believed: a venue may count otherwise than we think."""
MISSES = 2
"""One look may find two trades in another order than the venue counted them in."""
MOST = 1_000
"""Sums that are kept while nothing fits; beyond them it is begun anew."""


class Told(msgspec.Struct, frozen=True):
    """One symbol at one look. life: grows with each new connection. volume: the newest ticker's, 0.0 for none.

    traded   quantities of the trades since the look before, oldest first; None where they are not all known
    """

    life: int
    volume: float
    traded: Sequence[float] | None


class Row(msgspec.Struct):
    """One symbol since its last ticker that added up.

    sums      of the trades since then, 0.0 first
    bases     volumes that the venue may have counted then: one, unless it was just begun
    before    the ticker of the look before, 0.0 for none; judged is the last that was
    matched   our clock at the last that added up
    """

    life: int
    matched: Millis
    sums: list[float]
    bases: list[float] = []
    before: float = 0.0
    judged: float = 0.0
    confirmed: int = 0
    misses: int = 0


class Volumes:
    """missing: how often trades were found to be missing."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self.missing = 0

    def look(self, told: Mapping[str, Told], at: Millis) -> list[tuple[str, Gap]]:
        """Take every symbol that is subscribed now. Which of them miss trades, and between when."""
        self._rows = {name: self._row(name, each, at) for name, each in told.items()}
        found = []
        for name, each in told.items():
            row, since = self._rows[name], self._rows[name].matched
            _judge(row, each, at)
            if row.misses >= MISSES:
                found += [(name, Gap(Millis(since - SECOND), at))] if row.confirmed >= CONFIRMED else []
                self.forget([name])
        self.missing += len(found)
        return found

    def forget(self, names: Collection[str]) -> None:
        """Begin these anew: that they miss trades is known already."""
        for name in names:
            self._rows.pop(name, None)

    def _row(self, name: str, told: Told, at: Millis) -> Row:
        row = self._rows.get(name)
        usable = row is not None and row.life == told.life and told.traded is not None and told.volume >= row.before
        if row is None or told.traded is None or not usable or len(row.sums) + len(told.traded) > MOST:
            return Row(told.life, at, [0.0])
        row.sums += list(accumulate(told.traded, initial=row.sums[-1]))[1:]
        return row


def _judge(row: Row, told: Told, at: Millis) -> None:
    """Count one look."""
    volume, row.before = row.before, told.volume
    if not volume or (volume == row.judged and not row.misses):
        return
    row.judged = volume
    slack = 2e-8 + 4.0 * ulp(volume)  # venues count to the eighth decimal, and a float of a large sum has fewer
    if not row.bases:
        row.bases = [volume - each for each in row.sums]
        return
    fits = [(base, n) for base in row.bases for n, each in enumerate(row.sums) if abs(volume - base - each) <= slack]
    if not fits:
        row.misses += 1
        return
    row.misses, row.confirmed, row.matched = 0, row.confirmed + 1, Millis(at - SECOND)
    row.bases = sorted({base for base, _ in fits})
    if len(fits) == 1:
        (_, place), *_ = fits
        row.sums = [each - row.sums[place] for each in row.sums[place:]]
        row.bases = [volume]
