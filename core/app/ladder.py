"""How hard a sale that must happen is pushed: at the market with a limit, deeper, and at last at any price (E6).

A limit keeps a thin book from being swept at once; it is given up by time and by every attempt that did not sell all,
so that nothing is left for its sake. In an auction there is nothing to walk down: everybody gets one price.
"""

from __future__ import annotations

from decimal import Decimal

from core.app.desk import Desk
from core.app.wishes import bounds_of
from core.domain.phases import AUCTIONS
from core.domain.values import Instrument, Millis


def worst(instrument: Instrument, price: float, waited: Millis, attempt: int, desk: Desk) -> float | None:
    """The lowest price to sell at; None for a market order, as in an auction of all symbols or of this one (VI).

    price    the newest, 0 where nobody knows one
    waited   how long this has been due; `attempt` how often this run has tried
    """
    day, at = desk.policy.day, desk.clock()
    step = attempt + (
        int(waited / (day.liquidate_step_s * 1000)) if day.liquidate_step_s else len(day.liquidate_depths)
    )
    if price <= 0.0 or step >= len(day.liquidate_depths) or desk.phase(instrument, at) in AUCTIONS:
        return None
    under = price * (1.0 - day.liquidate_depths[step])
    tick = float(desk.rules.tick(instrument.symbol, Decimal(str(price)), at))
    limit = min(under, price - tick)  # the last trade may have been at the ask: one step under it meets the bid
    return limit if limit > 0.0 else None


def lowest(instrument: Instrument, desk: Desk) -> float | None:
    """The day's lowest price: what a market order comes to where none is taken; None where nobody knows it."""
    bounds = bounds_of(instrument.symbol, desk, desk.clock())
    return float(bounds[0]) if bounds else None
