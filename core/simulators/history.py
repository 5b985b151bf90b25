"""One-minute candles as columns: made for the time before a market began, folded from trades after it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.domain.values import DAY, MINUTE
from core.simulators.coins import Coin
from core.simulators.drift import Floats, Times, drift, salted, unit
from core.simulators.ladder import Ladder

HIGH_WICK, LOW_WICK, SIZE, SILENCE = 11, 12, 13, 14
"""Salts: each makes its own stream of dice out of a coin's key."""

WICK = 0.0008
"""How far a minute's high or low may stand out, as a fraction."""


class Candle(NamedTuple):
    """One candle; `stamp` is its last trade's time (epoch ms), `volume` in units, `value` in quote currency."""

    opens: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    value: float
    stamp: int


class Columns(NamedTuple):
    """Candles as arrays of one length, oldest first; the names are those of `Candle`."""

    opens: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    value: Floats
    stamp: Times

    def between(self, first: int, end: int) -> Columns:
        """Those that open in first <= opens < end."""
        low, high = np.searchsorted(self.opens, (first, end))
        return Columns(*(column[low:high] for column in self))  # type: ignore[arg-type]

    def rows(self) -> list[Candle]:
        return [Candle(*row) for row in zip(*(column.tolist() for column in self), strict=True)]


def columns(rows: list[Candle]) -> Columns:
    """Turn rows into columns; no rows give columns of length 0."""
    whole = (0, 7)
    parts = list(zip(*rows, strict=True)) or [()] * len(Candle._fields)
    return Columns(*(np.array(part, np.int64 if place in whole else np.float64) for place, part in enumerate(parts)))  # type: ignore[arg-type]


def joined(first: Columns, then: Columns) -> Columns:
    return Columns(*(np.concatenate(pair) for pair in zip(first, then, strict=True)))


def past(coin: Coin, key: int, ladder: Ladder, first: int, end: int) -> Columns:
    """Minutes that open in first <= opens < end of a market that never began: a function of its arguments only."""
    edges = np.arange(-(-first // MINUTE), -(-end // MINUTE) + 1, dtype=np.int64) * MINUTE
    keys = np.array([key], dtype=np.uint64)
    prices = ladder.floors(coin.price * np.exp(drift(keys, edges)))
    start, close, opens = prices[:-1], prices[1:], edges[:-1]
    high = ladder.floors(np.maximum(start, close) * (1 + WICK * unit(salted(keys, HIGH_WICK), opens)))
    low = ladder.floors(np.minimum(start, close) * (1 - WICK * unit(salted(keys, LOW_WICK), opens)))
    quantity = -np.log1p(-unit(salted(keys, SIZE), opens)) * coin.value / (DAY / MINUTE) / close
    volume = np.maximum(np.round(quantity, 8), 1e-8)
    busy = unit(salted(keys, SILENCE), opens) < 1 - np.exp(-coin.rate * 60)
    whole = Columns(opens, start, high, low, close, volume, np.round(volume * (start + close) / 2, 8), opens + 59_500)
    return Columns(*(column[busy] for column in whole))


def folded(minutes: Columns, span: int) -> Columns:
    """Candles of `span` ms from minutes, aligned to the epoch; a span without minutes has no candle."""
    if not len(minutes.opens):
        return minutes
    opens, first = np.unique(minutes.opens // span * span, return_index=True)
    last = np.append(first[1:], len(minutes.opens)) - 1
    return Columns(
        opens,
        minutes.open[first],
        np.maximum.reduceat(minutes.high, first),
        np.minimum.reduceat(minutes.low, first),
        minutes.close[last],
        np.add.reduceat(minutes.volume, first),
        np.add.reduceat(minutes.value, first),
        minutes.stamp[last],
    )
