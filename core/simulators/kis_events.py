"""What happens at the simulated KRX: what is still to be told, and what was told. Rows are places in the listing."""

from __future__ import annotations

from typing import NamedTuple

from core.simulators.kis_stock import Told
from core.simulators.kis_time import Phase


class Quote(NamedTuple):
    """Best prices from now on, 0 where a side has none."""

    row: int
    bid: int
    ask: int


class Deal(NamedTuple):
    """One execution; `auction` prints everything that fits at one price."""

    row: int
    price: int
    quantity: int
    side: str
    phase: Phase
    auction: bool


class Interruption(NamedTuple):
    """A volatility interruption of one issue begins or ends."""

    row: int
    begins: bool


class Halt(NamedTuple):
    """One issue was halted, or goes on."""

    row: int


class Turned(NamedTuple):
    """The whole market went into another phase, of the day `date`."""

    phase: Phase
    date: str


Event = Quote | Deal | Interruption | Halt | Turned


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

    @property
    def said(self) -> bool:
        return bool(self.deals or self.books or self.states)
