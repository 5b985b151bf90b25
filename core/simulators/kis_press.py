"""Makes the frames of one turn of the market, each once however many connections want it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from core.simulators.kis_events import State, Turn
from core.simulators.kis_frames import book_cells, framed, state_cells, trade_frames
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_quotes import STATUS
from core.simulators.kis_stock import Told

TRADES = frozenset({"H0STCNT0", "H0UNCNT0", "H0NXCNT0"})
BOOKS = {"H0STASP0": 0, "H0UNASP0": 66, "H0NXASP0": 62}
STATES = {"H0STMKO0": 11, "H0UNMKO0": 10, "H0NXMKO0": 11}
"""Widths; 0 is the setting's."""


class Press:
    """NXT and unified streams tell the same executions here as KRX's: there is one market."""

    def __init__(self, market: KrxMarket, limits: KisLimits) -> None:
        self._market, self._limits = market, limits
        self._made: dict[tuple[str, str], list[bytes]] = {}
        self._deals: dict[str, list[Told]] = {}
        self._books: dict[str, int] = {}
        self._states: dict[str, list[State]] = {}
        self._phases: list[State] = []

    def begin(self, turn: Turn) -> None:
        """Take up a turn's news."""
        self._made.clear()
        deals, states = defaultdict(list), defaultdict(list)
        for told in turn.deals:
            deals[told.symbol].append(told)
        for state in turn.states:
            states[state.symbol].append(state)
        self._phases = states.pop("", [])
        self._deals, self._states, self._books = dict(deals), dict(states), turn.books

    def frames(self, tr_id: str, symbol: str) -> list[bytes]:
        """What one registration is owed of this turn."""
        place = tr_id, symbol
        if place not in self._made:
            self._made[place] = list(self._kind(tr_id)(tr_id, symbol))
        return self._made[place]

    def _kind(self, tr_id: str) -> Callable[[str, str], Iterator[bytes]]:
        if tr_id in TRADES:
            return self._trades
        return self._book if tr_id in BOOKS else self._state

    def _trades(self, tr_id: str, symbol: str) -> Iterator[bytes]:
        if told := self._deals.get(symbol):
            stock = self._market.lines[symbol]
            yield from trade_frames(tr_id, told, stock, stock.date, self._limits)

    def _book(self, tr_id: str, symbol: str) -> Iterator[bytes]:
        if (at := self._books.get(symbol)) is not None:
            cells = book_cells(self._market.lines[symbol], at, BOOKS[tr_id] or self._limits.book_cells)
            yield framed(tr_id, [cells])

    def _state(self, tr_id: str, symbol: str) -> Iterator[bytes]:
        for state in (*self._phases, *self._states.get(symbol, ())):
            flags = self._market.flags(symbol, state.at)
            status = next((code for name, code in STATUS.items() if name in flags), "55")
            cells = state_cells(self._market.lines[symbol], flags, state.phase, status)
            yield framed(tr_id, [cells[: STATES[tr_id]]])
