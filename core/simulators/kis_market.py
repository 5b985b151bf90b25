"""A seeded KRX: auctions, continuous trading, volatility interruptions and halts as a function of seed and clock.

Time is an argument. Several simulators (real and mock) may share one market: whoever calls `advance` first makes the
news, and every listener is told.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from core.domain.values import Millis
from core.simulators.drift import key_of
from core.simulators.kis_events import Deal, Event, Halt, Interruption, Quote, State, Turn, Turned
from core.simulators.kis_issues import FLAGS, Issue, listing
from core.simulators.kis_pit import Pit, Push
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import Timetable
from core.simulators.ladder import Ladder, ladder_of
from core.simulators.stories import Story, plot
from core.venues.kis.rules import RULES
from core.venues.spec import Rules

AVERAGE_DAYS = 20


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
        self._flags = {issue.symbol: set(issue.flags) for issue in chosen}
        self._flagged = {row for row, issue in enumerate(chosen) if "halted" in issue.flags}
        self._pending: list[tuple[int, int, Event]] = []
        self._made = 0
        self._second = start // 1000
        self._pit = Pit(
            self._rows, self.timetable, self._queue,
            seed=seed, start=start, vi_ms=round(vi_s * 1000), vi_fraction=vi_fraction,
        )  # fmt: skip

    def _ladder(self, issue: Issue) -> Ladder:
        """One table for each board and kind, read from the venue's rules of the day."""
        kind = issue.board, issue.fund
        if kind not in self._ladders:
            self._ladders[kind] = ladder_of(self.rules, issue.symbol, Millis(self.birth))
        return self._ladders[kind]

    # what is asked for ------------------------------------------------------------------------------------------

    def advance(self, at: int) -> None:
        """Go on to `at`, and tell the listeners what happened on the way."""
        turn = Turn([], {}, [])
        while self._second * 1000 <= at:
            self._drain(self._second * 1000 - 1, turn)
            self._pit.make(self._second, self._halted)
            self._second += 1
        self._drain(at, turn)
        if turn.said:
            for listener in list(self.listeners):
                listener(turn)

    def _drain(self, at: int, turn: Turn) -> None:
        while self._pending and self._pending[0][0] <= at:
            when, _, event = heapq.heappop(self._pending)
            self._tell(when, event, turn)

    def _tell(self, at: int, event: Event, turn: Turn) -> None:
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
            case Halt(row):
                turn.states.append(State(self._rows[row].issue.symbol, at))
            case Turned(phase, date):
                for stock in self._rows:
                    stock.phase = phase
                    if date != stock.date:
                        stock.begin(date)
                turn.states.append(State("", at, phase))

    def flags(self, symbol: str, at: int) -> frozenset[str]:
        """What is raised on an issue at `at`, its story's flag included. Raises KeyError."""
        told = self._pit.plots.get(self._row_of[symbol])
        raised = told.flagged(at) if told else ""
        return frozenset(self._flags[symbol] | ({raised} if raised else set()))

    def halted(self, symbol: str, at: int) -> bool:
        return "halted" in self.flags(symbol, at)

    def _halted(self, at: int) -> set[int]:
        """Rows that are halted by hand, from the start, or by their story."""
        return self._flagged | {row for row, told in self._pit.plots.items() if told.flagged(at) == "halted"}

    # what is done to it -----------------------------------------------------------------------------------------

    def play(self, stories: Iterable[Story], at: int) -> None:
        """Begin stories at `at`, or at the first second not yet made. Raises KeyError for an unknown symbol."""
        start = max(at, self._second * 1000)
        for story in stories:
            stock, row = self.lines[story.symbol], self._row_of[story.symbol]
            begins = np.array([start + round(story.delay_s * 1000)])
            level = float(np.log(self._pit.prices(begins))[row, 0])
            self._pit.plots[row] = plot(story, start, level, stock.average(AVERAGE_DAYS))

    def push(self, symbol: str, fraction: float, over_s: float, at: int) -> None:
        """Move a price by `fraction` (-0.05 is down 5 %) within `over_s`. Raises KeyError, ValueError."""
        start = max(at, self._second * 1000)
        self._pit.pushes.append(Push(self._row_of[symbol], start, start + round(over_s * 1000), math.log1p(fraction)))

    def flag(self, symbol: str, name: str, *, raised: bool) -> None:
        """Raise or lower one of `FLAGS` by hand; a halt is told with the next second. Raises KeyError."""
        if name not in FLAGS:
            raise KeyError(name)
        (self._flags[symbol].add if raised else self._flags[symbol].discard)(name)
        if name == "halted":
            (self._flagged.add if raised else self._flagged.discard)(self._row_of[symbol])

    def _queue(self, at: int, event: Event) -> None:
        """`_made` keeps the order of what is told in the same ms."""
        self._made += 1
        heapq.heappush(self._pending, (at, self._made, event))
