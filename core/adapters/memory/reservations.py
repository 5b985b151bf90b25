"""What a buy takes of an account in memory: a worker, exposure and a place; and what refuses it those."""

from __future__ import annotations

from decimal import localcontext

from core.adapters.memory.state import Books
from core.app.barriers import crowded, halted, losing, lost_enough, overdrawn
from core.app.ports import Limits, Reserved
from core.domain.leases import Barrier
from core.domain.orders import Order
from core.domain.results import EXACT
from core.domain.values import Market, Millis
from core.domain.workers import Status, Worker, move


def barrier(books: Books, order: Order, worker: Worker, limits: Limits) -> Reserved | None:
    """What refuses it, the most final first; None where nothing does."""
    market = order.instrument.market
    if order.id in books.orders:
        return Reserved(refused=Barrier.REPEATED, detail=order.id)
    for scope in ("all", market.value, str(order.instrument)):
        if scope in books.halts:
            return halted(scope, books.halts[scope])
    day = market, limits.day
    over = lost_enough(limits, books.realised[day]) or losing(limits, *books.losses[day])
    over = over or overdrawn(limits, books.exposure[market], books.positions[market])
    return over or crowded(limits, books.currency[limits.currency]) or engaged(books, market, worker)


def engaged(books: Books, market: Market, worker: Worker) -> Reserved | None:
    now = books.workers.get((market, worker.id))
    if now is None:
        return Reserved(refused=Barrier.WORKER_MISSING)
    if now.status is not Status.SCAN:
        return Reserved(refused=Barrier.WORKER_TAKEN, detail=now.symbol)
    return None


def take(books: Books, order: Order, worker: Worker, limits: Limits, at: Millis) -> None:
    """The worker is free, and nothing refuses it."""
    market = order.instrument.market
    free = books.workers[market, worker.id]
    books.workers[market, worker.id] = move(free, Status.HOLD, at, order.instrument.symbol)
    with localcontext(EXACT):
        books.exposure[market] += limits.cost
        books.currency[limits.currency] += limits.cost
    books.moved(market, limits.currency)
    books.positions[market] += 1
