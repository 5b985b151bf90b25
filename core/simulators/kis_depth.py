"""Ten steps of both sides of an issue's book as a function of its best prices: nothing is kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.simulators.drift import salted, unit
from core.simulators.kis_stock import Stock

STEPS = 10
SIZES = 41
SHARE = 4e-4
"""Mean value of one step as a share of a day's traded value."""


class Step(NamedTuple):
    """A price and the shares that wait there; 0 and 0 beyond the day's limits."""

    price: int
    size: int


NONE = Step(0, 0)


class Depth(NamedTuple):
    """Both sides, best first, always ten steps."""

    asks: list[Step]
    bids: list[Step]

    @property
    def offered(self) -> int:
        return sum(step.size for step in self.asks)

    @property
    def wanted(self) -> int:
        return sum(step.size for step in self.bids)


def depth(stock: Stock) -> Depth:
    """The book as it stands."""
    dice = unit(salted(np.array([stock.key], dtype=np.uint64), SIZES), stock.version * 32 + np.arange(2 * STEPS))
    mean = stock.issue.value * SHARE / stock.last
    sizes = [max(round(size), 1) for size in (-np.log1p(-dice) * mean + mean / 20).tolist()]
    return Depth(_side(stock, stock.ask, 1, sizes[:STEPS]), _side(stock, stock.bid, -1, sizes[STEPS:]))


def _side(stock: Stock, best: int, step: int, sizes: list[int]) -> list[Step]:
    found: list[Step] = []
    price = best
    for size in sizes:
        found.append(Step(price, size) if price else NONE)
        price = stock.shift(price, step) if price else 0
    return found
