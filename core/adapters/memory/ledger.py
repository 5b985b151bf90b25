"""The ledger in one process."""

from __future__ import annotations

from core.adapters.memory.state import Books
from core.app.ports import Account
from core.domain.orders import DONE, Order
from core.domain.positions import RoundTrip
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker, move


class MemoryLedger:
    """Implements `core.app.ports.Ledger`."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def workers(self, market: Market) -> list[Worker]:
        with self._books.guard:
            return sorted(
                (worker for worker in self._books.workers.values() if worker.market is market),
                key=lambda worker: worker.id,
            )

    def register(self, worker: Worker) -> bool:
        with self._books.guard:
            key = (worker.market, worker.id)
            return self._books.workers.setdefault(key, worker) is worker

    def move(self, worker: Worker, to: Status, at: Millis) -> bool:
        moved = move(worker, to, at)
        with self._books.guard:
            key = (worker.market, worker.id)
            if self._books.workers.get(key) != worker:
                return False
            self._books.workers[key] = moved
            return True

    def account(self, market: Market, day: str) -> Account:
        with self._books.guard:
            return Account(
                exposure=self._books.exposure[market],
                positions=self._books.positions[market],
                realised=self._books.realised[market, day],
            )

    def order(self, key: str) -> Order | None:
        with self._books.guard:
            row = self._books.orders.get(key)
        return row.order if row else None

    def open_orders(self, market: Market) -> list[Order]:
        with self._books.guard:
            rows = list(self._books.orders.values())
        found = (row.order for row in rows if row.order.instrument.market is market)
        return sorted((order for order in found if order.state not in DONE), key=_when)

    def orders(self, market: Market, day: str) -> list[Order]:
        with self._books.guard:
            rows = list(self._books.orders.values())
        return sorted((row.order for row in rows if (row.order.instrument.market, row.day) == (market, day)), key=_when)

    def trips(self, market: Market, day: str) -> list[RoundTrip]:
        with self._books.guard:
            rows = list(self._books.trips.values())
        found = (trip for trip, written in rows if (trip.instrument.market, written) == (market, day))
        return sorted(found, key=lambda trip: (trip.closed, trip.id))

    def halted(self, market: Market, symbol: str = "") -> str:
        with self._books.guard:
            halts = self._books.halts
            return halts.get("all") or halts.get(market.value) or halts.get(str(Instrument(market, symbol)), "")

    def halts(self) -> dict[str, str]:
        with self._books.guard:
            return dict(self._books.halts)

    def halt(self, scope: str, reason: str, at: Millis) -> None:
        with self._books.guard:
            self._books.halts[scope] = reason

    def resume(self, scope: str) -> None:
        with self._books.guard:
            self._books.halts.pop(scope, None)


def _when(order: Order) -> tuple[Millis, str]:
    return order.at, order.id
