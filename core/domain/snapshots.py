"""The scan's picture of each symbol (B4) and what is filtered before anything else looks at it (B5)."""

from collections import Counter
from collections.abc import Iterable

from core.domain.events import Book, Ticker
from core.domain.levels import Reference, Snapshot
from core.domain.policies import ScanPolicy

ONE_SIDED = 1.0
"""Spread of a book that lacks a side: nobody could trade both ways, so every limit on the spread removes it."""


def build(ticker: Ticker, book: Book | None, reference: Reference | None) -> Snapshot:
    """Unite what the venue says of one symbol. A crossed book is worse than none, so it counts as none (D15).

    Where there is no book, the best offers may stand in the ticker itself.
    """
    offers = _offers(ticker, book)
    sides = offers or (0.0, 0.0)
    return Snapshot(
        symbol=ticker.instrument.symbol,
        price=ticker.price,
        change=ticker.change,
        volume=ticker.volume,
        value=ticker.value,
        value_24h=ticker.value_24h,
        high=ticker.high,
        low=ticker.low,
        prev_high=reference.high if reference else None,
        prev_low=reference.low if reference else None,
        bid=sides[0],
        ask=sides[1],
        spread=None if offers is None else spread(*sides),
        disparity=disparity(ticker.price, reference) if reference else None,
        at=ticker.at,
        seen=ticker.seen,
    )


def spread(bid: float, ask: float) -> float:
    """Gap between the best offers as a fraction of their middle; ONE_SIDED where a side is missing.

    >>> round(spread(99.0, 101.0), 4)
    0.02
    """
    if bid <= 0.0 or ask <= 0.0:
        return ONE_SIDED
    return 2.0 * (ask - bid) / (ask + bid)


def disparity(price: float, reference: Reference) -> float | None:
    """Price over its daily moving average, minus 1; None where the reference holds no closes.

    The average is over the `ma_days` finished days and today at the present price, as charts draw it: a 20-day
    average needs a reference of 19 finished days.

    >>> disparity(90.0, Reference(high=0.0, low=0.0, close=0.0, ma_sum=110.0, ma_days=1))
    -0.09999999999999998
    """
    total = reference.ma_sum + price
    if reference.ma_days < 1 or total <= 0.0:
        return None
    return price * (reference.ma_days + 1) / total - 1.0


def prefilter(rows: Iterable[Snapshot], policy: ScanPolicy) -> tuple[tuple[Snapshot, ...], dict[str, int]]:
    """What passes, in its order, and how many each filter removed. A symbol counts under the first that removes it.

    The traded value is that of 24 hours, so that a day that has just begun does not empty the market.
    """
    kept: list[Snapshot] = []
    removed: Counter[str] = Counter()
    for row in rows:
        if why := removed_by(row, policy):
            removed[why] += 1
        else:
            kept.append(row)
    return tuple(kept), dict(removed)


def removed_by(row: Snapshot, policy: ScanPolicy) -> str:
    """The first filter that removes the symbol, "" where it passes them all."""
    if not row.price > 0.0:
        return "price"
    if row.volume < policy.min_volume:
        return "min_volume"
    if max(row.value, row.value_24h) < policy.min_value:
        return "min_value"
    if row.spread is not None and row.spread > policy.max_spread:
        return "max_spread"
    return ""


def _offers(ticker: Ticker, book: Book | None) -> tuple[float, float] | None:
    """Best bid and ask; None where nobody says, or where they cross."""
    if book is not None:
        bid, ask = book.bid, book.ask
    elif ticker.bid is not None and ticker.ask is not None:
        bid, ask = ticker.bid, ticker.ask
    else:
        return None
    return None if 0.0 < ask <= bid else (bid, ask)
