"""Where the dice of the simulated KRX are thrown: each second becomes quotes, executions and interruptions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from core.simulators.drift import Floats, drift
from core.simulators.kis_events import Deal, Event, Halt, Interruption, Quote, Turned
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import AUCTIONS, Phase, Timetable
from core.simulators.stories import Plot

SLOT = 200
"""The market moves on a grid of this many ms."""

SLOTS = 1000 // SLOT
BURST = 0.45
"""Chance that an execution is followed by another one of the same order."""

MOST_IN_BURST = 12
AUCTION_SHARE = 0.01
"""What an auction prints, as a share of an ordinary day's value."""

SESSION_S = 23_400


class Push(NamedTuple):
    """A move forced from outside: log price changes by `by` between two moments and stays there."""

    row: int
    start: int
    end: int
    by: float


class Pit:
    """Makes seconds in their order. `queue` is given each event with its moment (epoch ms).

    vi_ms     how long a volatility interruption lasts; `vi_fraction` from its reference price sets it off
    """

    def __init__(
        self,
        rows: Sequence[Stock],
        timetable: Timetable,
        queue: Callable[[int, Event], None],
        *,
        seed: int,
        start: int,
        vi_ms: int,
        vi_fraction: float,
    ) -> None:
        self._rows, self._timetable, self._queue = rows, timetable, queue
        self._seed, self._vi_ms, self._vi_fraction = seed & (2**64 - 1), vi_ms, vi_fraction
        self._keys = np.array([stock.key for stock in rows], dtype=np.uint64)[:, None]
        self._base = np.log([stock.issue.price for stock in rows])[:, None]
        self.plots: dict[int, Plot] = {}
        self.pushes: list[Push] = []
        self._phase, self._date = timetable.phase(start), timetable.date(start)
        self._until: dict[int, int] = {}
        self._halted: set[int] = set()
        self._shown = [self._first(stock, price, start) for stock, price in zip(rows, self._at(start), strict=True)]
        self._stand = [stock.vi_price for stock in rows]

    def _at(self, at: int) -> list[float]:
        prices: list[float] = self.prices(np.array([at]))[:, 0].tolist()
        return prices

    def _first(self, stock: Stock, price: float, at: int) -> tuple[int, int]:
        shown = around(stock, price)
        stock.quote(at, *shown)
        stock.phase = self._phase
        return shown

    def prices(self, times: np.ndarray) -> Floats:
        """Prices before rounding, shape (issues, times)."""
        logs = self._base + drift(self._keys, times)
        for row, told in self.plots.items():
            logs[row] = told.bend(times, logs[row])
        for push in self.pushes:
            logs[push.row] += push.by * np.clip((times - push.start) / max(push.end - push.start, 1), 0.0, 1.0)
        return np.asarray(np.exp(logs))

    def make(self, second: int, halted: Callable[[int], set[int]]) -> None:
        """Throw the dice of one second for all issues; `halted` says which rows do not trade at a moment."""
        opens = second * 1000
        times = [opens + slot * SLOT for slot in range(SLOTS)]
        if {self._phase, self._timetable.phase(times[0]), self._timetable.phase(times[-1])} == {Phase.SHUT}:
            return
        self._halt(opens, halted(opens))
        prices = self.prices(np.array(times, dtype=np.int64)).tolist()
        dice = np.random.Generator(np.random.Philox(key=[self._seed, second]))
        rates = np.array([self._rate(row, opens) for row in range(len(self._rows))])
        counts = dice.poisson(rates[:, None] / SLOTS, (len(self._rows), SLOTS)).tolist()
        lively = dice.random((len(self._rows), SLOTS)).tolist()
        for slot, at in enumerate(times):
            phase = self._timetable.phase(at)
            self._turn(at, phase, [row[slot] for row in prices])
            if phase in (Phase.SHUT, Phase.CLOSE_PRICE):
                continue
            for row in range(len(self._rows)):
                if row not in self._halted:
                    moves = row in self.plots or lively[row][slot] < self._rows[row].issue.restless
                    self._move(row, at, phase, prices[row][slot], moves)
                    if counts[row][slot] and phase not in AUCTIONS and row not in self._until:
                        self._trade(row, at, phase, rates[row], dice.random((counts[row][slot], 3 + MOST_IN_BURST)))

    def _halt(self, at: int, halted: set[int]) -> None:
        for row in sorted(halted ^ self._halted):
            self._queue(at, Halt(row))
        self._halted = halted

    def _rate(self, row: int, at: int) -> float:
        told = self.plots.get(row)
        return told.story.rate if told and at >= told.begins else self._rows[row].issue.rate

    def _turn(self, at: int, phase: Phase, prices: list[float]) -> None:
        """Carry out a change of phase: auctions print at their end, a new day begins with its first phase."""
        date = self._timetable.date(at)
        if phase is self._phase and (date == self._date or phase is Phase.SHUT):
            return
        ended, self._phase = self._phase, phase
        if date != self._date:
            self._date, self._stand = date, [0] * len(self._rows)
        self._queue(at, Turned(phase, date))
        for row in self._until if phase is not Phase.REGULAR else ():
            self._queue(at, Interruption(row, False))
        self._until = self._until if phase is Phase.REGULAR else {}
        if ended in AUCTIONS:
            for row in range(len(self._rows)):
                if row not in self._halted:
                    self._requote(row, at, prices[row])
                    self._print(row, at, ended)

    def _print(self, row: int, at: int, phase: Phase) -> None:
        """An auction's one execution, at the price it would have."""
        stock, price = self._rows[row], self._price(row)
        quantity = max(round(stock.issue.value * AUCTION_SHARE / price), 1)
        self._queue(at, Deal(row, price, quantity, "3" if phase is Phase.OPENING else "1", phase, True))
        self._stand[row] = price

    def _price(self, row: int) -> int:
        bid, ask = self._shown[row]
        return bid or ask

    def _requote(self, row: int, at: int, price: float) -> None:
        self._shown[row] = around(self._rows[row], price)
        self._queue(at, Quote(row, *self._shown[row]))

    def _move(self, row: int, at: int, phase: Phase, price: float, moves: bool) -> None:
        """Move the best prices; begin and end interruptions: two minutes of auction, then one execution."""
        if moves:
            self._requote(row, at, price)
        if phase is not Phase.REGULAR:
            return
        until = self._until.get(row)
        if until is None:
            stand = self._stand[row] or self._rows[row].reference
            if abs(self._price(row) / stand - 1) >= self._vi_fraction:
                self._until[row] = at + self._vi_ms
                self._queue(at, Interruption(row, True))
        elif at >= until:
            del self._until[row]
            self._requote(row, at, price)
            self._print(row, at, Phase.REGULAR)
            self._queue(at, Interruption(row, False))

    def _trade(self, row: int, at: int, phase: Phase, rate: float, dice: Floats) -> None:
        """Print one slot's executions of an issue at its best prices; one big order prints several times at once."""
        told = self.plots.get(row)
        bid, ask = self._shown[row]
        value = self._rows[row].issue.value * (told.surge(at) if told else 1.0)
        mean = value / SESSION_S / rate * (1 - BURST) / self._price(row)
        for when, side, length, *sizes in sorted(dice.tolist()):
            price, word = (ask, "1") if side < 0.5 else (bid, "5")
            for size in sizes[: _count(length) if price else 0]:
                quantity = max(round(-math.log(1 - size) * mean), 1)
                self._queue(at + int(when * SLOT), Deal(row, price, quantity, word, phase, False))


def _count(dice: float) -> int:
    """Executions of one order: 1 with a chance of 1 - BURST, each more with BURST of the one before."""
    count = 1
    while count < MOST_IN_BURST and dice < BURST**count:
        count += 1
    return count


def around(stock: Stock, price: float) -> tuple[int, int]:
    """Best bid and ask of an issue whose price before rounding is `price`, within the day's limits.

    At the upper limit nobody offers (ask 0), at the lower nobody bids (bid 0): then only the other side trades.
    """
    bid = min(int(stock.ladder.floor(price)), stock.upper)
    if bid < stock.lower:
        return 0, stock.lower
    ask = int(stock.ladder.up(bid, stock.issue.spread))
    return bid, ask if ask <= stock.upper else 0
