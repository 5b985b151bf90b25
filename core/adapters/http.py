"""A venue's quotes over HTTP: its flows, carried out by paced calls within the shared budget."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from core.adapters.paced import Circuit, Paced, Signer
from core.app.ports import Budget, Clock
from core.domain.events import Bar, Book, Listing, MarketState, Ticker
from core.domain.policies import RestPolicy, UniversePolicy
from core.domain.turns import Fare
from core.domain.values import Millis
from core.venues.flow import Flow, openings, run
from core.venues.spec import RestSpec

T = TypeVar("T")


class HttpQuotes:
    """One venue's quotes. Not for several threads at once; each has its own, and they share the budget.

    The arguments are those of `Paced`: `sign` is needed where the venue wants to know who asks.
    """

    def __init__(
        self,
        spec: RestSpec,
        policy: RestPolicy,
        budget: Budget,
        clock: Clock,
        sleep: Callable[[float], None],
        dice: Callable[[], float],
        *,
        pause_s: float = 0.0,
        tries: int = 5,
        sign: Signer | None = None,
        purse: str = "",
        on_open: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._spec, self._clock = spec, clock
        self._paced = Paced(
            spec,
            policy,
            budget,
            clock,
            sleep,
            dice,
            pause_s=pause_s,
            tries=tries,
            sign=sign,
            purse=purse,
            on_open=on_open,
        )

    @property
    def calls(self) -> int:
        """HTTP calls made so far, those that failed among them."""
        return self._paced.calls

    @property
    def circuits(self) -> dict[str, Circuit]:
        """The breaker of every endpoint that was asked so far (D17)."""
        return self._paced.circuits

    def listing(self, universe: UniversePolicy) -> list[Listing]:
        return self._ask(self._spec.listing(universe, self._clock()))

    def tickers(self, symbols: Sequence[str], quote: str) -> list[Ticker]:
        return self._ask(self._spec.tickers(symbols, quote, self._clock()))

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]:
        return self._ask(self._spec.books(symbols, depth, self._clock()))

    def bars(self, symbol: str, span: Millis, count: int, until: Millis | None = None) -> list[Bar]:
        return self._ask(self._spec.bars(symbol, span, count, until, self._clock()))

    def history(self, symbol: str, counts: Mapping[Millis, int]) -> dict[Millis, list[Bar]]:
        """The newest candles by length, at least so many of each."""
        if self._spec.history:
            return self._ask(self._spec.history(symbol, counts, self._clock()))
        return {span: self.bars(symbol, span, count) for span, count in counts.items()}

    def holidays(self, first: str) -> dict[str, bool]:
        """Is the market open, by day from `first` on; empty where the venue does not say."""
        return self._ask(self._spec.holidays(first, self._clock())) if self._spec.holidays else {}

    def busiest(self, count: int) -> list[str]:
        """Symbols of the largest traded value today; empty where the venue ranks nothing."""
        return self._ask(self._spec.busiest(count)) if self._spec.busiest else []

    def state(self, symbol: str) -> MarketState | None:
        """Does the venue let it trade now? None where the venue has no word for it."""
        return self._ask(self._spec.state(symbol, self._clock())) if self._spec.state else None

    def looks(self, symbol: str, quote: str) -> list[Fare]:
        """What it takes of the budget to ask for a symbol's price, and whether it may trade."""
        at, state = self._clock(), self._spec.state
        flows: list[Flow[object]] = [self._spec.tickers([symbol], quote, at)]
        return self._paced.fares(openings([*flows, state(symbol, at)] if state else flows))

    def book(self, symbol: str, depth: int) -> list[Fare]:
        """The same of its order book."""
        return self._paced.fares(openings([self._spec.books([symbol], depth, self._clock())]))

    def close(self) -> None:
        self._paced.close()

    def _ask(self, flow: Flow[T]) -> T:
        return run(flow, self._paced.send)
