"""Orders open in the ledger that no lock is about: settled with the venue, so that none fills unseen (E8)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.app.desk import Desk
from core.app.placing import WAITING, rests, told
from core.domain.errors import CoreError, OrderExecutionError
from core.domain.orders import DONE, Order, State, moved
from core.domain.policies import Strays


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """`ended` are finished now, at the venue and in the ledger; `open` are not, each with the reason."""

    ended: tuple[Order, ...] = ()
    open: tuple[tuple[Order, str], ...] = ()


def settle(orders: Sequence[Order], desk: Desk) -> Settled:
    """Ask the venue for each, cancel what is still open there, and write what it came to.

    What such an order bought or sold is in nobody's position: it shows as a difference to the venue's books.
    """
    over, still = [], []
    for order in found(orders, desk):
        why = "no lock is about it"
        if desk.policy.sweep.strays is Strays.SETTLE:
            try:
                after = ended(order, desk)
            except CoreError as trouble:
                after, why = None, str(trouble)
            if after is not None and desk.ledger.close(after, order, desk.days.day_of(order.at)):
                over.append(after)
                continue
        still.append((order, why))
    return Settled(ended=tuple(over), open=tuple(still))


def found(orders: Sequence[Order], desk: Desk) -> list[Order]:
    """Orders not finished that no intent is about, asked for again: the index that listed them may be behind."""
    strays = []
    for order in orders:
        lock = desk.leases.lock(order.instrument)
        if lock is not None and lock.intent is not None and lock.intent.order == order.id:
            continue
        now = desk.ledger.order(order.id)
        if now is not None and now.state not in DONE:
            strays.append(now)
    return strays


def ended(order: Order, desk: Desk) -> Order | None:
    """The order once it is over; None while the venue still has it open."""
    outcome = desk.broker.find(order, desk.clock())
    if outcome is None:
        return moved(order, State.REJECTED, note="no lock is about it, and the venue never had it")
    now = told(order, outcome)
    if now.state in WAITING and not rests(now, desk):
        try:
            now = told(now, desk.broker.cancel(now, desk.clock()))
        except OrderExecutionError:  # it was finished before the cancel came
            again = desk.broker.find(now, desk.clock())
            now = told(now, again) if again else now
    return now if now.state in DONE else None
