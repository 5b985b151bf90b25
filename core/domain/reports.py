"""What results are made of, beside a market's day itself (`core/domain/levels.py: DayReport`): G2 and G3.

`Sieved` and `DayTotals` are levels: they live on the shelf as those of `core/domain/levels.py` do.
"""

from decimal import Decimal

import msgspec

from core.domain.values import Market, Millis


class Passed(msgspec.Struct, frozen=True, array_like=True):
    """What became of one symbol at the pre-filters of a day: decided when it was first scanned, never changed.

    filter  the one that removed it, "" where it was kept
    first, last  its price then and in the newest scan, quote currency
    """

    symbol: str
    filter: str
    first: float
    last: float


class Sieved(msgspec.Struct, frozen=True, kw_only=True):
    """G3: every symbol scanned since the market's day began at `day`."""

    market: Market
    day: Millis
    at: Millis
    rows: tuple[Passed, ...]


class Fate(msgspec.Struct, frozen=True):
    """How those went on that one filter removed: how many, how many rose, and the mean change as a fraction."""

    symbols: int
    risen: int
    change: float


class Record(msgspec.Struct, frozen=True):
    """What one rule, exit, symbol or hour came to; money in quote currency.

    A trade counts in each group that it has a sale in, and is won there where those sales earned more than nothing.
    """

    trades: int
    wins: int
    pnl: Decimal
    slippage: Decimal


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """G2: several markets' finished days as one, in one currency."""

    currency: str
    markets: tuple[Market, ...]
    trades: int
    wins: int
    pnl: Decimal
    fees: Decimal
    taxes: Decimal
    average: Decimal
    worst: Decimal
    drawdown: Decimal
    slippage: Decimal
    liquidation_cost: Decimal
    curve: tuple[tuple[Millis, Decimal], ...] = ()


class DayTotals(msgspec.Struct, frozen=True, kw_only=True):
    """G2: all markets' day. Currencies are never summed: `totals` has one entry for each.

    market     the first of the settings, beside whose levels it is kept
    converted  everything in one currency, by the rates of the settings; None where they do not name every rate
    """

    market: Market
    day: str
    at: Millis
    totals: tuple[Total, ...]
    converted: Total | None = None
