"""The engine: market data in, effects out. One synchronous fold, the same live, on paper and in replay.

The rules of this machine:
- `run` is the hot path: one dictionary look-up, the candles, and one comparison that tells whether any rule or exit
  could be true at this price. No task, log line or dictionary is made there.
- A trade told twice (by the venue's id) counts once; one that the venue repeats as a state (`replayed`) counts only
  where it is news, and never makes a signal.
- A book or ticker older than the one before, a crossed book and a price that is not above zero are counted and
  dropped (D15).
- Positions, references, names and the safe set are told as levels: each call replaces what was said before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import astuple

from core.domain import restart, symbols
from core.domain.backlog import kept
from core.domain.candle import Candle
from core.domain.candles import Turn
from core.domain.departures import Departures, worth
from core.domain.effects import Effect, Emit
from core.domain.entries import NOTHING, Entries, TurnedAway
from core.domain.events import Bar, Book, MarketData, MarketState, Ticker, Trade
from core.domain.levels import References
from core.domain.policies import MarketPolicy
from core.domain.positions import Position
from core.domain.quality import LOST
from core.domain.rules import build
from core.domain.rules.rule import Rule
from core.domain.series import Series
from core.domain.sessions import Calendar, always_open
from core.domain.signals import Signal
from core.domain.symbols import Symbol
from core.domain.ticks import PUT, WIDTH
from core.domain.values import Instrument, Market, Millis

CELLS: Final = astuple
"""All fields at once. Compiled, an imported name is looked up in a dictionary each time, and a Final of ours is not."""


class Engine:
    """All symbols of one market.

    on_candle  called with each candle that closes, and again with the whole of one that a late trade then amended:
               of several with the same span and `opens` the last is right
    days       the market's calendar; always open where none is given
    since      when listening to a new symbol began: 0 = always, as in replay. A live stream says NEVER and then
               `listen`: whatever comes before, perhaps of a subscription that is ending, makes no whole candle

    Counters: trades (those dropped included), books, tickers, bars, late (dropped ones included), dropped, duplicates,
    backwards, crossed, bad, gaps, candles (closed, of every span), signals (buy and sell), skipped (times that the
    venue's running volume rose by more than the trade that told it: what came between did not reach us).
    """

    def __init__(
        self,
        market: Market,
        policy: MarketPolicy,
        link: Callable[[str], str],
        on_candle: Callable[[Bar], None] | None = None,
        days: Calendar | None = None,
    ) -> None:
        self.market, self.policy, self.on_candle = market, policy, on_candle
        self._days = days or always_open(policy.day)
        self._entries = Entries(build(policy.rules, policy.indicators), link)
        self._by_volume = self._entries.by_volume
        self._kept = kept(self._entries.rules, policy.indicators, policy.exits, symbols.CHART)
        self._departures = Departures(market, policy, self._days)
        self._states: dict[str, Symbol] = {}
        self._references: References | None = None
        self._passing: frozenset[str] = frozenset()
        self.since = Millis(0)
        self.trades = self.books = self.tickers = self.bars = self.late = self.dropped = self.duplicates = 0
        self.backwards = self.crossed = self.bad = self.gaps = self.candles = self.signals = self.skipped = 0

    def step(self, event: MarketData) -> Sequence[Effect]:
        """Take one event; returns what is to be done, which nearly always is nothing."""
        return self.run((event,))

    def run(self, events: Iterable[MarketData]) -> Sequence[Effect]:
        """Take events that came together, one after the other; returns what is to be done for all of them."""
        effects: Sequence[Effect] = NOTHING
        whose, judged = None, self._by_volume
        for event in events:
            if type(event) is not Trade:
                effects = _joined(effects, self._other(event))
                continue
            self.trades += 1
            instrument, price, quantity, _, at, seen, sequence, replayed, total = CELLS(event)
            if instrument is not whose:  # a frame's trades are of one symbol, looked up once
                whose = instrument
                symbol = self._states.get(whose.symbol) or self._begin(whose.symbol)
                candles, ticks = symbol.candles, symbol.ticks
            if sequence > symbol.sequence and price > 0.0 < quantity:  # nearly every trade: new, and sane
                symbol.sequence = sequence
                symbol.sequences.append(sequence)
            elif not self._new(symbol, event):
                continue
            if total and symbol.trade is not None and 0.0 < symbol.trade.total < total - quantity:
                self.skipped += 1
            symbol.trade = event
            if (place := ticks.place) == ticks.room:
                place = ticks.more()
                symbol.trim()
            PUT(ticks.rows, place, at, price, quantity)  # as `Ticks.add`, without a call for every trade
            ticks.place = place + WIDTH
            before = candles.price
            turn = candles.add(at, price, quantity)
            if turn is not None and self._turned(symbol, event, turn):
                continue
            if symbol.holding is not None and price != before:
                leaving = self._departures.look(symbol, price, at, seen)
                if leaving:
                    effects = _joined(effects, self._counted(leaving))
                    continue
            if symbol.low < price < symbol.high:
                if not symbol.calm:
                    self._entries.calm(symbol)
            elif (price != before or turn is not None or judged) and not replayed:
                effects = _joined(effects, self._counted(self._entries.judge(symbol, at, seen)))
        return effects

    def references(self, rows: References) -> None:
        """Yesterday's figures of every symbol; telling the same again costs nothing."""
        if rows == self._references:
            return
        self._references = rows
        for symbol in self._states.values():
            self._refer(symbol)

    def names(self, names: Mapping[str, str]) -> None:
        """What people call each symbol."""
        self._entries.names = self._departures.names = names

    def safe(self, symbols: frozenset[str] | None) -> None:
        """What may be bought; None = nothing (no safe set, one too old, or safe mode)."""
        self._entries.safe = symbols

    def state(self, event: MarketState) -> None:
        """A symbol is halted or interrupted, or trades again: while it does not, no rule buys it."""
        name = event.instrument.symbol
        self._entries.halted = self._entries.halted - {name} | ({name} if event.halted or event.interrupted else set())
        self._passing = self._passing - {name} | ({name} if event.interrupted and not event.halted else set())

    @property
    def turned_away(self) -> int:
        """Buy signals that were refused because their data is stale or gapped, each once a minute."""
        return self._entries.turned_away

    def refusals(self) -> list[TurnedAway]:
        """Those that were not told yet."""
        told = list(self._entries.refusals)
        self._entries.refusals.clear()
        return told

    def redate(self) -> None:
        """The calendar that was given knows more of single days than it did (B6)."""
        for symbol in self._states.values():
            symbol.candles.redate()

    @property
    def halted(self) -> frozenset[str]:
        """Symbols that do not trade freely now, as far as the venue told."""
        return self._entries.halted

    def hold(self, positions: Sequence[Position], at: Millis) -> Sequence[Effect]:
        """All open positions. Whatever is not among them is not held any more."""
        self._departures.hold(positions, self._states, self._begin)
        return self.tick(at)

    def said(self, name: str, rule: str, signal: str) -> None:
        """This signal was given before the engine was made, and is not in the state that it was made from."""
        self._entries.said(self._states.get(name) or self._begin(name), rule, signal)

    def removed(self, names: Collection[str], at: Millis) -> Sequence[Effect]:
        """Symbols that left the Top N (C4): those held are sold, whatever their price, unless the owner keeps them."""
        self._departures.remove(names, self._states)
        return self.tick(at)

    def warm(self, name: str, span: Millis, bars: Sequence[Bar]) -> None:
        """The venue's own bars of one span: history, or what a gap left out."""
        symbol = self._states.get(name) or self._begin(name)
        symbol.candles.adopt(span, bars)
        self._entries.prepare(symbol)

    def heal(self, name: str, span: Millis, seen: Millis) -> None:
        """The venue was asked at `seen` for what a gap left out; what it knew of that is here."""
        if (symbol := self._states.get(name)) is not None:
            symbol.series(span).heal(seen)
            self._entries.prepare(symbol)

    def gap(self, name: str, start: Millis, end: Millis, why: str = LOST) -> None:
        """Trades between `start` and `end` may be missing: rules that look there give no signal until it is healed.

        Where the line was lost, so may be the end of an interruption, which nobody tells again: it is taken for over.
        """
        self.gaps += 1
        if why == LOST and name in self._passing:
            self._passing, self._entries.halted = self._passing - {name}, self._entries.halted - {name}
        symbol = self._states.get(name) or self._begin(name)
        for series in symbol.candles.series:
            self._retell(symbol, series, series.tear(start, end, why), end)

    def listen(self, name: str, since: Millis) -> None:
        """Nothing of this symbol was heard before `since`: candles that began earlier are partial."""
        symbol = self._states.get(name) or self._begin(name)
        for series in symbol.candles.series:
            self._retell(symbol, series, series.listen(since), since)

    def forget(self, names: Iterable[str]) -> None:
        """Symbols that are not watched any more. One that is held stays."""
        for name in names:
            symbol = self._states.get(name)
            if symbol is not None and symbol.holding is None:
                del self._states[name]

    def tick(self, at: Millis) -> Sequence[Effect]:
        """Time has passed: signals expire, and exits are looked at (and said again) without waiting for a trade."""
        for symbol in self._states.values():
            self._entries.expire(symbol, at)
        return self._counted(self._departures.watch(self._states, at))

    def buyable(self, at: Millis) -> list[Signal]:
        """The live buy signals (D9), in the order of their symbols."""
        found = (self._entries.buyable(self._states[name], at) for name in sorted(self._states))
        return [signal for signals in found for signal in signals]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The enabled buy rules, in the order of each symbol's marks."""
        return self._entries.rules

    def snapshot(self, name: str) -> Symbol | None:
        """The symbol's state itself, not a copy: read it, and keep nothing of it across a step."""
        return self._states.get(name)

    @property
    def states(self) -> Collection[Symbol]:
        """Every symbol that is known, the states themselves as `snapshot` gives them."""
        return self._states.values()

    def forming(self, name: str) -> list[Bar]:
        """The symbol's candles that are still open, shortest span first."""
        symbol = self._states.get(name)
        return symbols.forming(symbol) if symbol is not None else []

    def save(self) -> Iterator[bytes]:
        """Everything a restart needs (D13), in pieces; the engine may go on between one and the next."""
        return restart.save(self._states, self._shape(), self._entries.minutes)

    def restore(self, saved: Iterable[bytes]) -> bool:
        """Go on where `save` was called. False, and nothing changed, where it was saved under other settings."""
        found = restart.load(saved, self._shape(), self._fresh)
        for symbol in found or ():
            self._states[symbol.instrument.symbol] = symbol
            self._refer(symbol)
        return found is not None

    def _new(self, symbol: Symbol, trade: Trade) -> bool:
        """Is this a trade that counts? One that is not, is counted as what it is."""
        if not (trade.price > 0.0 and trade.quantity > 0.0):
            self.bad += 1
            return False
        old = trade.at <= symbol.candles.at if not trade.sequence else trade.sequence <= symbol.sequence
        if trade.sequence in symbol.sequences or (trade.replayed and old):
            self.duplicates += 1
            return False
        if trade.sequence:
            symbol.remember(trade.sequence)
        return True

    def _turned(self, symbol: Symbol, trade: Trade, turn: Turn) -> bool:
        """Candles closed, or the trade was late. True where that was all: a late trade is no new price."""
        symbol.trim()
        self.late += turn.late
        self.dropped += turn.dropped
        for change in turn.changes:
            self.candles += not change.amended
            if self.on_candle is not None:
                self.on_candle(symbols.bar(symbol, change.series.span, change.candle, trade.seen, closed=True))
        if turn.changes or not turn.late:
            self._entries.prepare(symbol)
        return turn.late

    def _retell(self, symbol: Symbol, series: Series, touched: Sequence[Candle], seen: Millis) -> None:
        """Closed candles turned out not to be whole: who was told of them is told again."""
        if self.on_candle is not None:
            for candle in touched:
                self.on_candle(symbols.bar(symbol, series.span, candle, seen, closed=True))

    def _other(self, event: MarketData) -> Sequence[Effect]:
        symbol = self._states.get(event.instrument.symbol) or self._begin(event.instrument.symbol)
        match event:
            case Book():
                self.books += 1
                return self._book(symbol, event)
            case Ticker():
                self.tickers += 1
                self._ticker(symbol, event)
            case _:
                self.bars += 1  # a Bar: our candles come from trades, the venue's are taken through `warm`
        return NOTHING

    def _book(self, symbol: Symbol, book: Book) -> Sequence[Effect]:
        if not book.levels or book.bid < 0.0 or book.ask < 0.0:
            self.bad += 1
        elif 0.0 < book.ask <= book.bid:
            self.crossed += 1
        elif symbol.book is not None and book.at < symbol.book.at:
            self.backwards += 1
        else:
            symbol.book = book
            if symbol.holding is not None and symbol.price > 0.0:
                return self._counted(self._departures.look(symbol, worth(symbol), book.at, book.seen))
        return NOTHING

    def _ticker(self, symbol: Symbol, ticker: Ticker) -> None:
        if not ticker.price > 0.0:
            self.bad += 1
        elif symbol.ticker is not None and ticker.at < symbol.ticker.at:
            self.backwards += 1
        else:
            symbol.ticker = ticker

    def _counted(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        for effect in effects:
            self.signals += type(effect) is Emit
        return effects

    def _begin(self, name: str) -> Symbol:
        symbol = self._states[name] = self._fresh(name)
        self._refer(symbol)
        return symbol

    def _fresh(self, name: str) -> Symbol:
        rules = len(self._entries.rules)
        fresh = symbols.begin(Instrument(self.market, name), self.policy, self._days, rules, self._kept)
        for series in fresh.candles.series:
            series.since = self.since
        return fresh

    def _refer(self, symbol: Symbol) -> None:
        if self._references is not None:
            symbol.reference = self._references.rows.get(symbol.instrument.symbol)
            symbol.day = self._references.day
        self._entries.prepare(symbol)

    def _shape(self) -> str:
        rules = ",".join(rule.name + ":" + rule.condition for rule in self._entries.rules)
        return (
            f"{restart.VERSION};{self.market.value};{self.policy.indicators};{self.policy.exits.trend_length};{rules}"
        )


def _joined(before: Sequence[Effect], found: Sequence[Effect]) -> Sequence[Effect]:
    """Both, in their order; nearly always one of them is nothing."""
    return [*before, *found] if before and found else before or found
