"""Daily references (A, B4): yesterday's high, low and close, and the base of the daily moving average.

A day candle costs one call for each symbol, so a run asks only for what is missing of the current day, the busiest
symbols first, and at most `references_per_run`; the next run goes on where this one ended, whatever ended it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from core.app.lookout import Lookout, batches
from core.domain.errors import Refused, Transient, WireSurprise
from core.domain.events import Bar
from core.domain.levels import Reference, References, Scan
from core.domain.values import DAY, Millis

PAGE = 20
"""Symbols between two writes: what a run that is cut short can lose."""


class Topped(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the wanted symbols have a reference now; `failure` says why the run ended early, if it did."""

    known: int
    missing: int
    failure: str = ""


def top_up(lookout: Lookout, symbols: Iterable[str], at: Millis) -> Topped:
    """Load references that are missing for the market's current day and write them as they come."""
    wanted = frozenset(symbols)
    rows, day, failure = _known(lookout, wanted, at), lookout.venue.rest.day_began(at), ""
    asked = _busiest_first(lookout, wanted - rows.keys())[: lookout.policy.safety.references_per_run]
    for page in batches(asked, PAGE):
        try:
            for symbol in page:
                rows |= _loaded(lookout, symbol, day)
        except (Transient, WireSurprise) as trouble:
            failure = str(trouble)
        lookout.shelf.write(References(market=lookout.market, day=day, at=at, rows=rows))
        if failure:
            break
    return Topped(known=len(rows), missing=len(wanted) - len(rows), failure=failure)


def reference(bars: Sequence[Bar], days: int) -> Reference:
    """Sum up finished days, oldest first, at least one of them; the last one is "the previous day".

    An average over `days` days is today at the present price and one day less of these (snapshots.disparity).

    >>> from core.domain.values import Instrument, Market
    >>> def day(close): return Bar(instrument=Instrument(Market.UPBIT, "KRW-A"), span=DAY, opens=Millis(0), open=1.0,
    ...     high=9.0, low=1.0, close=close, volume=1.0, value=1.0, seen=Millis(0))
    >>> reference([day(2.0), day(4.0), day(6.0)], days=2)
    Reference(high=9.0, low=1.0, close=6.0, ma_sum=6.0, ma_days=1)
    """
    closes = [bar.close for bar in bars[1 - days :]]
    return Reference(bars[-1].high, bars[-1].low, bars[-1].close, sum(closes), len(closes))


def _known(lookout: Lookout, wanted: frozenset[str], at: Millis) -> dict[str, Reference]:
    """What is there already for this day; yesterday's rows would be wrong, so they count as missing."""
    kept = lookout.shelf.read(References, lookout.market)
    if kept is None or kept.day != lookout.venue.rest.day_began(at):
        return {}
    return {symbol: row for symbol, row in kept.rows.items() if symbol in wanted}


def _busiest_first(lookout: Lookout, symbols: frozenset[str]) -> list[str]:
    scan = lookout.shelf.read(Scan, lookout.market) if symbols else None
    value = {snapshot.symbol: snapshot.value_24h for snapshot in scan.snapshots} if scan else {}
    return sorted(symbols, key=lambda symbol: (-value.get(symbol, 0.0), symbol))


def _loaded(lookout: Lookout, symbol: str, day: Millis) -> dict[str, Reference]:
    """The symbol's row, or nothing where it has no finished day yet or the venue does not know it any more."""
    days = lookout.policy.safety.reference_days
    try:
        bars = [bar for bar in lookout.quotes.bars(symbol, DAY, days - 1, day) if bar.opens < day]
    except Refused:
        return {}
    return {symbol: reference(bars, days)} if bars else {}
