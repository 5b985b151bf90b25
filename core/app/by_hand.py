"""Books put right where the venue is right and they are not: what people traded by hand, and what cannot be sold (E8).

Each act is one transaction on a symbol at rest, under the fence that it was compared under, and told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

import msgspec
from msgspec.structs import replace

from core.app import hand_trades, late, tidings
from core.app.crew import names
from core.app.desk import Desk
from core.app.ownership import running
from core.app.ports import Amendment
from core.app.tally import Difference, Tally
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.levels import Hands
from core.domain.messages import Alert, Kind
from core.domain.orders import Order
from core.domain.policies import ByHand
from core.domain.positions import Position, RoundTrip
from core.domain.results import EXACT, opened, reduced, round_trip
from core.domain.signals import Exit
from core.domain.sizing import sellable
from core.domain.values import ZERO, Instrument, Side
from core.domain.workers import Status, Worker


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was put right. `units` that it was about; `did` in words for people, told by `news`."""

    instrument: Instrument
    units: Decimal
    did: str
    news: Alert
    trip: RoundTrip | None = None


def settle(tally: Tally, desk: Desk) -> list[Act]:
    """Act on what was found twice, as the owner wants it; what is only told is not among these.

    An order of ours that turns up after all is ours whatever he wants done about people's trades, and at once.
    """
    acts = [_gone(lock, left, desk) for lock, left in tally.dust]
    orders = late.given_up(desk) if tally.differences else []
    for each in tally.differences:
        ours = late.arrived(each, orders, desk)
        if ours is not None:
            acts.append(_arrived(each, ours, desk))
        elif each.settled and desk.policy.sweep.by_hand is not ByHand.TELL:
            workers = desk.ledger.workers(desk.market)
            acts.append(_bought(each, workers, desk) if each.found > each.booked else _sold(each, workers, desk))
    return [act for act in acts if act is not None]


def remainders(locks: Sequence[Lock], desk: Desk) -> list[Act]:
    """Write off positions that no order may be made of any more, at their entry price and at the last one."""
    at = desk.clock()
    resting = [lock for lock in locks if lock.position and not lock.intent and not running(lock, at)]
    small = [(lock, lock.position) for lock in resting if lock.position and _too_small(lock.position, desk)]
    if not small:
        return []
    workers = desk.ledger.workers(desk.market)
    acts = [_written_off(lock, position, workers, desk) for lock, position in small]
    return [act for act in acts if act is not None]


def _told(lock: Lock, units: Decimal, did: str, desk: Desk, when: str = "") -> Alert:
    """A fact, told once: its id is of the one fence that it was done under.

    when  where what was done moves no fence: the next time is another fact
    """
    on = lock.instrument
    return Alert(
        id=f"{on}:{Kind.BY_HAND.value}:{lock.fence}{when}",
        kind=Kind.BY_HAND,
        at=desk.clock(),
        market=desk.market,
        instrument=on,
        name=tidings.named(on.symbol, desk),
        rule=Exit.BY_HAND.value,
        memo=f"{tidings.plain(units)} {did}",
        link=desk.rules.link(on.symbol),
        lasting=False,
    )


def _gone(lock: Lock, left: Decimal, desk: Desk) -> Act | None:
    """A person cleared what had been written off."""
    change = _change(lock, desk, position=lock.position, dust=left)
    return _done(lock, change, lock.dust - left, "of what was written off are gone from the venue", desk)


def _arrived(each: Difference, order: Order, desk: Desk) -> Act | None:
    """The position that a late buy made, by its own fills, or what a late sale took from ours."""
    lock, workers = each.lock, desk.ledger.workers(desk.market)
    if order.side is Side.SELL:
        did = "sold by an order of ours that had been given up"
        return _closed(lock, lock.position, order, ZERO, workers, did, desk, ours=order) if lock.position else None
    heir = None if lock.position else _free(workers, desk)
    if lock.position is None and heir is None:
        return None
    made = opened(order, heir.id if heir else "")
    position = hand_trades.joined(lock.position, made) if lock.position else made
    with localcontext(EXACT):
        freed = -(made.cost + made.fees)
    change = _change(lock, desk, position=position, dust=lock.dust)
    change = replace(change, freed=freed, hired=heir, order=order, decided=desk.days.day_of(order.at))
    return _done(lock, change, made.quantity, "bought by an order of ours that had been given up: held now", desk)


def _bought(each: Difference, workers: Sequence[Worker], desk: Desk) -> Act | None:
    """Units that a person bought: the owner's own, part of our position, or a position of its own."""
    extra, symbol, lock = each.found - each.booked, each.instrument.symbol, each.lock
    if desk.policy.sweep.by_hand is ByHand.IGNORE:
        return _left(lock, extra, desk)
    price = _price(symbol, desk)
    if price is None:
        return None
    if lock.position is None and not _sellable(extra, price, symbol, desk):
        change = _change(lock, desk, position=None, dust=lock.dust + extra)
        return _done(lock, change, extra, "bought by hand are too little to sell: left where they are", desk)
    heir = None if lock.position else _free(workers, desk)
    if lock.position is None and heir is None:
        return None
    position = (
        hand_trades.grown(lock.position, extra, price)
        if lock.position
        else hand_trades.position(lock, extra, price, heir, desk)
    )
    change = replace(
        _change(lock, desk, position=position, dust=lock.dust), freed=-hand_trades.worth(extra, price), hired=heir
    )
    return _done(lock, change, extra, f"bought by hand are ours now, at the last price {price:f}", desk)


