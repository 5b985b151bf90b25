"""From a signal to what is asked of the lock: the intent of a buy or of a sell, and the order that it means."""

from __future__ import annotations

from decimal import Decimal

from core.app.checks import Objection, closed, objection
from core.app.desk import Desk
from core.domain.leases import Granted, Intent
from core.domain.levels import References
from core.domain.orders import Fill, Order, State, moved, order_id
from core.domain.signals import Exit, Signal
from core.domain.sizing import Grid, TooSmall, portion, size
from core.domain.values import DAY, ZERO, Millis, Side


def wish(signal: Signal, desk: Desk, at: Millis) -> Intent | Objection:
    """What the signal asks for, or why nothing is asked: no lock is taken for that."""
    if signal.side is Side.SELL:
        return next(closed(desk, at), None) or to_sell(signal, desk, at)
    return objection(signal.instrument.symbol, desk, at) or to_buy(signal, desk, at)


def to_buy(signal: Signal, desk: Desk, at: Millis) -> Intent | Objection:
    """A buy of as much as the worker's capital and the limits allow, at `max_slippage` over the decision at worst.

    The venue's least order is held against the price that it was decided at: what it costs now is not looked at yet.
    """
    symbol, policy, price = signal.instrument.symbol, desk.policy, Decimal(str(signal.price))
    worst = price * (1 + Decimal(str(policy.risk.max_slippage)))
    bounds = bounds_of(symbol, desk, at)
    limit = desk.rules.floor_price(symbol, worst, Side.BUY, at)
    limit = min(limit, bounds[1]) if bounds else limit
    budget = min(policy.workers.capital, policy.risk.per_symbol, policy.risk.total_exposure)
    sized = size(price, limit, budget, grid(symbol, Side.BUY, desk, at))
    if isinstance(sized, TooSmall):
        return Objection("minimum order", f"{sized.value:f} of {sized.minimum:f}")
    return _intent(signal, desk, at, quantity=sized.quantity, limit=sized.limit, cost=sized.cost)


def bounds_of(symbol: str, desk: Desk, at: Millis) -> tuple[Decimal, Decimal] | None:
    """The day's lowest and highest legal price, by yesterday's close; None where there are none, or nobody knows them.

    A price over it is refused by the venue, so a buy of something that has nearly risen to it would never be sent.
    """
    bounds = desk.rules.bounds
    references = desk.shelf.read(References, desk.market) if bounds else None
    row = references.rows.get(symbol) if references and references.day <= at < references.day + DAY else None
    if bounds is None or row is None or row.close <= 0.0:
        return None
    return bounds(symbol, Decimal(str(row.close)), at)


def to_sell(signal: Signal, desk: Desk, at: Millis) -> Intent | Objection:
    """A sale of all that will be found held once the lock is ours: quantity 0 stands for that."""
    if signal.rule not in set(Exit) - {Exit.DUST, Exit.BY_HAND}:
        return Objection("reason", f"{signal.rule!r} is no reason to sell")
    return _intent(signal, desk, at, quantity=ZERO, limit=_worst(signal, desk, at), cost=ZERO)


def _worst(signal: Signal, desk: Desk, at: Millis) -> Decimal | None:
    """The limit of a sale that has one, on the price grid and within the day's bounds."""
    if signal.worst is None:
        return None
    symbol = signal.instrument.symbol
    bounds = bounds_of(symbol, desk, at)
    price = Decimal(str(signal.worst))
    return desk.rules.floor_price(symbol, max(price, bounds[0]) if bounds else price, Side.SELL, at)


def order_of(held: Granted, desk: Desk, at: Millis) -> Order:
    """The order that a granted intent means; a sale is of what is held now."""
    intent, symbol = held.intent, held.instrument.symbol
    quantity, worker = intent.quantity, intent.worker
    if intent.side is Side.SELL and held.position is not None and not intent.reserved:
        all_of_it = held.position.quantity
        part = portion(all_of_it, intent.reference, grid(symbol, Side.SELL, desk, at))
        quantity = all_of_it if is_write_off(intent) else part
        worker = held.position.worker
    return Order(
        id=intent.order,
        instrument=held.instrument,
        side=intent.side,
        quantity=quantity,
        reference=intent.reference,
        signal=intent.signal,
        leg=intent.leg,
        worker=worker,
        reason=intent.reason,
        at=at,
        limit=intent.limit,
    )


def next_leg(held: Granted) -> Intent:
    """The intent for the rest of a sale that was filled in part."""
    return _leg(held, held.intent.reason, held.intent.reference, held.intent.limit)


def write_off(held: Granted) -> Intent:
    """The intent to close what no order may be made of: a leg that no venue ever sees, so that any owner ends it."""
    return _leg(held, Exit.DUST.value, ZERO)


def is_write_off(intent: Intent) -> bool:
    """A buy rule may have that name too."""
    return intent.side is Side.SELL and intent.reason == Exit.DUST


def written_off(held: Granted, desk: Desk, at: Millis) -> Order:
    """The order of such a leg, over at once: all that is held, for nothing."""
    order = order_of(held, desk, at)
    gone = Fill(id=f"{order.id}-dust", price=ZERO, quantity=order.quantity, fee=ZERO, tax=ZERO, at=at)
    return moved(order, State.FILLED, fills=(gone,), note="under the venue's least order")


def _leg(held: Granted, reason: str, reference: Decimal, limit: Decimal | None = None) -> Intent:
    leg = held.intent.leg + 1
    order = order_id(held.instrument, held.intent.signal, Side.SELL, leg)
    return Intent(
        order=order,
        side=Side.SELL,
        signal=held.intent.signal,
        leg=leg,
        worker=held.intent.worker,
        quantity=ZERO,
        reference=reference,
        reason=reason,
        at=held.intent.at,
        expires=held.intent.expires,
        day=held.intent.day,
        limit=limit,
        position=held.intent.position,
    )


def today(desk: Desk, at: Millis) -> str:
    return desk.days.day_of(at)


def grid(symbol: str, side: Side, desk: Desk, at: Millis) -> Grid:
    rules = desk.rules
    return Grid(
        lot=rules.lot(symbol),
        minimum=rules.minimum(symbol),
        maximum=rules.maximum(symbol),
        fee=rules.fee(symbol, side, at),
    )


def _intent(
    signal: Signal, desk: Desk, at: Millis, *, quantity: Decimal, limit: Decimal | None, cost: Decimal
) -> Intent:
    """`at` of an intent is when it was decided, by the later clock."""
    return Intent(
        order=order_id(signal.instrument, signal.id, signal.side, 0),
        side=signal.side,
        signal=signal.id,
        leg=0,
        worker="",
        quantity=quantity,
        reference=Decimal(str(signal.price)),
        reason=signal.rule,
        at=max(signal.at, signal.seen),
        expires=signal.expires,
        day=today(desk, at),
        limit=limit,
        cost=cost,
        position=signal.position,
    )
