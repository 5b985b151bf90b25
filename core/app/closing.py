"""An order's end, written: position, result, worker, account and lock in one transaction.

What people are to be told of it is in the verdict (`untold`), and with the order: it is sent when nothing is left to
write, and by the sweep where whoever wrote it died before that.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

from msgspec.structs import replace

from core.app import tidings
from core.app.desk import Desk, Ending, Verdict
from core.app.placing import rests
from core.app.ports import Settlement
from core.app.wishes import is_write_off, next_leg, today, write_off
from core.domain.errors import CoreError, PositionError, UnknownOutcome
from core.domain.leases import Granted, Intent
from core.domain.messages import Alert
from core.domain.orders import DONE, Order, State, moved
from core.domain.positions import Position, RoundTrip
from core.domain.results import EXACT, opened, reduced, round_trip
from core.domain.sendings import Taking
from core.domain.signals import Exit
from core.domain.sizing import sellable
from core.domain.values import ZERO, Side

Closed = tuple[Verdict, Granted | None]
"""What became of the order, and the lock for what is left: the rest of a sale, or what is too little to sell."""


def settle(held: Granted, order: Order, desk: Desk) -> Closed:
    """Write what an order came to. One that is not finished keeps its intent on the lock, for the sweep."""
    if order.state is State.NOTED and order.side is Side.BUY:
        order = moved(order, State.REJECTED, note=f"not sent: {order.note}")
    taking = desk.broker.taking(order)
    try:
        if order.state not in DONE:
            return _parked(held, order, desk, taking)
        return _bought(held, order, desk, taking) if order.side is Side.BUY else _sold(held, order, desk, taking)
    except UnknownOutcome as doubt:
        return _parked(held, _doubted(order, doubt), desk)


def _doubted(order: Order, doubt: UnknownOutcome) -> Order:
    """What was seen of it is another order's: it is as one whose answer was lost, and the sweep looks for it."""
    return replace(order, state=State.UNKNOWN, venue_id="", fills=(), note=doubt.found)


def _parked(held: Granted, order: Order, desk: Desk, taking: Taking | None = None) -> Closed:
    kept = desk.leases.park(held, order, desk.clock(), taking)
    detail = f"{order.state.value}: {order.note}" if order.note else order.state.value
    ending = Ending.RESTING if rests(order, desk) else Ending.UNKNOWN
    return verdict(ending if kept else Ending.LOST, held, order, detail=detail), None


def _bought(held: Granted, order: Order, desk: Desk, taking: Taking | None) -> Closed:
    position = opened(order, order.worker) if order.fills else None
    with localcontext(EXACT):
        freed = held.intent.cost - _taken(position)
    again = write_off(held) if position and not _sellable(position, position.price, desk) else None
    news = _worded(lambda desk: tidings.bought(order, position, desk), desk) if position else None
    if not _commit(held, order, position, freed, desk, taking, again=again, news=news):
        return verdict(Ending.LOST, held, order, detail="the lock was taken over; its new owner settles this"), None
    if position is None:
        return verdict(Ending.REFUSED, held, order, limit="venue", detail=order.note or order.state.value), None
    ended = verdict(Ending.BOUGHT, held, order, detail=f"{position.quantity:f} at {position.price:f}", news=news)
    return ended, _left(held, position, again)


def _sold(held: Granted, order: Order, desk: Desk, taking: Taking | None) -> Closed:
    position = held.position
    if position is None:
        raise PositionError("a sale was settled for what is not held", order=order.id, instrument=str(held.instrument))
    if not order.fills:
        return _nothing_sold(held, order, position, desk, taking)
    trip = round_trip(position, order, Exit(order.reason), desk.clock())
    rest = reduced(position, order)
    with localcontext(EXACT):
        realised = position.realised + trip.pnl
    rest = replace(rest, realised=realised) if rest else None
    again = _further(held, rest, order, desk)
    with localcontext(EXACT):
        freed = _taken(position) - _taken(rest)
    lost = None if rest else realised < 0
    news = _news_of(held, position, order, trip, desk)
    if not _commit(held, order, rest, freed, desk, taking, trip=trip, again=again, lost=lost, news=news):
        return verdict(Ending.LOST, held, order, detail="the lock was taken over; its new owner settles this"), None
    detail = f"{trip.quantity:f} at {trip.sold:f}, PnL {trip.pnl:f}"
    ended = verdict(Ending.SOLD, held, order, trip=trip, detail=detail, news=news)
    return ended, _left(held, rest, again)


