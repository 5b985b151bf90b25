"""Watching what is held (E4, C4): which positions there are, and the sell signals they give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import nan

from core.domain import exits
from core.domain.effects import Effect, Emit
from core.domain.errors import Misconfigured
from core.domain.gauges import trend_span
from core.domain.policies import MarketPolicy, WhenRemoved
from core.domain.positions import Position
from core.domain.sessions import Calendar
from core.domain.signals import Exit
from core.domain.symbols import Symbol
from core.domain.values import SPANS, Market, Millis

NOTHING: tuple[Effect, ...] = ()


class Departures:
    """The exits of one market. `names` is what people call each symbol.

    A reason to sell is a level: the signal is given again every `repeat_s` for as long as the position is held.
    """

    def __init__(self, market: Market, policy: MarketPolicy, days: Calendar) -> None:
        self._market, self._exits, self._days = market, policy.exits, days
        self._keep = policy.rank.when_removed is WhenRemoved.KEEP
        self._trend = trend_span(policy.exits)
        self.names: Mapping[str, str] = {}
        if self._trend not in SPANS:
            allowed = ", ".join(str(span // SPANS[0]) for span in SPANS)
            found = policy.exits.trend_span
            raise Misconfigured(
                "the trend exit has no candle of that length", key="exits.trend_span", value=found, allowed=allowed
            )

    def hold(self, positions: Sequence[Position], states: dict[str, Symbol], begin: Callable[[str], Symbol]) -> None:
        """Take all open positions; whatever is not among them is not held any more."""
        ours = {p.instrument.symbol: p for p in positions if p.instrument.market is self._market}
        for name, symbol in states.items():
            if name not in ours:
                symbol.holding = symbol.leaving = None
        for name, position in ours.items():
            self._take(states.get(name) or begin(name), position)

    def remove(self, names: Collection[str], states: Mapping[str, Symbol]) -> None:
        """Mark held symbols that left the Top N, unless the owner keeps them."""
        for name in names:
            symbol = states.get(name)
            if symbol is not None and symbol.holding is not None and not self._keep:
                symbol.leaving = Exit.REMOVED

    def watch(self, states: Mapping[str, Symbol], at: Millis) -> Sequence[Effect]:
        """Look at every position, without waiting for a price."""
        effects: list[Effect] = []
        for symbol in states.values():
            if symbol.holding is not None:
                effects.extend(self.look(symbol, worth(symbol), at, at))
        return effects

    def look(self, symbol: Symbol, price: float, at: Millis, seen: Millis) -> Sequence[Effect]:
        """The sell signal of one symbol at one price, where there is a reason and it was not said just now."""
        held, policy = symbol.holding, self._exits
        if held is None or (held.said and at - held.said < policy.repeat_s * 1000):
            return NOTHING
        leave = self._reason(symbol, held, price, at)
        if leave is None or not self._days.is_open(at):
            return NOTHING
        held.said = at
        name = self.names.get(symbol.instrument.symbol, "")
        about, every = held.position.signal, policy.repeat_s
        worth = price or held.entry
        return (Emit(exits.sell(symbol.instrument, leave, worth, at, seen, name, position=about, repeat_s=every)),)

    def _reason(self, symbol: Symbol, held: exits.Holding, price: float, at: Millis) -> exits.Leave | None:
        if symbol.leaving is not None:
            return exits.ordered(symbol.leaving, price, held.entry)
        trend = symbol.series(self._trend).gauges.trend.peek(price) if self._exits.trend else nan
        return exits.check(held, price, trend, self._days.closes(at) - at, self._exits, at)

    def _take(self, symbol: Symbol, position: Position) -> None:
        before = symbol.holding
        if before is None or before.position != position:
            symbol.holding = exits.holding(position, self._exits)
            symbol.holding.said = before.said if before else 0


def worth(symbol: Symbol) -> float:
    """What the symbol is worth now: the last trade's price, held within the best bid and ask; 0 where none is known.

    So a lone low bid is no stop loss, and an offer under the stop is one before anybody has traded there.
    """
    price, book = symbol.price, symbol.book
    if book is None or price <= 0.0:
        return price
    return book.ask if 0.0 < book.ask < price else max(price, book.bid)
