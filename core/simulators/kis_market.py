"""A seeded KRX: auctions, continuous trading, volatility interruptions and halts as a function of seed and clock.

Time is an argument. Several simulators (real and mock) may share one market: whoever calls `advance` first makes the
news, and every listener is told.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from core.domain.values import Millis
from core.simulators.drift import Floats, drift, key_of
from core.simulators.kis_issues import FLAGS, Issue, listing
from core.simulators.kis_stock import Stock, Told
from core.simulators.kis_time import AUCTIONS, Phase, Timetable
from core.simulators.ladder import Ladder, ladder_of
from core.simulators.stories import Plot, Story, plot
from core.venues.kis.rules import RULES
from core.venues.spec import Rules

SLOT = 200
"""The market moves on a grid of this many ms."""

SLOTS = 1000 // SLOT
BURST = 0.45
"""Chance that an execution is followed by another one of the same order."""

MOST_IN_BURST = 12
AVERAGE_DAYS = 20
AUCTION_SHARE = 0.01
"""What an auction prints, as a share of an ordinary day's value."""


class Quote(NamedTuple):
    row: int
    bid: int
    ask: int


class Deal(NamedTuple):
    row: int
    price: int
    quantity: int
    side: str
    phase: Phase
    auction: bool


class Interruption(NamedTuple):
    row: int
    begins: bool


class Turned(NamedTuple):
    """The whole market went into another phase, of the day `date`."""

    phase: Phase
    date: str


class State(NamedTuple):
    """A halt, an interruption or a phase, as the market-state stream tells it; symbol "" is every issue."""

    symbol: str
    at: int
    phase: Phase | None = None


class Turn(NamedTuple):
    """What was told since the last time. `books` says when each changed book changed."""

    deals: list[Told]
    books: dict[str, int]
    states: list[State]


class Push(NamedTuple):
    row: int
    start: int
    end: int
    by: float


