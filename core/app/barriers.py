"""What stands in the way of a reservation, with its figures: the same words whichever store found it."""

from __future__ import annotations

from decimal import Decimal

from core.app.ports import Limits, Reserved
from core.domain.leases import Barrier
from core.domain.values import ZERO, Millis


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
    if limits.workers and positions >= limits.workers:
        return Reserved(refused=Barrier.CREW, detail=f"{positions} of {limits.workers}")
    return None


def bare(limits: Limits, capital: Decimal) -> Reserved | None:
    """What a buy breaks even on an untouched account, by a worker of that capital."""
    over = lost_enough(limits, ZERO) or overdrawn(limits, ZERO, 0) or crowded(limits, ZERO)
    return over or over_capital(limits, capital)


def over_capital(limits: Limits, capital: Decimal) -> Reserved | None:
    """What a worker may spend on one position (E7)."""
    if limits.cost <= capital:
        return None
    return Reserved(refused=Barrier.CAPITAL, detail=f"{plain(limits.cost)} of {plain(capital)}")


def crowded(limits: Limits, exposure: Decimal) -> Reserved | None:
    """The limit over all markets of a currency, where there is one (E7)."""
    most = limits.currency_exposure
    if most is None or exposure + limits.cost <= most:
        return None
    detail = f"{plain(exposure)} + {plain(limits.cost)} of {plain(most)} {limits.currency}"
    return Reserved(refused=Barrier.CURRENCY, detail=detail)


def losing(limits: Limits, streak: int, lost: Millis) -> Reserved | None:
    """So many positions lost one after the other, the last of them not long enough ago (E7)."""
    if not limits.streak or streak < limits.streak or lost < limits.streak_since:
        return None
    return Reserved(refused=Barrier.STREAK, detail=f"{streak} losses in a row of {limits.streak}")


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
