"""Binance's public REST side as flows: what to ask, in which steps, at which weight. Evidence: README.md."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from core.domain.errors import Refused, WireSurprise
from core.domain.events import Bar, Book, Listing, Ticker
from core.domain.policies import UniversePolicy
from core.domain.values import MINUTE, Market, Millis
from core.venues.binance.answers import (
    MOST_WEIGHT,
    WEIGHT,
    BestRow,
    CandleRow,
    DepthRow,
    ExchangeInfo,
    TickerRow,
    left,
    read,
    refusal,
    unknown_symbol,
)
from core.venues.binance.fields import INTERVALS
from core.venues.flow import Flow, Request
from core.venues.spec import RestSpec

PAGE = 1000
"""Candles in one answer."""
CHEAP = 20
"""Symbols that a ticker call names at the weight of one (2); 21 to 100 cost 40, all there are 80."""
NAMED = 100
"""Symbols from which on all there are is asked for: five cheap calls weigh 10, one for all 80, in one moment."""
BATCH = 1000
"""One call answers for every symbol."""
DEEPEST = 5000
SHOWN = 40
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))
NAMES = {span: name for name, span in INTERVALS.items()}


def listing(universe: UniversePolicy, seen: Millis) -> Flow[list[Listing]]:
    """Every spot pair of the universe's quote currency with status and filters, and those that are named besides.

    Raises:
        Refused: there is no such quote currency. In an empty answer there is none.
    """
    reply = yield _asked("exchangeInfo", 20, showPermissionSets="false")
    rows = read(reply, ExchangeInfo).symbols
    named = {*universe.codes, *universe.always}
    if universe.quote not in (quotes := {row.quoteAsset for row in rows}):
        raise Refused(
            "Binance has no pair in universe.quote", quote=universe.quote, allowed=" ".join(sorted(quotes)[:SHOWN])
        )
    return [row.listing() for row in rows if row.quoteAsset == universe.quote or row.symbol in named]


def tickers(symbols: Sequence[str], quote: str, seen: Millis) -> Flow[list[Ticker]]:
    """One row for each symbol that Binance still knows, in the order asked; no symbols, no call.

    One unknown symbol fails a call that names it: then all there are is asked for and the rows are picked out.
    """
    wanted = list(dict.fromkeys(symbols))
    rows: list[TickerRow] = []
    for names in _named(wanted):
        reply = yield _asked("ticker/24hr", 2 if names else 80, **names)
        if unknown_symbol(reply):
            reply = yield _asked("ticker/24hr", 80)
            rows = read(reply, list[TickerRow])
            break
        rows += read(reply, list[TickerRow])
    found = {row.symbol: row for row in rows}
    return [found[symbol].ticker(seen) for symbol in wanted if symbol in found]


def _named(symbols: Sequence[str]) -> Iterator[dict[str, str]]:
    """Queries of cheap calls, or one empty query that means all."""
    if len(symbols) > NAMED:
        yield {}
        return
    for start in range(0, len(symbols), CHEAP):
        yield {"symbols": msgspec.json.encode(symbols[start : start + CHEAP]).decode()}


def books(symbols: Sequence[str], depth: int, seen: Millis) -> Flow[list[Book]]:
    """One book for each symbol that Binance still knows, in the order asked; `depth` 1 is one call for all of them.

    A deeper book is one call a symbol.
    """
    wanted = list(dict.fromkeys(symbols))
    if not wanted:
        return []
    if depth <= 1:
        return (yield from _best(wanted, seen))
    found: list[Book] = []
    for symbol in wanted:
        reply = yield _depth(symbol, depth)
        if not unknown_symbol(reply):
            found.append(read(reply, DepthRow).book(symbol, seen))
    return found


def _best(symbols: list[str], seen: Millis) -> Flow[list[Book]]:
    names = {"symbols": msgspec.json.encode(symbols).decode()} if len(symbols) <= NAMED else {}
    reply = yield _asked("ticker/bookTicker", 4, **names)
    if unknown_symbol(reply):
        reply = yield _asked("ticker/bookTicker", 4)
    rows = {row.symbol: row for row in read(reply, list[BestRow])}
    return [rows[symbol].book(seen) for symbol in symbols if symbol in rows]


def snapshot(symbol: str, depth: int) -> Flow[DepthRow]:
    """The book that a stream of changes joins (depth.py): 1,000 steps weigh 50, 5,000 weigh 250."""
    reply = yield _depth(symbol, depth)
    return read(reply, DepthRow)


def _depth(symbol: str, depth: int) -> Request:
    steps = min(max(depth, 1), DEEPEST)
    weight = next(weight for most, weight in DEPTH_WEIGHTS if steps <= most)
    return _asked("depth", weight, symbol=symbol, limit=str(steps))


def bars(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis) -> Flow[list[Bar]]:
    """The newest `count` candles that open before `until`, oldest first; pages backwards, 1,000 a page.

    A minute without trades has a candle too. The newest is open (`closed=False`) while its span has not passed at
    `seen`.

    Raises:
        Refused: no such candle length, or no such symbol.
        WireSurprise: a page that does not lead further back.
    """
    if span not in NAMES:
        raise Refused("Binance has no candles of this length", span_ms=span, allowed=" ".join(map(str, NAMES)))
    found: list[Bar] = []
    while len(found) < count:
        want = min(PAGE, count - len(found))
        reply = yield _candles(symbol, span, want, until)
        page = [row.bar(symbol, span, seen) for row in read(reply, list[CandleRow])]
        if not _leads_back(page, until):
            raise WireSurprise("Binance candles do not lead back", symbol=symbol, until=until)
        found[:0] = page
        if len(page) < want:
            break
        until = page[0].opens
    return found


def _candles(symbol: str, span: Millis, count: int, until: Millis | None) -> Request:
    """`endTime` is inclusive."""
    end = {} if until is None else {"endTime": str(until - 1)}
    return _asked("klines", 2, symbol=symbol, interval=NAMES[span], limit=str(count), **end)


def _leads_back(page: Sequence[Bar], until: Millis | None) -> bool:
    """Whether a page is oldest first and older than what was asked before: anything else would page for ever."""
    rises = all(earlier.opens < later.opens for earlier, later in pairwise(page))
    return rises and (until is None or not page or page[-1].opens < until)


def _asked(call: str, weight: int, **query: str) -> Request:
    return Request("GET", f"/api/v3/{call}", tuple(query.items()), group=WEIGHT, weight=weight)


REST = RestSpec(
    market=Market.BINANCE,
    listing=listing,
    tickers=tickers,
    books=books,
    bars=bars,
    batch=BATCH,
    limits={WEIGHT: MOST_WEIGHT / 60},
    counted=MINUTE,
    left=left,
    refusal=refusal,
)