class KrxMarket:
    """All issues together. `advance` must be called with times that do not go back.

    seed       the same seed, start and commands give the same market
    start      epoch ms; trading begins with its minute if the timetable says so
    vi_s       how long a volatility interruption lasts; `vi_fraction` from its reference price sets it off
    """

    def __init__(
        self,
        *,
        seed: int,
        start: int,
        issues: Sequence[Issue] | None = None,
        timetable: Timetable | None = None,
        rules: Rules = RULES,
        vi_s: float = 120.0,
        vi_fraction: float = 0.10,
    ) -> None:
        self.seed, self.start = seed, start
        self.birth = start // 60_000 * 60_000
        self.timetable = timetable or Timetable()
        self.vi_ms, self.vi_fraction = round(vi_s * 1000), vi_fraction
        self.listeners: list[Callable[[Turn], None]] = []
        chosen = listing() if issues is None else tuple(issues)
        keys = [key_of(seed, issue.symbol) for issue in chosen]
        self.rules = rules
        self._ladders: dict[tuple[str, bool], Ladder] = {}
        self.lines = {
            issue.symbol: Stock(issue, key, self._ladder(issue), self.timetable, rules, self.birth)
            for issue, key in zip(chosen, keys, strict=True)
        }
        self._rows = list(self.lines.values())
        self._row_of = {symbol: row for row, symbol in enumerate(self.lines)}
        self._keys = np.array(keys, dtype=np.uint64)[:, None]
        self._base = np.log([issue.price for issue in chosen])[:, None]
        self._plots: dict[int, Plot] = {}
        self._pushes: list[Push] = []
        self._flags = {issue.symbol: set(issue.flags) for issue in chosen}
        self._pending: list[tuple[int, int, Quote | Deal | Interruption | Turned]] = []
        self._made = 0
        self._second = start // 1000
        self._phase, self._date = self.timetable.phase(start), self.timetable.date(start)
        self._until: dict[int, int] = {}
        self._open()

    def _ladder(self, issue: Issue) -> Ladder:
        """One table for each board and kind, read from the venue's rules of the day."""
        kind = issue.board, issue.fund
        if kind not in self._ladders:
            self._ladders[kind] = ladder_of(self.rules, issue.symbol, Millis(self.birth))
        return self._ladders[kind]

    def _open(self) -> None:
        """Give every issue its first best prices."""
        prices = self._prices(np.array([self.start]))[:, 0].tolist()
        self._shown: list[tuple[int, int]] = []
        for stock, price in zip(self._rows, prices, strict=True):
            self._shown.append(around(stock, price))
            stock.quote(self.start, *self._shown[-1])
            stock.phase = self._phase
        self._stand = [stock.vi_price for stock in self._rows]

    # what is asked for ------------------------------------------------------------------------------------------

    def advance(self, at: int) -> None:
        """Go on to `at`, and tell the listeners what happened on the way."""
        turn = Turn([], {}, [])
        while self._second * 1000 <= at:
            self._drain(self._second * 1000 - 1, turn)
            self._make(self._second)
            self._second += 1
        self._drain(at, turn)
        if turn.deals or turn.books or turn.states:
            for listener in list(self.listeners):
                listener(turn)

    def _drain(self, at: int, turn: Turn) -> None:
        while self._pending and self._pending[0][0] <= at:
            when, _, event = heapq.heappop(self._pending)
            self._tell(when, event, turn)

    def _tell(self, at: int, event: Quote | Deal | Interruption | Turned, turn: Turn) -> None:
        match event:
            case Quote(row, bid, ask):
                self._rows[row].quote(at, bid, ask)
                turn.books[self._rows[row].issue.symbol] = at
            case Deal(row, price, quantity, side, phase, auction):
                turn.deals.append(self._rows[row].add(at, price, quantity, side, phase, auction=auction))
            case Interruption(row, begins):
                stock = self._rows[row]
                stock.interrupted = begins
                stock.interruptions += begins
                turn.states.append(State(stock.issue.symbol, at))
            case Turned(phase, date):
                for stock in self._rows:
                    stock.phase = phase
                    if date != stock.date:
                        stock.begin(date)
                turn.states.append(State("", at, phase))

    def flags(self, symbol: str, at: int) -> frozenset[str]:
        """What is raised on an issue at `at`, its story's flag included. Raises KeyError."""
        told = self._plots.get(self._row_of[symbol])
        raised = told.flagged(at) if told else ""
        return frozenset(self._flags[symbol] | ({raised} if raised else set()))

    def halted(self, symbol: str, at: int) -> bool:
        return "halted" in self.flags(symbol, at)

    # what is done to it -----------------------------------------------------------------------------------------

    def play(self, stories: Iterable[Story], at: int) -> None:
        """Begin stories at `at`, or at the first second not yet made. Raises KeyError for an unknown symbol."""
        start = max(at, self._second * 1000)
        for story in stories:
            stock, row = self.lines[story.symbol], self._row_of[story.symbol]
            begins = np.array([start + round(story.delay_s * 1000)])
            level = float(np.log(self._prices(begins))[row, 0])
            self._plots[row] = plot(story, start, level, stock.average(AVERAGE_DAYS))

    def push(self, symbol: str, fraction: float, over_s: float, at: int) -> None:
        """Move a price by `fraction` (-0.05 is down 5 %) within `over_s`. Raises KeyError, ValueError."""
        start = max(at, self._second * 1000)
        self._pushes.append(Push(self._row_of[symbol], start, start + round(over_s * 1000), math.log1p(fraction)))

    def flag(self, symbol: str, name: str, *, raised: bool) -> None:
        """Raise or lower one of `FLAGS` by hand; a halt is told on the market-state stream. Raises KeyError."""
        if name not in FLAGS:
            raise KeyError(name)
        (self._flags[symbol].add if raised else self._flags[symbol].discard)(name)
        if name == "halted":
            turn = Turn([], {}, [State(symbol, self._second * 1000 - 1000)])
            for listener in list(self.listeners):
                listener(turn)

    # how a second is made ---------------------------------------------------------------------------------------

    def _prices(self, times: np.ndarray) -> Floats:
        """Prices before rounding, shape (issues, times)."""
        logs = self._base + drift(self._keys, times)
        for row, told in self._plots.items():
            logs[row] = told.bend(times, logs[row])
        for push in self._pushes:
            logs[push.row] += push.by * np.clip((times - push.start) / max(push.end - push.start, 1), 0.0, 1.0)
        return np.asarray(np.exp(logs))

    def _make(self, second: int) -> None:
        """Throw the dice of one second for all issues."""
        opens = second * 1000
        times = [opens + slot * SLOT for slot in range(SLOTS)]
        if {self._phase, self.timetable.phase(times[0]), self.timetable.phase(times[-1])} == {Phase.SHUT}:
            return
        phases = [self.timetable.phase(at) for at in times]
        prices = self._prices(np.array(times, dtype=np.int64)).tolist()
        dice = np.random.Generator(np.random.Philox(key=[self.seed & (2**64 - 1), second]))
        rates = np.array([self._rate(row, opens) / SLOTS for row in range(len(self._rows))])
        counts = dice.poisson(rates[:, None], (len(self._rows), SLOTS)).tolist()
        lively = dice.random((len(self._rows), SLOTS)).tolist()
        halted = {self._row_of[symbol] for symbol in self.lines if self.halted(symbol, opens)}
        for slot, (at, phase) in enumerate(zip(times, phases, strict=True)):
            self._turn_phase(at, phase, [row[slot] for row in prices], halted)
            for row, stock in enumerate(self._rows):
                if row in halted or phase in (Phase.SHUT, Phase.CLOSE_PRICE):
                    continue
                if row in self._plots or lively[row][slot] < stock.issue.restless:
                    self._requote(row, at, prices[row][slot])
                self._watch(row, at, phase, prices[row][slot])
                if counts[row][slot] and phase not in AUCTIONS and row not in self._until:
                    self._trade(row, at, phase, rates[row] * SLOTS, counts[row][slot], dice)

    def _rate(self, row: int, at: int) -> float:
        told = self._plots.get(row)
        return told.story.rate if told and at >= told.begins else self._rows[row].issue.rate

    def _turn_phase(self, at: int, phase: Phase, prices: list[float], halted: set[int]) -> None:
        """Carry out a change of phase: auctions print at their end, a new day begins with its first phase."""
        date = self.timetable.date(at)
        if phase is self._phase and (date == self._date or phase is Phase.SHUT):
            return
        ended, self._phase = self._phase, phase
        if date != self._date:
            self._date, self._stand = date, [0] * len(self._rows)
        self._queue(at, Turned(phase, date))
        if phase is not Phase.REGULAR:
            self._until_clear(at)
        if ended in AUCTIONS:
            for row in range(len(self._rows)):
                if row not in halted:
                    self._requote(row, at, prices[row])
                    self._print(row, at, ended)

    def _until_clear(self, at: int) -> None:
        for row in self._until:
            self._queue(at, Interruption(row, False))
        self._until.clear()

    def _print(self, row: int, at: int, phase: Phase) -> None:
        """An auction's one execution, at the price it would have."""
        stock, price = self._rows[row], self._shown[row][0] or self._shown[row][1]
        quantity = max(round(stock.issue.value * AUCTION_SHARE / price), 1)
        side = "3" if phase is Phase.OPENING else "1"
        self._queue(at, Deal(row, price, quantity, side, phase, True))
        self._stand[row] = price

    def _requote(self, row: int, at: int, price: float) -> None:
        stock = self._rows[row]
        self._shown[row] = around(stock, price)
        self._queue(at, Quote(row, *self._shown[row]))

    def _watch(self, row: int, at: int, phase: Phase, price: float) -> None:
        """Begin and end volatility interruptions: two minutes of auction, then one execution."""
        if phase is not Phase.REGULAR:
            return
        if (until := self._until.get(row)) is not None:
            if at >= until:
                del self._until[row]
                self._requote(row, at, price)
                self._print(row, at, Phase.REGULAR)
                self._queue(at, Interruption(row, False))
            return
        stand = self._stand[row] or self._rows[row].reference
        if abs((self._shown[row][0] or self._shown[row][1]) / stand - 1) >= self.vi_fraction:
            self._until[row] = at + self.vi_ms
            self._queue(at, Interruption(row, True))

    def _trade(self, row: int, at: int, phase: Phase, rate: float, bursts: int, dice: np.random.Generator) -> None:
        """Print one slot's executions of an issue at its best prices; one big order prints several times at once."""
        stock, told = self._rows[row], self._plots.get(row)
        surge = told.surge(at) if told else 1.0
        bid, ask = self._shown[row]
        mean = stock.issue.value / 23_400 / rate * (1 - BURST) / (bid or ask) * surge
        for when, side, length, *sizes in sorted(dice.random((bursts, 3 + MOST_IN_BURST)).tolist()):
            count = 1
            while count < MOST_IN_BURST and length < BURST**count:
                count += 1
            price, word = (ask, "1") if side < 0.5 else (bid, "5")
            if not price:
                continue
            for size in sizes[:count]:
                quantity = max(round(-math.log(1 - size) * mean), 1)
                self._queue(at + int(when * SLOT), Deal(row, price, quantity, word, phase, False))

    def _queue(self, at: int, event: Quote | Deal | Interruption | Turned) -> None:
        """`_made` keeps the order of what is told in the same ms."""
        self._made += 1
        heapq.heappush(self._pending, (at, self._made, event))


def around(stock: Stock, price: float) -> tuple[int, int]:
    """Best bid and ask of an issue whose price before rounding is `price`, within the day's limits.

    At the upper limit nobody offers (ask 0), at the lower nobody bids (bid 0): then only the other side trades.
    """
    bid = min(int(stock.ladder.floor(price)), stock.upper)
    if bid < stock.lower:
        return 0, stock.lower
    ask = int(stock.ladder.up(bid, stock.issue.spread))
    return bid, ask if ask <= stock.upper else 0
