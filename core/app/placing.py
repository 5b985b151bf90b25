"""One order at the venue: sent, watched until it is finished, and never sent again blindly."""

from __future__ import annotations

from msgspec.structs import replace

from core.app.desk import Desk
from core.app.ports import Outcome
from core.domain.errors import OrderExecutionError, Transient, UnknownOutcome
from core.domain.orders import DONE, Order, State, moved
from core.domain.phases import AUCTIONS
from core.domain.sessions import SETTLE
from core.domain.values import Millis, Side

LOOK_S = 0.2
"""Between two looks at an order that is still open."""

AGAIN_S = (0.0, 60.0, 240.0)
"""A sale that the venue never had is sent again that long after it was sent last, once for each entry."""

WAITING = frozenset({State.OPEN, State.PARTIAL})
LOOKS = 10
"""After that many looks the rest of an order is cancelled: what was asked for was a fill at once."""


def place(order: Order, desk: Desk, until: float) -> Order:
    """Send the order and wait for its end. What comes back is DONE, or

    NOTED                   the venue could not be asked: nothing was sent
    UNKNOWN, OPEN, PARTIAL  it was sent and is not finished: ask again later, do not send again. A sale rests like
                            this in an auction, which matches at its end
    """
    try:
        outcome = desk.broker.place(order, desk.clock())
    except OrderExecutionError as refused:
        return _refused(order, refused, desk, until)
    except UnknownOutcome as silence:
        return _unknown(order, silence)
    except Transient as trouble:
        return replace(order, note=trouble.found)
    return _finished(told(order, outcome), desk, until)


def find(order: Order, desk: Desk, until: float) -> Order | None:
    """What the venue says of the order, waited for as in `place`; None where it has never seen it."""
    try:
        outcome = desk.broker.find(order, desk.clock())
    except (UnknownOutcome, Transient) as silence:
        return _unknown(order, silence)
    return None if outcome is None else _finished(told(order, outcome), desk, until)


def denied(order: Order, at: Millis) -> Order | None:
    """What becomes of an order that may have been sent, and that the venue is shown never to have had.

    DONE     nothing is sent any more. A buy never is: its price was of the moment, and nothing is lost without it
    UNKNOWN  a sale, which is sent again later
    None     a sale, to be sent again now under the same id
    """
    if order.fills:
        return moved(order, State.CANCELLED, note="the venue does not know it any more: what was filled counts")
    if order.side is Side.BUY or len(order.again) == len(AGAIN_S):
        return moved(order, State.REJECTED, note="the venue never had it, and it is not sent again")
    last = order.again[-1] if order.again else order.at
    left_s = AGAIN_S[len(order.again)] - (at - last) / 1000
    return (
        moved(order, State.UNKNOWN, note=f"the venue never had it; sent again in {left_s:.0f} s")
        if left_s > 0
        else None
    )


def told(order: Order, outcome: Outcome) -> Order:
    """The order as the venue tells it. Raises OrderExecutionError for a state that its life does not allow."""
    state = State(outcome.state)
    said = {"venue_id": outcome.venue_id, "fills": outcome.fills, "note": outcome.note}
    return replace(order, **said) if state is order.state else moved(order, state, **said)


def rests(order: Order, desk: Desk) -> bool:
    """Is this a sale that waits in an auction? It is left there: whoever takes it back sells nothing at the end."""
    if order.side is Side.BUY or order.state not in WAITING:
        return False
    return desk.phase(order.instrument, desk.clock()) in AUCTIONS


def _refused(order: Order, refused: OrderExecutionError, desk: Desk, until: float) -> Order:
    """A refusal may mean that the id is known already, from a call whose answer was lost: the venue is asked for it."""
    found = find(order, desk, until)
    return moved(order, State.REJECTED, note=refused.found) if found is None else found


def _unknown(order: Order, silence: UnknownOutcome | Transient) -> Order:
    if order.state is State.UNKNOWN:
        return replace(order, note=silence.found)
    return moved(order, State.UNKNOWN, note=silence.found)


def _finished(order: Order, desk: Desk, until: float) -> Order:
    """Look until the order is finished, at most LOOKS times and not after `until`; then cancel what is left of it."""
    for _ in range(LOOKS):
        if order.state in DONE or rests(order, desk) or desk.monotonic_s() + LOOK_S >= until:
            break
        desk.pause(LOOK_S)
        order = _ask(order, desk)
    if order.state in DONE or rests(order, desk) or desk.monotonic_s() >= until:
        return order
    return _lapsed(_cancelled(order, desk), desk)


def _lapsed(order: Order, desk: Desk) -> Order:
    """An order does not outlive its session: what a close has left of it is over, even where the venue lists it on.

    Only once the venue has had time to tell the auction's fills.
    """
    at = desk.clock()
    closed = desk.days.closed(at)
    if order.state not in WAITING or desk.days.is_open(at) or not order.at < closed <= at - SETTLE // 2:
        return order
    return moved(order, State.EXPIRED, note=f"over with its session: {order.note}")


def _ask(order: Order, desk: Desk) -> Order:
    try:
        outcome = desk.broker.find(order, desk.clock())
    except (UnknownOutcome, Transient):
        return order
    return order if outcome is None else told(order, outcome)


def _cancelled(order: Order, desk: Desk) -> Order:
    try:
        return told(order, desk.broker.cancel(order, desk.clock()))
    except OrderExecutionError:
        return _ask(order, desk)  # it was finished before the cancel came
    except (UnknownOutcome, Transient):
        return order
