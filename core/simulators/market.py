"""A seeded market: prices, trades, books and candles as a function of seed, start and the moment that is asked for.

Time is an argument. Before `birth` (the start's minute) everything is made from the drift alone; from there on
trades are printed second by second and REST figures are folds of them.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.domain.values import Market, Millis
from core.simulators.coins import Coin, listing
from core.simulators.drift import Floats, drift, key_of
from core.simulators.ladder import Ladder, ladder_of
from core.simulators.line import Line, Print
from core.simulators.stories import Plot, Story, plot
from core.venues.spec import venue

SLOT = 100
"""Books change on a grid of this many ms."""

LATE = 0.02
"""Share of trades that are told after newer ones, by LATE_BY ms."""
LATE_BY = (200, 900)

AVERAGE_DAYS = 20


class Change(NamedTuple):
    """A pair's best prices from `at` on."""

    symbol: str
    at: int
    bid: float
    ask: float


class Turn(NamedTuple):
    """What was told since the last time: trades in the order told, and the pairs whose books changed, with when."""

    trades: list[Print]
    books: dict[str, int]


class Push(NamedTuple):
    """A move forced from outside: log price changes by `by` between two moments and stays there."""

    row: int
    start: int
    end: int
    by: float


def upbit_ladders(at: int) -> Callable[[str], Ladder]:
    """Upbit's tick tables by symbol, as the venue's rules tell them for `at`."""
    rules = venue(Market.UPBIT).rules
    known: dict[str, Ladder] = {}

    def of(symbol: str) -> Ladder:
        quote = symbol.partition("-")[0]
        if quote not in known:
            known[quote] = ladder_of(rules, symbol, Millis(at))
        return known[quote]

    return of


