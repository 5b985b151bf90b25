"""The paper venue's log in memory, for replay and tests."""

from decimal import Decimal
from threading import Lock

from core.domain.fills import Holding
from core.domain.orders import Order
from core.domain.values import Instrument, Market


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

    def record(self, order: Order, holding: Holding) -> bool:
        with self._write:
            if order.id in self._orders or self.holding(order.instrument).version != holding.version - 1:
                return False
            self._orders[order.id] = order
            self._holdings[order.instrument] = holding
            return True
