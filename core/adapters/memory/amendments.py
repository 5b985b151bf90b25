"""What settlements and amendments do to accounts, and an amendment as one write."""

from __future__ import annotations

from decimal import localcontext

from msgspec.structs import replace

from core.adapters.memory.state import Books, Item, Row
from core.app.ports import Amendment, Settlement
from core.domain.leases import MARGIN, Lock
from core.domain.results import EXACT
from core.domain.values import Market, Millis
from core.domain.workers import Status, Worker, move


def amended(books: Books, lock: Lock, change: Amendment, at: Millis) -> bool:
    """Write all of it where the symbol is at rest under the fence that was read and the workers are as expected."""
    now = books.item(lock.instrument).lock
    running = bool(now.owner) and now.ends + MARGIN >= at
    if running or now.fence != lock.fence or now.intent is not None or lock.intent is not None:
        return False
    if change.trip and change.trip.id in books.trips:
        return False
    moves = _moves(books, lock, change, at)
    if moves is None:
        return False
    market = lock.instrument.market
    books.workers.update({(market, worker.id): worker for worker in moves})
    book(books, market, change, at)
    books.positions[market] += int(change.position is not None) - int(now.position is not None)
    after = replace(
        now,
        fence=now.fence + 1,
        owner="",
        ends=Millis(0),
        position=change.position,
        dust=change.dust,
        lost=at if change.lost else now.lost,
    )
    books.items[lock.instrument] = Item(after)
    if change.order:
        books.orders[change.order.id] = Row(change.order, change.decided)
    if change.news:
        books.news[change.news.id] = change.news
    return True


def book(books: Books, market: Market, change: Settlement | Amendment, at: Millis) -> None:
    """Give exposure back, and write what was earned: a position that was not lost ends the row of losses."""
    with localcontext(EXACT):
        books.exposure[market] -= change.freed
        books.currency[change.currency] -= change.freed
        books.moved(market, change.currency)
        if change.trip is None:
            return
        day = market, change.day
        books.trips[change.trip.id] = (change.trip, change.day)
        books.realised[day] += change.trip.pnl
    if change.lost is not None:
        books.losses[day] = (books.losses[day][0] + 1, at) if change.lost else (0, books.losses[day][1])


def _moves(books: Books, lock: Lock, change: Amendment, at: Millis) -> list[Worker] | None:
    """The workers after the change; None where one of them is not where it must be."""
    market, symbol = lock.instrument.market, lock.instrument.symbol
    moves = []
    if change.hired:
        free = books.workers.get((market, change.hired.id))
        if free is None or free.status is not Status.SCAN:
            return None
        moves.append(move(free, Status.HOLD, at, symbol))
    if change.dismissed:
        held = books.workers.get((market, change.dismissed))
        if held is None or (held.status, held.symbol) != (Status.HOLD, symbol):
            return None
        moves.append(move(held, Status.SCAN, at))
    return moves
