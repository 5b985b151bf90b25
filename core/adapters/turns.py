"""Who pays for the calls to the venue that a buy makes: what is kept free, or stretches taken with the symbol (B2, E1).

Which calls those are is read from the flows themselves: the first request of each, which nobody has to send for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from core.domain.orders import Order
from core.domain.turns import Fare, Stretch
from core.domain.values import Instrument, Market, Millis
from core.feed.pace import stretches
from core.venues.flow import openings

if TYPE_CHECKING:
    from core.adapters.order_line import OrderLine
    from core.adapters.spare import SpareBudget
    from core.app.ports import Clock
    from core.domain.phases import Phase
    from core.venues.ordering import Depot, Orders


class Fares(Protocol):
    """What the calls of a buy cost: what is asked before it, and what it asks from then on."""

    def looks(self, order: Order) -> Sequence[Fare]: ...

    def sends(self, order: Order) -> Sequence[Fare]: ...


@runtime_checkable
class Tolled(Protocol):
    """A broker whose own calls to the venue are counted."""

    fares: Fares


class BuyTurns:
    """Implements ports.Turns for one market.

    quotes  what it costs to look at a symbol; `fares` what the broker's calls cost besides
    """

    def __init__(
        self, market: Market, budget: SpareBudget, quotes: Callable[[str], Sequence[Fare]], fares: Fares
    ) -> None:
        self._market, self._budget, self._quotes, self._fares = market, budget, quotes, fares

    def unasked(self, order: Order, at: Millis) -> bool:
        return self._budget.carries(self._market, self._looks(order), at)

    def wanted(self, order: Order, at: Millis, *, looked: bool) -> tuple[Stretch, ...]:
        fares = [*(() if looked else self._looks(order)), *self._fares.sends(order)]
        groups = {fare.group: [each for each in fares if each.group == fare.group] for fare in fares}
        short = [each for each in groups.values() if not self._budget.carries(self._market, each, at)]
        wanted = stretches(self._market, (fare for each in short for fare in each), at)
        return tuple(self._budget.behind(each) for each in wanted)

    def took(self, stretches: Sequence[Stretch]) -> None:
        self._budget.rent(stretches)

    def _looks(self, order: Order) -> list[Fare]:
        return [*self._quotes(order.instrument.symbol), *self._fares.looks(order)]


class PaperFares:
    """Paper has no cash to ask for, and fills from a look at the book."""

    def __init__(self, book: Callable[[str], Sequence[Fare]]) -> None:
        self._book = book

    def looks(self, order: Order) -> Sequence[Fare]:
        return ()

    def sends(self, order: Order) -> Sequence[Fare]:
        return self._book(order.instrument.symbol)


class VenueFares:
    """An account's: what its cash buys; then the order, and the first look at what became of it."""

    def __init__(
        self,
        spec: Orders,
        line: OrderLine,
        depot: Callable[[], Depot],
        phase: Callable[[Instrument, Millis], Phase],
        clock: Clock,
    ) -> None:
        self._spec, self._line, self._depot, self._phase, self._clock = spec, line, depot, phase, clock

    def looks(self, order: Order) -> Sequence[Fare]:
        cash = self._spec.affordable(order.instrument.symbol, order.limit, self._depot(), self._clock())
        return self._line.fares(openings([cash]))

    def sends(self, order: Order) -> Sequence[Fare]:
        depot, at = self._depot(), self._clock()
        placed = self._spec.place(order, depot, self._phase(order.instrument, at), at)
        look = self._spec.look(order, depot, at)
        return self._line.fares(openings([placed, *([look] if look else [])]))