def _news_of(held: Granted, position: Position, order: Order, trip: RoundTrip, desk: Desk) -> Alert | None:
    """A part of a lot that a commission left of every position is in the results, and nothing to call people for."""
    if not is_write_off(held.intent):
        return _worded(lambda desk: tidings.sold(order, trip, desk), desk)
    if position.quantity < desk.rules.lot(order.instrument.symbol):
        return None
    return _worded(lambda desk: tidings.dust(order, trip, desk), desk)


def _nothing_sold(held: Granted, order: Order, position: Position, desk: Desk, taking: Taking | None) -> Closed:
    """The position stays and this signal is settled: the next signal, the sweep or the day's end tries again.

    Each of those has an id of its own. One that is not worth the least order any more would be refused for ever.
    """
    again = None if _sellable(position, order.reference, desk) else write_off(held)
    news = _worded(lambda desk: tidings.unsold(order, position.quantity, desk, desk.clock()), desk)
    if not _commit(held, order, position, ZERO, desk, taking, again=again, news=news):
        return verdict(Ending.LOST, held, order, detail="the lock was taken over; its new owner settles this"), None
    detail = order.note or order.state.value
    ended = verdict(Ending.REFUSED, held, order, limit="venue", detail=detail, news=news)
    return ended, _left(held, position, again)


def _further(held: Granted, rest: Position | None, order: Order, desk: Desk) -> Intent | None:
    """What to do with the rest of a sale: the next leg, or the end of what no order may be made of."""
    if rest is None:
        return None
    return next_leg(held) if _sellable(rest, order.reference, desk) else write_off(held)


def _left(held: Granted, position: Position | None, again: Intent | None) -> Granted | None:
    return replace(held, position=position, intent=again) if again else None


def _commit(
    held: Granted,
    order: Order,
    position: Position | None,
    freed: Decimal,
    desk: Desk,
    taking: Taking | None,
    trip: RoundTrip | None = None,
    again: Intent | None = None,
    lost: bool | None = None,
    news: Alert | None = None,
) -> bool:
    at = desk.clock()
    settlement = Settlement(
        order=order,
        position=position,
        trip=trip,
        worker=order.worker,
        freed=freed,
        day=today(desk, at),
        done=again is None,
        next=again,
        currency=desk.policy.universe.quote,
        lost=lost,
        dust=order.filled if is_write_off(held.intent) else ZERO,
        news=news,
        taking=taking,
    )
    return desk.leases.commit(held, settlement, at)


def _worded(write: Callable[[Desk], Alert], desk: Desk) -> Alert:
    """What people are to be told. A symbol's name is not worth waiting for, nor failing."""
    try:
        return write(desk)
    except CoreError:
        return write(replace(desk, name=lambda symbol: ""))


def _taken(position: Position | None) -> Decimal:
    """The exposure that a position stands for: what was paid for it, fees included."""
    return ZERO if position is None else position.cost + position.fees


def _sellable(held: Position, price: Decimal, desk: Desk) -> bool:
    symbol = held.instrument.symbol
    return sellable(held.quantity, price, desk.rules.lot(symbol), desk.rules.minimum(symbol))


def verdict(
    outcome: Ending,
    held: Granted,
    order: Order | None,
    *,
    detail: str = "",
    limit: str = "",
    trip: RoundTrip | None = None,
    news: Alert | None = None,
) -> Verdict:
    return Verdict(
        outcome=outcome,
        instrument=held.instrument,
        signal=held.intent.signal,
        detail=detail,
        limit=limit,
        fence=held.fence,
        order=order,
        trip=trip,
        untold=(news,) if news else (),
    )
