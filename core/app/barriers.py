"""What stands in the way of a reservation, with its figures: the same words whichever store found it."""

from __future__ import annotations

from decimal import Decimal

from core.app.ports import Limits, Reserved
from core.domain.leases import Barrier


def overdrawn(limits: Limits, exposure: Decimal, positions: int) -> Reserved | None:
    """The first limit on money or number that a buy of `limits.cost` breaks; None where it fits (E7)."""
    cost = limits.cost
    if cost > limits.per_symbol:
        return Reserved(refused=Barrier.PER_SYMBOL, detail=f"{plain(cost)} of {plain(limits.per_symbol)}")
    if exposure + cost > limits.total_exposure:
        return Reserved(
            refused=Barrier.EXPOSURE, detail=f"{plain(exposure)} + {plain(cost)} of {plain(limits.total_exposure)}"
        )
    if positions >= limits.max_positions:
        return Reserved(refused=Barrier.POSITIONS, detail=f"{positions} of {limits.max_positions}")
    return None


def lost_enough(limits: Limits, realised: Decimal) -> Reserved | None:
    """The daily loss limit, once the day has realised it: no more buys, exits go on (E7)."""
    if realised > -limits.daily_loss:
        return None
    return Reserved(refused=Barrier.DAILY_LOSS, detail=f"{plain(realised)} of {plain(-limits.daily_loss)}")


def halted(scope: str, reason: str) -> Reserved:
    return Reserved(refused=Barrier.HALTED, detail=f"{scope}: {reason}")


def plain(number: Decimal) -> str:
    """
    >>> plain(Decimal("1.50")), plain(Decimal("1E+3")), plain(Decimal("0.00"))
    ('1.5', '1000', '0')
    """
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
