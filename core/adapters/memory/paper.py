"""The paper venue's log in memory, for replay and tests."""

from decimal import Decimal
from threading import Lock

from msgspec.structs import replace

from core.domain.fills import Holding, moved
from core.domain.orders import Order
from core.domain.values import Instrument, Market, Side


class MemoryPaperStore:
    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._holdings: dict[Instrument, Holding] = {}
        self._write = Lock()

    def order(self, id: str) -> Order | None:
        return self._orders.get(id)

    def holding(self, instrument: Instrument) -> Holding:
        return self._holdings.get(instrument, Holding())

    def holdings(self, market: Market) -> dict[str, Decimal]:
        return {
            on.symbol: held.units for on, held in list(self._holdings.items()) if on.market is market and held.units
        }

    def record(self, order: Order, before: Holding, after: Holding) -> Order | Holding | None:
        with self._write:
            if known := self._orders.get(order.id):
                return known
            now = self.holding(order.instrument)
            short = order.side is Side.SELL and now.units < order.quantity
            if short or (now.book == after.book and now.taken(after.book) != before.taken(after.book)):
                return now
            self._orders[order.id] = order
            self._holdings[order.instrument] = replace(after, units=now.units + moved(order))
            return None
