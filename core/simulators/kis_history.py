"""One-minute and daily candles of KRX days before the simulator began: functions of seed, issue and date only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from core.domain.values import MINUTE
from core.simulators.drift import drift, salted, unit
from core.simulators.history import Candle, Columns
from core.simulators.kis_issues import Issue
from core.simulators.kis_time import Day
from core.simulators.ladder import Ladder

HIGH_WICK, LOW_WICK, SIZE = 31, 32, 33
WICK = 0.0008
REGULAR_MINUTES = 390


def past_minutes(issue: Issue, key: int, ladder: Ladder, opens: int, count: int) -> Columns:
    """`count` minutes of one day from `opens` (epoch ms) on, oldest first; volumes are whole shares."""
    columns = _grid(issue, key, ladder, np.array([opens], dtype=np.int64), count)
    return Columns(*(column[0] for column in columns))


def past_days(issue: Issue, key: int, ladder: Ladder, days: Sequence[Day]) -> list[Candle]:
    """Daily candles of finished days, in the order given; `opens` of each is when its regular trading began."""
    found: list[Candle] = []
    for count, group in groupby(days, key=minutes_of):
        starts = np.array([day.opens for day in group], dtype=np.int64)
        found += _folded(_grid(issue, key, ladder, starts, count))
    return found


def minutes_of(day: Day) -> int:
    """Minutes of a day's regular trading, its closing auction included."""
    return max(-(-(day.closes - day.opens) // MINUTE), 1)


def _grid(issue: Issue, key: int, ladder: Ladder, starts: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Columns of shape (days, minutes)."""
    keys = np.array([key], dtype=np.uint64)
    edges = starts[:, None] + np.arange(count + 1, dtype=np.int64) * MINUTE
    prices = ladder.floors(issue.price * np.exp(drift(keys, edges)))
    start, close, opens = prices[:, :-1], prices[:, 1:], edges[:, :-1]
    high = ladder.floors(np.maximum(start, close) * (1 + WICK * unit(salted(keys, HIGH_WICK), opens)))
    low = ladder.floors(np.minimum(start, close) * (1 - WICK * unit(salted(keys, LOW_WICK), opens)))
    size = -np.log1p(-unit(salted(keys, SIZE), opens)) * issue.value / REGULAR_MINUTES / close
    volume = np.maximum(np.round(size), 1.0)
    value = np.round(volume * (start + close) / 2)
    return opens, start, high, low, close, volume, value, opens + MINUTE - 1_000


def _folded(grid: tuple[np.ndarray, ...]) -> Iterable[Candle]:
    opens, start, high, low, close, volume, value, stamp = grid
    columns = (
        opens[:, 0],
        start[:, 0],
        high.max(axis=1),
        low.min(axis=1),
        close[:, -1],
        volume.sum(axis=1),
        value.sum(axis=1),
        stamp[:, -1],
    )
    return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
