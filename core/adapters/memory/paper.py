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

    def _next(self, order: Order, holding: Holding) -> Holding | None:
        """What is held after an order, where nothing speaks against it; see PaperStore.record for version 0."""
        now = self.holding(order.instrument)
        if holding.version:
            return holding if now.version == holding.version - 1 else None
        short = order.side is Side.SELL and now.units < order.quantity
        if short or (now.version and now.book == holding.book):
            return None
        return replace(holding, units=now.units + moved(order), version=now.version + 1)

    def record(self, order: Order, holding: Holding) -> bool:
        with self._write:
            after = None if order.id in self._orders else self._next(order, holding)
            if after is None:
                return False
            self._orders[order.id] = order
            self._holdings[order.instrument] = after
            return True
