"""A paper venue on a bad day, for rehearsals: it loses its answer to each symbol's first sale, and its book is thin."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from core.adapters.paper import Books
from core.app.ports import Broker, Outcome
from core.domain.errors import UnknownOutcome
from core.domain.events import Book, Level
from core.domain.orders import Order
from core.domain.sendings import Taking
from core.domain.values import Instrument, Market, Millis, Side


class ThinBooks:
    """The same books with this share of what stands in them."""

    def __init__(self, books: Books, share: float) -> None:
        self._books, self._share = books, share

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]:
        return [self._thin(book) for book in self._books.books(symbols, depth)]

    def _thin(self, book: Book) -> Book:
        share = self._share
        levels = [Level(row.bid, row.bid_size * share, row.ask, row.ask_size * share) for row in book.levels[:3]]
        return replace(book, levels=levels)


class RoughBroker:
    """Implements `core.app.ports.Broker`: the order is carried out, and nobody is told so the first time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lost: set[Instrument] = set()

    def place(self, order: Order, at: Millis) -> Outcome:
        outcome = self._broker.place(order, at)
        if order.side is Side.SELL and order.instrument not in self._lost:
            self._lost.add(order.instrument)
            raise UnknownOutcome("the rehearsal lost this answer on purpose", order=order.id)
        return outcome

    def find(self, order: Order, at: Millis) -> Outcome | None:
        return self._broker.find(order, at)

    def cancel(self, order: Order, at: Millis) -> Outcome:
        return self._broker.cancel(order, at)

    def taking(self, order: Order) -> Taking | None:
        return self._broker.taking(order)

    def holdings(self, market: Market) -> dict[str, Decimal]:
        return self._broker.holdings(market)
