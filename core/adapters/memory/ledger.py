"""The ledger in one process."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from core.adapters.memory.state import Books, Row
from core.app.ports import Account, Total
from core.domain.messages import Alert
from core.domain.orders import DONE, Order
from core.domain.positions import RoundTrip
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker, move

NEWS = "news#"


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
            found = self._books.workers.get(key)
            if found is not None and found.status is not Status.EXIT:
                return False
            self._books.workers[key] = worker
            return True

    def beat(self, worker: Worker, at: Millis) -> bool:
        return self._replace(worker, replace(worker, heartbeat=at))

    def move(self, worker: Worker, to: Status, at: Millis, note: str = "") -> bool:
        return self._replace(worker, move(worker, to, at, note=note))

    def _replace(self, worker: Worker, moved: Worker) -> bool:
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
                streak=self._books.losses[market, day][0],
                lost=self._books.losses[market, day][1],
            )

    def exposure(self, currency: str) -> Decimal:
        with self._books.guard:
            return self._books.currency[currency]

    def total(self, of: Market | str) -> Total:
        with self._books.guard:
            books = self._books
            exposure = books.exposure[of] if isinstance(of, Market) else books.currency[of]
            positions = books.positions[of] if isinstance(of, Market) else 0
            return Total(exposure=exposure, positions=positions, moves=books.moves[of])

    def correct(self, of: Market | str, was: Total, exposure: Decimal, positions: int) -> bool:
        with self._books.guard:
            if self._books.moves[of] != was.moves:
                return False
            if isinstance(of, Market):
                self._books.exposure[of], self._books.positions[of] = exposure, positions
            else:
                self._books.currency[of] = exposure
            self._books.moved(of)
            return True

    def order(self, key: str) -> Order | None:
        with self._books.guard:
            row = self._books.orders.get(key)
        return row.order if row else None

    def close(self, order: Order, was: Order, day: str) -> bool:
        with self._books.guard:
            row = self._books.orders.get(order.id)
            if row is None or row.order != was:
                return False
            self._books.orders[order.id] = Row(order, day)
            return True

    def open_orders(self, market: Market) -> list[Order]:
        with self._books.guard:
            rows = list(self._books.orders.values())
        found = (row.order for row in rows if row.order.instrument.market is market)
        return sorted((order for order in found if order.state not in DONE), key=_when)

    def untold(self, market: Market) -> list[tuple[str, Alert]]:
        with self._books.guard:
            rows = [row for row in self._books.orders.values() if row.order.instrument.market is market]
            kept = [(f"{NEWS}{key}", news) for key, news in self._books.news.items() if news.market is market]
        return [(row.order.id, row.news) for row in rows if row.news is not None] + kept

    def told(self, key: str) -> None:
        with self._books.guard:
            if key.startswith(NEWS):
                self._books.news.pop(key.removeprefix(NEWS), None)
                return
            row = self._books.orders[key]
            self._books.orders[key] = Row(row.order, row.day)

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

    def flattening(self) -> dict[str, str]:
        with self._books.guard:
            return {scope: self._books.halts[scope] for scope in self._books.selling}

    def halt(self, scope: str, reason: str, at: Millis, *, sells: bool = False) -> None:
        with self._books.guard:
            self._books.halts[scope] = reason
            self._books.selling |= {scope} if sells else set()

    def flattened(self, scope: str) -> None:
        with self._books.guard:
            self._books.selling.discard(scope)

    def resume(self, scope: str) -> None:
        with self._books.guard:
            self._books.halts.pop(scope, None)
            self._books.selling.discard(scope)


def _when(order: Order) -> tuple[Millis, str]:
    return order.at, order.id
