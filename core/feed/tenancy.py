"""One host's side of the lease on one shard: what to write, what it may do. No clock of anybody else's is believed.

    AWAY --free, its owner silent for `lease_ms` or known to have ended--> HELD
    AWAY --its owner wants to go--> SHADOW  streams beside it, says nothing --handed over--> HELD
    HELD --a host that stands by has two fewer--> HELD, as one that wants to go: shares are evened out one by one
    HELD --handed over, released, taken, or not renewed for `lease_ms`--> AWAY

The owner counts from the moment before it asked to renew, a standby from the moment after it saw the renewal: so the
one has stopped before the other begins, however far their clocks are apart.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from core.domain.tenure import Tenure
from core.domain.values import Millis

RENEWALS = 3
"""Times that a lease is renewed within its length: two may fail."""
UNEVEN = 2
"""So many shards more than a host that stands by, and one is handed over to it."""
HOLD_BACK_MS = 1_000
"""A host that already has shards leaves a free one to others for up to so long, the longer the more it has: no longer,
because a dead host's shards must all be spoken for within 10 s, however many the only other one has."""


class Role(StrEnum):
    AWAY = "away"
    SHADOW = "shadow"
    HELD = "held"


class Tenancy:
    """`role` is what this host may do now; `fence` that of its tenure. All times are of its own monotonic clock, ms."""

    def __init__(self, me: str, lease_ms: Millis) -> None:
        self._me, self._lease_ms = me, lease_ms
        self._mark: tuple[int, int] | None = None
        self._changed = self._free_since = Millis(0)
        self._ends = self._renew_at = Millis(0)
        self._burden, self._settled = 0, Millis(0)
        self.role = Role.AWAY
        self.fence = 0

    def expired(self, at: Millis) -> bool:
        """Whether what is held must be let go, because nothing could be renewed in time."""
        if self.role is not Role.HELD or at < self._ends:
            return False
        self.role = Role.AWAY
        return True

    @property
    def ends(self) -> Millis:
        """When the lease that is held ends, if it is not renewed."""
        return self._ends

    def next(self, row: Tenure, at: Millis, *, ready: bool, going: bool, gone: bool, burden: int) -> Tenure | None:
        """The row to write now, None for none.

        Args:
            row: as it was just read. `at`: after it was read.
            ready: the shadow is connected and warm.
            going: this host wants to stop.
            gone: the row's owner was a process of this machine that has ended: nothing is waited for.
            burden: shards that it has already.
        """
        self.expired(at)
        mine = (row.owner, row.fence) == (self._me, self.fence)
        if mine and going and row.heir:
            self.role = Role.AWAY  # before the write: its reply may be lost, and the heir begins at once
            return _owned(row, row.heir)
        if mine and self.role is Role.HELD:
            return self._renewed(row, at, going)
        self._watch(row, at)
        if going:
            self.role = Role.AWAY
            return None
        return self._taken(row, at, ready, gone, burden)

    def wrote(self, row: Tenure, at: Millis) -> None:
        """The store took `row`; `at` is a moment before it was asked to."""
        if row.owner == self._me:
            self.role, self.fence = Role.HELD, row.fence
            self._ends = Millis(at + self._lease_ms)
            self._renew_at = Millis(at + (0 if row.leaving else self._lease_ms // RENEWALS))

    def spare(self, row: Tenure, at: Millis, burden: int) -> bool:
        """Whether to hand this shard over though nobody wants to stop: who stands by has too few. What the rows say of
        it may be old for as long as a lease after the last change.
        """
        if burden != self._burden:
            self._burden, self._settled = burden, at
        calm = at - self._settled >= self._lease_ms
        mine = self.role is Role.HELD and row.owner == self._me
        return mine and calm and row.waiting not in ("", self._me) and burden - row.load >= UNEVEN

    def _renewed(self, row: Tenure, at: Millis, going: bool) -> Tenure | None:
        if going and not row.waiting:
            return None  # nobody stands by: it is released once everything is written down
        if at < self._renew_at and row.leaving is going:
            return None
        return replace(row, beat=row.beat + 1, leaving=going)

    def released(self, row: Tenure) -> Tenure | None:
        """The row without us, None where we are not in it."""
        if self.role is Role.HELD and (row.owner, row.fence) == (self._me, self.fence):
            return _owned(row, "")
        return replace(row, waiting="") if row.waiting == self._me else None

    def _watch(self, row: Tenure, at: Millis) -> None:
        """Remember since when the owner has been silent, and since when there has been none."""
        if self._mark != (row.fence, row.beat):
            self._mark, self._changed, self._free_since = (row.fence, row.beat), at, at
        silent = at - self._changed >= self._lease_ms
        if row.owner and not silent:
            self._free_since = at
        if self.role is Role.HELD:
            self.role = Role.AWAY

    def _taken(self, row: Tenure, at: Millis, ready: bool, gone: bool, burden: int) -> Tenure | None:
        handed = row.owner == self._me  # by its last owner, or by a write of ours whose reply was lost
        free = not row.owner or at - self._changed >= self._lease_ms
        if handed or gone or (free and at - self._free_since >= HOLD_BACK_MS * burden // (burden + 1)):
            mine = row if handed else _owned(row, self._me)
            return replace(mine, beat=mine.beat + 1, waiting="" if row.waiting == self._me else row.waiting)
        self.role = Role.SHADOW if row.leaving and row.heir in ("", self._me) else Role.AWAY
        if self.role is Role.SHADOW and ready and not row.heir:
            return replace(row, heir=self._me)
        if row.waiting == self._me:
            return None if row.load == burden else replace(row, load=burden)
        return None if row.waiting else replace(row, waiting=self._me, load=burden)


def _owned(row: Tenure, owner: str) -> Tenure:
    return replace(row, owner=owner, fence=row.fence + 1, leaving=False, heir="")