class SimulatedMarket:
    """All pairs together. `advance` must be called with times that do not go back.

    seed     the same seed, start and commands give the same market
    start    epoch ms; the first trades are those of its minute
    orderly  no trade is told after newer ones, and their ids have no gaps
    """

    def __init__(
        self,
        *,
        seed: int,
        start: int,
        coins: Sequence[Coin] | None = None,
        ladders: Callable[[str], Ladder] | None = None,
        orderly: bool = False,
    ) -> None:
        self.seed, self.start, self._orderly = seed, start, orderly
        self.birth = start // 60_000 * 60_000
        chosen = listing() if coins is None else tuple(coins)
        of = ladders or upbit_ladders(start)
        keys = [key_of(seed, coin.symbol) for coin in chosen]
        self.lines = {c.symbol: Line(c, k, of(c.symbol), self.birth) for c, k in zip(chosen, keys, strict=True)}
        self._rows = list(self.lines.values())
        self._row_of = {symbol: row for row, symbol in enumerate(self.lines)}
        self._keys = np.array(keys, dtype=np.uint64)[:, None]
        self._base = np.log([coin.price for coin in chosen])[:, None]
        self._plots: dict[int, Plot] = {}
        self._pushes: list[Push] = []
        self._flags = {coin.symbol: set(coin.flags) for coin in chosen}
        self._pending: list[tuple[int, int, Print | Change]] = []
        self._made = 0
        self._numbers: dict[str, int] = {}
        self._second = self.birth // 1000
        self._open()
        self._shown = [(line.bid, line.ask, self.birth) for line in self._rows]

    def _open(self) -> None:
        """Give every pair its first best prices, those of the drift at birth."""
        prices = self._prices(np.array([self.birth]))[:, 0].tolist()
        for line, price in zip(self._rows, prices, strict=True):
            line.quote(*self._around(line, price), self.birth)

    # what is asked for ------------------------------------------------------------------------------------------

    def advance(self, at: int) -> Turn:
        """Go on to `at` and say what was told on the way."""
        while self._second * 1000 <= at:
            self._make(self._second)
            self._second += 1
        turn = Turn([], {})
        while self._pending and self._pending[0][0] <= at:
            match heapq.heappop(self._pending)[2]:
                case Print() as trade:
                    self.lines[trade.symbol].add(trade)
                    turn.trades.append(trade)
                case Change(symbol, when, bid, ask):
                    self.lines[symbol].quote(bid, ask, when)
                    turn.books[symbol] = when
        return turn

    def flags(self, symbol: str, at: int) -> frozenset[str]:
        """The official warnings of a pair at `at`, its story's included."""
        told = self._plots.get(self._row_of[symbol])
        raised = told.flagged(at) if told else ""
        return frozenset(self._flags[symbol] | ({raised} if raised else set()))

    # what is done to it -----------------------------------------------------------------------------------------

    def play(self, stories: Iterable[Story], at: int) -> None:
        """Begin stories at `at`, or at the first second not yet made. Raises KeyError for a pair that is not listed."""
        start = max(at, self._second * 1000)
        for story in stories:
            line, row = self.lines[story.symbol], self._row_of[story.symbol]
            begins = np.array([start + round(story.delay_s * 1000)])
            level = float(np.log(self._prices(begins))[row, 0])
            self._plots[row] = plot(story, start, level, line.average(AVERAGE_DAYS, start))

    def push(self, symbol: str, fraction: float, over_s: float, at: int) -> None:
        """Move a pair's price by `fraction` (-0.05 is down 5 %) within `over_s`. Raises KeyError, ValueError."""
        start = max(at, self._second * 1000)
        self._pushes.append(Push(self._row_of[symbol], start, start + round(over_s * 1000), math.log1p(fraction)))

    def flag(self, symbol: str, name: str, *, raised: bool) -> None:
        """Raise or lower an official warning by hand. Raises KeyError."""
        (self._flags[symbol].add if raised else self._flags[symbol].discard)(name)

    # how a second is made ---------------------------------------------------------------------------------------

    def _prices(self, times: NDArray[np.int64]) -> Floats:
        """Prices before rounding, shape (pairs, times)."""
        logs = self._base + drift(self._keys, times)
        for row, told in self._plots.items():
            logs[row] = told.bend(times, logs[row])
        for push in self._pushes:
            logs[push.row] += push.by * np.clip((times - push.start) / max(push.end - push.start, 1), 0.0, 1.0)
        return np.asarray(np.exp(logs))

    def _make(self, second: int) -> None:
        """Throw the dice of one second for all pairs."""
        opens = second * 1000
        prices = self._prices(opens + np.arange(0, 1000, SLOT, dtype=np.int64)).tolist()
        dice = np.random.Generator(np.random.Philox(key=[self.seed & (2**64 - 1), second]))
        rates = [self._rate(row, opens) for row in range(len(self._rows))]
        counts = dice.poisson(rates).tolist()
        lively = dice.random((len(self._rows), 1000 // SLOT)).tolist()
        for row, line in enumerate(self._rows):
            restless = 1.0 if row in self._plots else line.coin.restless
            shown = self._requote(row, opens, prices[row], [chance < restless for chance in lively[row]])
            if counts[row]:
                self._trade(row, opens, shown, rates[row], dice.random((counts[row], 5)))

    def _rate(self, row: int, at: int) -> float:
        told = self._plots.get(row)
        return told.story.rate if told and at >= told.begins else self._rows[row].coin.rate

    def _around(self, line: Line, price: float) -> tuple[float, float]:
        """Best bid and ask of a pair whose price before rounding is `price`."""
        bid = line.ladder.floor(price)
        return bid, line.ladder.up(bid, line.coin.spread)

    def _requote(
        self, row: int, opens: int, prices: list[float], changing: list[bool]
    ) -> list[tuple[float, float, int]]:
        """Move the best prices where the dice say so; gives what is shown in each slot."""
        line, shown = self._rows[row], []
        for slot, change in enumerate(changing):
            if change:
                at = opens + slot * SLOT
                self._shown[row] = (*self._around(line, prices[slot]), at)
                self._queue(at, Change(line.coin.symbol, at, *self._shown[row][:2]))
            shown.append(self._shown[row])
        return shown

    def _trade(self, row: int, opens: int, shown: list[tuple[float, float, int]], rate: float, dice: Floats) -> None:
        """Print one second's trades of a pair at the best prices of their slots, in their order."""
        line, told = self._rows[row], self._plots.get(row)
        surge = told.surge(opens) if told else 1.0
        mean = line.coin.value / 86_400 / rate * surge
        before, counter = -1, 0
        for moment, side, size, late, lag in sorted(dice.tolist()):
            at = opens + int(moment * 1000)
            counter = counter + 1 if at == before else 0
            before = at
            bid, ask, version = shown[int(moment * 1000) // SLOT]
            price = ask if side < 0.5 else bid
            quantity = max(round(-math.log(1 - size) * mean / price, 8), 1e-8)
            tell = at + (LATE_BY[0] + int(lag * (LATE_BY[1] - LATE_BY[0])) if late < LATE and not self._orderly else 0)
            number = self._next(line) if self._orderly else at * 10_000 + counter
            trade = Print(line.coin.symbol, price, quantity, side < 0.5, at, tell, number, bid, ask, version)
            self._queue(tell, trade)

    def _next(self, line: Line) -> int:
        """The id after the last one of this pair."""
        symbol = line.coin.symbol
        self._numbers[symbol] = self._numbers.get(symbol, line.last.sequence) + 1
        return self._numbers[symbol]

    def _queue(self, at: int, event: Print | Change) -> None:
        """`_made` keeps the order of what is told in the same ms: a book before the trades made at its prices."""
        self._made += 1
        heapq.heappush(self._pending, (at, self._made, event))
