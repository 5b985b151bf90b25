"""Before the market's day ends, everything is sold whatever its profit (E6); what trades thinly, earlier.

Each run is one of many: it cancels open buys, sells every position that is due, looks again, and repeats while its own
time lasts. What is left when it ends is told, ever more urgently, and the next run goes on. It is flat when the venue
itself says so. Nothing is bought meanwhile: `core/app/checks.py` refuses every buy from the moment the thin symbols
are due.

Where the market has a close, sales of its last auction rest until then. The runs just after it ask what became of
them, and tell what was not sold and is held on.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from core.app.desk import Desk, Ending, Verdict
from core.app.remainder import Remainder, due_now, left_over, tell
from core.app.selling import cancel_buys, finish, sell_out, turn
from core.domain.sessions import liquidating, settling, thin_liquidating
from core.domain.signals import Exit
from core.domain.values import Millis


class Liquidating(StrEnum):
    """UNPROVEN: our books are flat, and the venue did not say that its own are."""

    NOT_DUE = "not due"
    FLAT = "flat"
    LEFT = "left"
    UNPROVEN = "unproven"


class Liquidated(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `left` is units by symbol that are due and not sold; `verdicts` one for each attempt.

    unproven  why the venue did not say what it holds, "" where it did
    """

    outcome: Liquidating
    cancelled: int = 0
    sold: int = 0
    left: dict[str, Decimal] = {}
    verdicts: tuple[Verdict, ...] = ()
    unproven: str = ""

    @property
    def figures(self) -> dict[str, Any]:
        """What is told of it: units as text, `unproven` only where there is something to say."""
        found: dict[str, Any] = {"outcome": self.outcome.value, "cancelled": self.cancelled, "sold": self.sold}
        found["left"] = {symbol: str(units) for symbol, units in self.left.items()}
        return found | ({"unproven": self.unproven} if self.unproven else {})


def run(desk: Desk, others: int = 0) -> Liquidated:
    """Sell what is due, for as long as this run lasts; outside the window nothing is done or read.

    others  markets that come after this one in the same call, and must have their part of its time
    """
    at, days = desk.clock(), desk.days
    if settling(at, days):
        return _settled(desk, days.closed(at))
    if not days.is_open(at) or not thin_liquidating(at, desk.policy.day, days):
        return Liquidated(outcome=Liquidating.NOT_DUE)
    closes = days.closes(at)
    until = turn(desk, others)
    cancelled = cancel_buys(desk)
    verdicts = sell_out(desk, lambda: due_now(desk), Exit.LIQUIDATION, until, closes)
    left = left_over(desk, full=liquidating(at, desk.policy.day, days), closes=closes)
    tell(desk, left, closes, verdicts)
    return outcome_of(left, verdicts, cancelled)


def outcome_of(left: Remainder, verdicts: list[Verdict], cancelled: int = 0) -> Liquidated:
    ended = Liquidating.LEFT if left.units else Liquidating.UNPROVEN if left.unproven else Liquidating.FLAT
    return Liquidated(
        outcome=ended,
        cancelled=cancelled,
        sold=sum(1 for verdict in verdicts if verdict.outcome is Ending.SOLD),
        left=left.units,
        verdicts=tuple(verdicts),
        unproven=left.unproven,
    )


def _settled(desk: Desk, closed: Millis) -> Liquidated:
    """After a close nothing can be sold: what rested is finished, and what is left is told."""
    verdicts = [ended for lock in desk.leases.locks() if (ended := finish(lock.instrument, desk)) is not None]
    left = left_over(desk, full=True, closes=closed)
    tell(desk, left, closed, verdicts)
    return outcome_of(left, verdicts)
