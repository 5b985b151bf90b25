"""Price steps of a venue as a table that both single prices and whole arrays can be put on."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from core.domain.values import Millis
from core.venues.spec import Rules

Floats = NDArray[np.float64]

DECIMALS = 8
"""No venue steps finer than this; rounding to it takes the float dust off a product."""


class Ladder:
    """`ticks[i]` holds from `edges[i]` up to the next edge; below the first edge the first tick holds."""

    __slots__ = ("_edge_row", "_edges", "_tick_row", "_ticks")

    def __init__(self, edges: Sequence[float], ticks: Sequence[float]) -> None:
        self._edges = list(edges)
        self._ticks = list(ticks)
        self._edge_row = np.array(self._edges)
        self._tick_row = np.array(self._ticks)

    def tick(self, price: float) -> float:
        """Step that holds at `price`."""
        return self._ticks[max(bisect_right(self._edges, price) - 1, 0)]

    def floor(self, price: float) -> float:
        """Highest legal price at or under `price`, at least one step."""
        step = self.tick(price)
        return round(max(math.floor(price / step + 1e-6), 1) * step, DECIMALS)

    def floors(self, prices: Floats) -> Floats:
        """`floor` for an array of any shape."""
        steps = self._tick_row[np.maximum(np.searchsorted(self._edge_row, prices, side="right") - 1, 0)]
        return np.asarray(np.round(np.maximum(np.floor(prices / steps + 1e-6), 1) * steps, DECIMALS))

    def up(self, price: float, steps: int = 1) -> float:
        """Legal price `steps` above a legal price."""
        for _ in range(steps):
            price = round(price + self.tick(price), DECIMALS)
        return price

    def down(self, price: float) -> float:
        """Next legal price under a legal price, 0 where there is none."""
        return round(price - self.tick(math.nextafter(price, 0.0)), DECIMALS)


def ladder_of(rules: Rules, symbol: str, at: Millis) -> Ladder:
    """Read a venue's table by asking at every 1, 2 and 5 times a power of ten, where all known bands begin."""
    edges = [Decimal(digit).scaleb(power) for power in range(-DECIMALS, 9) for digit in (1, 2, 5)]
    return Ladder([float(edge) for edge in edges], [float(rules.tick(symbol, edge, at)) for edge in edges])
