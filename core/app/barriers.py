"""What stands in the way of a reservation, with its figures: the same words whichever store found it."""

from __future__ import annotations

from decimal import Decimal

from core.app.ports import Limits, Reserved
from core.domain.leases import Barrier


def overdrawn(limits: Limits, exposure: Decimal, positions: int) -> Reserved | None:
    """The first limit on money or number that a buy of `limits.cost` breaks; None where it fits (E7)."""
    cost = limits.cost
    if cost > limits.per_symbol:
        return Reserved(refused=Barrier.PER_SYMBOL, detail=f"{cost:f} of {limits.per_symbol:f}")
    if exposure + cost > limits.total_exposure:
        return Reserved(refused=Barrier.EXPOSURE, detail=f"{exposure:f} + {cost:f} of {limits.total_exposure:f}")
    if positions >= limits.max_positions:
        return Reserved(refused=Barrier.POSITIONS, detail=f"{positions} of {limits.max_positions}")
    return None


def lost_enough(limits: Limits, realised: Decimal) -> Reserved | None:
    """The daily loss limit, once the day has realised it: no more buys, exits go on (E7)."""
    if realised > -limits.daily_loss:
        return None
    return Reserved(refused=Barrier.DAILY_LOSS, detail=f"{realised:f} of {-limits.daily_loss:f}")


def halted(scope: str, reason: str) -> Reserved:
    return Reserved(refused=Barrier.HALTED, detail=f"{scope}: {reason}")
