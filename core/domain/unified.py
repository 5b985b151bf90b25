"""REST and WebSocket data as one picture of each symbol, checked before anybody sees it (D15).

    dropped     a price that is none, a crossed book, a price outside the day's legal limits, time going backwards
    corrected   a ticker whose offers cross loses them; one whose price lies outside its own high and low widens those
    told        REST and stream that are apart by more than they may be: the newer by the venue's clock is believed

Each is counted under its own name. A venue without tickers of its own (KIS) gets them from its trades and books, upon
the last ticker that REST told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from math import isfinite

from msgspec.structs import replace

from core.domain.events import Book, Ticker, Trade
from core.domain.values import HOUR, SECOND, Millis

SAME_TIME_MS = 2 * SECOND
"""REST and stream are held against each other where the venue dates them no further apart than this."""

CLOSE_MS = Millis(12 * HOUR)
"""The previous close is learned anew after so long: until then every price is held against the same one."""

Limits = Callable[[str, float, Millis], tuple[float, float] | None]
"""(symbol, previous close, moment) -> the day's lowest and highest legal price; None where the venue has none."""


class Source(StrEnum):
    STREAM = "websocket"
    REST = "rest"


class Fault(StrEnum):
    """What was wrong with something that a venue told, and what came of it."""

    BAD = "bad price"
    CROSSED = "crossed book"
    OUTSIDE = "outside the day's limits"
    BACKWARDS = "time going backwards"
    APART = "rest and websocket apart"
    OFFERS = "crossed offers corrected"
    RANGE = "high and low corrected"


class Symbol:
    """One symbol: the newest ticker and book, where the ticker came from, and the stamps that time is checked by."""

    __slots__ = ("book", "close", "closed", "source", "ticker", "traded")

    def __init__(self) -> None:
        self.ticker: Ticker | None = None
        self.book: Book | None = None
        self.source = Source.REST
        self.close, self.closed = 0.0, Millis(0)
        self.traded = Millis(0)


class Unifier:
    """All symbols of one market. `apart` is the share by which REST and stream may differ at the same time.

    streams_tickers  the venue tells tickers on its stream: then its trades add nothing to them
    """

    def __init__(self, apart: float, limits: Limits, *, streams_tickers: bool) -> None:
        self._apart, self._limits, self._streams_tickers = apart, limits, streams_tickers
        self._symbols: dict[str, Symbol] = {}
        self.faults: Counter[Fault] = Counter()

    def symbol(self, name: str) -> Symbol:
        """What is known of it; empty before anything came."""
        return self._symbols.setdefault(name, Symbol())

    def forget(self, name: str) -> None:
        self._symbols.pop(name, None)

    def ticker(self, found: Ticker, source: Source) -> Ticker | None:
        """The ticker as it may be believed; None where it may not, or where a newer one is known."""
        known = self.symbol(found.instrument.symbol)
        if (sane := self._sane(found, known)) is None:
            return None
        last = known.ticker
        if last is not None and source is not known.source:
            self._compare(last, sane)
            if sane.at < last.at:
                return None
        elif last is not None and sane.at < last.at:
            self.faults[Fault.BACKWARDS] += 1
            return None
        known.ticker, known.source = sane, source
        return sane

    def book(self, found: Book) -> Book | None:
        """The book as it may be believed; None where it may not. Its best offers become those of the ticker."""
        known = self.symbol(found.instrument.symbol)
        if known.book is not None and found.at < known.book.at:
            self.faults[Fault.BACKWARDS] += 1
            return None
        if 0.0 < found.ask <= found.bid:
            self.faults[Fault.CROSSED] += 1
            return None
        known.book = found
        if known.ticker is not None and known.ticker.bid is not None:
            known.ticker = replace(known.ticker, bid=found.bid, ask=found.ask)
        return found

    def trade(self, found: Trade) -> Ticker | None:
        """The ticker that a trade makes of the last one; None where the venue streams its own, or none is known yet."""
        known = self.symbol(found.instrument.symbol)
        last = known.ticker
        if self._streams_tickers or found.replayed or last is None:
            return None
        if found.at < known.traded:
            self.faults[Fault.BACKWARDS] += 1
            return None
        made = _moved(last, found, known.close)
        if (sane := self._sane(made, known)) is None:
            return None
        known.traded, known.ticker, known.source = found.at, sane, Source.STREAM
        return sane

    def _sane(self, found: Ticker, known: Symbol) -> Ticker | None:
        if not isfinite(found.price) or found.price < 0.0:
            self.faults[Fault.BAD] += 1
            return None
        if found.price == 0.0:  # a halted stock: the venue has none to tell
            return found
        if known.close <= 0.0 or found.at - known.closed >= CLOSE_MS:
            known.close, known.closed = _close(found), found.at
        limits = self._limits(found.instrument.symbol, known.close, found.at)
        if limits is not None and not limits[0] <= found.price <= limits[1]:
            self.faults[Fault.OUTSIDE] += 1
            return None
        return self._corrected(found)

    def _corrected(self, found: Ticker) -> Ticker:
        if found.bid is not None and found.ask is not None and 0.0 < found.ask <= found.bid:
            self.faults[Fault.OFFERS] += 1
            found = replace(found, bid=None, ask=None)
        if found.high > 0.0 and not found.low <= found.price <= found.high:
            self.faults[Fault.RANGE] += 1
            found = replace(found, low=min(found.low, found.price), high=max(found.high, found.price))
        return found

    def _compare(self, last: Ticker, other: Ticker) -> None:
        near = abs(other.at - last.at) <= SAME_TIME_MS
        if near and last.price > 0.0 < other.price and abs(other.price - last.price) > self._apart * last.price:
            self.faults[Fault.APART] += 1


def _close(ticker: Ticker) -> float:
    """The previous close, from the price and its change; 0 where the change says nothing."""
    return ticker.price / (1.0 + ticker.change) if ticker.change > -1.0 else 0.0


def _moved(last: Ticker, trade: Trade, close: float) -> Ticker:
    """A ticker after one more trade. The venue's own running volume is believed before our sum."""
    price = trade.price
    return replace(
        last,
        price=price,
        change=price / close - 1.0 if close > 0.0 else last.change,
        volume=trade.total or last.volume + trade.quantity,
        value=last.value + price * trade.quantity,
        value_24h=last.value_24h + price * trade.quantity,
        high=max(last.high, price),
        low=min(last.low, price) if last.low > 0.0 else price,
        at=max(last.at, trade.at),
        seen=trade.seen,
    )