def _sold(each: Difference, workers: Sequence[Worker], desk: Desk) -> Act | None:
    """Units of our position that a person sold: booked at the last price, what is left and too little written off."""
    position, symbol = each.lock.position, each.instrument.symbol
    price = _price(symbol, desk)
    if position is None or price is None:
        return None
    units, rest = each.booked - each.found, each.found
    dust = ZERO if _sellable(rest, max(price, position.price), symbol, desk) else rest
    order = hand_trades.sale(each.lock, position, units, price, Exit.BY_HAND, dust, desk)
    did = f"sold by hand, booked at the last price {price:f}"
    return _closed(each.lock, position, order, dust, workers, did, desk)


def _written_off(lock: Lock, position: Position, workers: Sequence[Worker], desk: Desk) -> Act | None:
    units = position.quantity
    order = hand_trades.sale(lock, position, ZERO, ZERO, Exit.DUST, units, desk)
    return _closed(lock, position, order, units, workers, "are under the least order: written off", desk)


def _closed(
    lock: Lock,
    position: Position,
    order: Order,
    dust: Decimal,
    workers: Sequence[Worker],
    did: str,
    desk: Desk,
    ours: Order | None = None,
) -> Act | None:
    """Write a sale that no order of ours made, or one of `ours` late. `dust` units of it are still at the venue."""
    trip, rest = round_trip(position, order, Exit(order.reason), desk.clock()), reduced(position, order)
    with localcontext(EXACT):
        realised = position.realised + trip.pnl
        freed = position.cost + position.fees - (rest.cost + rest.fees if rest else ZERO)
    rest = replace(rest, realised=realised) if rest else None
    change = _change(lock, desk, position=rest, dust=lock.dust + dust)
    change = replace(
        change,
        trip=trip,
        freed=freed,
        lost=None if rest else realised < 0,
        dismissed="" if rest else _owner(position, workers),
        order=ours,
        decided=desk.days.day_of(order.at),
    )
    return _done(lock, change, order.filled, did, desk, trip)


def _left(lock: Lock, extra: Decimal, desk: Desk) -> Act | None:
    """The owner's own from now on: no table of ours changes but what is known of people's holdings."""
    hands = desk.shelf.read(Hands, desk.market)
    if hands is None:
        return None
    symbol = lock.instrument.symbol
    own = {**hands.own, symbol: hands.own.get(symbol, ZERO) + extra}
    suspects = {name: pair for name, pair in hands.suspects.items() if name != symbol}
    desk.shelf.write(replace(hands, own=own, suspects=suspects))
    did = "bought by hand are left to their owner"
    news = _told(lock, extra, did, desk, when=f":{desk.clock()}")
    return Act(instrument=lock.instrument, units=extra, did=did, news=news)


def _change(lock: Lock, desk: Desk, *, position: Position | None, dust: Decimal) -> Amendment:
    day = desk.days.day_of(desk.clock())
    return Amendment(position=position, dust=dust, freed=ZERO, day=day, currency=desk.policy.universe.quote)


def _done(
    lock: Lock, change: Amendment, units: Decimal, did: str, desk: Desk, trip: RoundTrip | None = None
) -> Act | None:
    """None where the symbol moved meanwhile: the next run looks again."""
    news = _told(lock, units, did, desk)
    if not desk.leases.amend(lock, replace(change, news=news), desk.clock()):
        return None
    return Act(instrument=lock.instrument, units=units, did=did, news=news, trip=trip)


def _too_small(position: Position, desk: Desk) -> bool:
    """By its entry price, and then by the last one, which is asked for only where it matters."""
    symbol = position.instrument.symbol
    if _sellable(position.quantity, position.price, symbol, desk):
        return False
    price = _price(symbol, desk)
    return price is not None and not _sellable(position.quantity, price, symbol, desk)


def _sellable(units: Decimal, price: Decimal, symbol: str, desk: Desk) -> bool:
    return sellable(units, price, desk.rules.lot(symbol), desk.rules.minimum(symbol))


def _price(symbol: str, desk: Desk) -> Decimal | None:
    """The last one; None where nobody knows it, or the venue does not say: then nothing is done this time."""
    try:
        last = desk.last_price(symbol)
    except CoreError:
        return None
    return Decimal(str(last)) if last else None


def _free(workers: Sequence[Worker], desk: Desk) -> Worker | None:
    crew = names(desk.policy.workers.count)
    return next((worker for worker in workers if worker.status is Status.SCAN and worker.id in crew), None)


def _owner(position: Position, workers: Sequence[Worker]) -> str:
    """The worker to send back to SCAN, where it is at HOLD for this very symbol."""
    held = position.worker, position.instrument.symbol
    return next((one.id for one in workers if one.status is Status.HOLD and (one.id, one.symbol) == held), "")
