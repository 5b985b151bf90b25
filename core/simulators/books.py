"""Order books as a function of a pair's best prices: nothing is kept, so a book that nobody reads costs nothing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from core.simulators.drift import salted, unit
from core.simulators.line import Line

UNITS = 30
"""Most levels that a book shows."""

SIZES = 21
"""Salt of the sizes."""

SHARE = 5e-4
"""Mean value of one level as a share of a day's traded value."""


class Unit(NamedTuple):
    """One level of both sides; a side without such a level has price and size 0."""

    ask: float
    bid: float
    ask_size: float
    bid_size: float


def sizes(line: Line, version: int, count: int) -> list[float]:
    """Sizes of the first `count` asks and bids in turn, in units of the coin, for one version of the book."""
    index = version * 64 + np.arange(2 * count, dtype=np.int64)
    dice = unit(salted(np.array([line.key], dtype=np.uint64), SIZES), index)
    scale = line.coin.value * SHARE / line.coin.price
    return [max(round(size, DECIMALS), 1e-8) for size in (-np.log1p(-dice) * scale + scale / 20).tolist()]


DECIMALS = 8


def book(line: Line, count: int = UNITS) -> list[Unit]:
    """The `count` best levels of the book as it stands."""
    filled = min(count, line.coin.depth)
    amounts = sizes(line, line.version, filled)
    units: list[Unit] = []
    ask, bid = line.ask, line.bid
    for place in range(filled):
        units.append(Unit(ask, bid, amounts[2 * place], amounts[2 * place + 1] if bid else 0.0))
        ask, bid = line.ladder.up(ask), line.ladder.down(bid) if bid else 0.0
    return units + [Unit(0.0, 0.0, 0.0, 0.0)] * (count - filled)


def levels(line: Line) -> list[float]:
    """Steps by which this book can be grouped, in quote currency; 0 is no grouping. Only KRW pairs have any others."""
    if line.coin.quote != "KRW":
        return [0.0]
    step = line.ladder.tick(line.ask)
    return [0.0, *(round(step * 10**power, DECIMALS) for power in range(1, 5) if step * 10**power < line.ask)]


def grouped(line: Line, level: float, count: int = UNITS) -> list[Unit]:
    """The book with its prices put together in steps of `level`: bids down, asks up."""
    asks: dict[float, float] = {}
    bids: dict[float, float] = {}
    for unit_ in book(line):
        if unit_.ask:
            _pile(asks, math.ceil(unit_.ask / level - 1e-9) * level, unit_.ask_size)
        if unit_.bid:
            _pile(bids, math.floor(unit_.bid / level + 1e-9) * level, unit_.bid_size)
    both = zip(_padded(asks, count), _padded(bids, count), strict=True)
    return [Unit(ask, bid, ask_size, bid_size) for (ask, ask_size), (bid, bid_size) in both]


def _pile(side: dict[float, float], price: float, size: float) -> None:
    price = round(price, DECIMALS)
    side[price] = round(side.get(price, 0.0) + size, DECIMALS)


def _padded(side: dict[float, float], count: int) -> list[tuple[float, float]]:
    return (list(side.items()) + [(0.0, 0.0)] * count)[:count]
