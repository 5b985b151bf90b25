"""What a buy takes before it is sent: a worker that is free, with its capital and a place within every limit."""

from __future__ import annotations

from msgspec.structs import replace

from core.app.checks import limits_of, open_loss
from core.app.crew import candidates
from core.app.desk import Desk
from core.app.ports import Reserved
from core.app.wishes import order_of
from core.domain.leases import Answer, Ask, Barrier, Granted, Intent, Left
from core.domain.orders import Order
from core.domain.values import Instrument, Millis

NEXT_WORKER = frozenset({Barrier.WORKER_TAKEN, Barrier.WORKER_MISSING})


def engaged(ask: Ask, desk: Desk, *, looked: bool) -> tuple[Order, Answer | Left | Reserved]:
    """With the first worker that is free, its capital and a place within every limit; and turns of the venue's budget.

    looked  was the venue looked at before? Else that is still to be paid for
    """
    limits = limits_of(ask.intent.cost, desk, ask.at, open_loss(desk))
    order = proposed(ask.instrument, ask.intent, desk, ask.at)
    turns = desk.turns.wanted(order, ask.at, looked=looked)
    for worker in candidates(order.signal, desk, ask.at):
        order = replace(order, worker=worker.id)
        answer = desk.leases.engage(ask, order, worker, limits, ask.at, turns)
        if isinstance(answer, Granted) and answer.intent.worker != worker.id:
            return replace(order, worker=answer.intent.worker), answer  # by an earlier try of ours, that came late
        refused = Barrier(answer.refused) if isinstance(answer, Reserved) else None
        if refused is Barrier.WORKER_TAKEN or isinstance(answer, Granted):
            desk.engaged[worker.id] = ask.at
        if refused not in NEXT_WORKER:
            return order, answer
    return order, Reserved(refused=Barrier.WORKER_MISSING)


def proposed(instrument: Instrument, intent: Intent, desk: Desk, at: Millis) -> Order:
    """The order of a buy that nothing was taken for yet."""
    flat = Granted(instrument=instrument, owner="", fence=0, ends=at, intent=intent, position=None)
    return order_of(flat, desk, at)


def reserved(held: Granted, order: Order, desk: Desk) -> tuple[Order, Reserved]:
    """Take the first worker that is free, with its capital and a place within every limit."""
    at = desk.clock()
    asked = limits_of(held.intent.cost, desk, at, open_loss(desk))
    answer = Reserved(refused=Barrier.WORKER_MISSING)
    for worker in candidates(order.signal, desk, at):
        order = replace(order, worker=worker.id)
        answer = desk.leases.reserve(held, order, worker, asked, at)
        if not answer.refused:
            desk.engaged[worker.id] = at
        if answer.refused not in NEXT_WORKER:
            break
    return order, answer
