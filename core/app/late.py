"""Orders of ours that were given up as never sent, and that the venue turns out to have (E8).

A process can be frozen between its last look at the clock and the request that it had ready. Others show that the
venue never had its order, give it up, and the request leaves long afterwards. Then the venue's books differ from ours
by just that order, and asking for it again is what tells whose it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from core.app.desk import Desk
from core.app.strays import ended
from core.app.tally import Difference
from core.domain.errors import CoreError
from core.domain.orders import Order, State, moved
from core.domain.values import DAY, Millis, Side


def given_up(desk: Desk) -> list[Order]:
    """Orders of this day and of the one before that came to nothing."""
    at = desk.clock()
    days = sorted({desk.days.day_of(Millis(at - DAY)), desk.days.day_of(at)})
    orders = (order for day in days for order in desk.ledger.orders(desk.market, day))
    return [order for order in orders if order.state is State.REJECTED]


def arrived(difference: Difference, orders: Sequence[Order], desk: Desk) -> Order | None:
    """The first of these that explains the difference, as the venue tells it now; None where none of them does.

    It may explain a part: what is left shows in the next run.
    """
    extra = difference.found - difference.booked
    side = Side.BUY if extra > 0 else Side.SELL
    for order in orders:
        if (order.instrument, order.side) == (difference.instrument, side):
            after = _asked(order, desk)
            if after is not None and 0 < after.filled <= abs(extra):
                return after
    return None


def _asked(order: Order, desk: Desk) -> Order | None:
    """Asked for as one that nobody knows the end of: its broker then looks again whatever its own log says."""
    try:
        after = ended(replace(order, state=State.UNKNOWN), desk)
    except CoreError:
        return None
    if after is None or after.state is State.REJECTED:
        return None
    told = {"venue_id": after.venue_id, "fills": after.fills}
    return moved(order, after.state, **told, note="it had been given up as never sent, and it had arrived")
