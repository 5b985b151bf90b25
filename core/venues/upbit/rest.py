"""Upbit's public REST side as flows: what to ask, and in which steps. Evidence: README.md beside this file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from core.domain.errors import Refused, WireSurprise
from core.domain.events import Bar, Book, Listing, Ticker
from core.domain.policies import UniversePolicy
from core.domain.values import DAY, MINUTE, SECOND, Market, Millis
from core.venues.flow import Flow, Request
from core.venues.spec import RestSpec
from core.venues.upbit.answers import (
    BookRow,
    CandleRow,
    MarketRow,
    TickerRow,
    TickRow,
    left,
    read,
    refusal,
    unknown_code,
)

PAGE = 200
"""Candles in one answer; more are cut in silence (reference/upbit.md 3.4)."""
NAMED = 100
"""Symbols that one `ticker?markets=` names; above it `ticker/all` costs one call too and knows no delisted code."""
BATCH = 1000
"""Upbit answers for all its markets at once."""
UNITS = 30
LIMITS = {"market": 10.0, "candles": 10.0, "trades": 10.0, "ticker": 10.0, "orderbook": 10.0}
PATHS = {SECOND: "seconds", DAY: "days", **{Millis(n * MINUTE): f"minutes/{n}" for n in (1, 3, 5, 10, 15, 30, 60, 240)}}


def listing(universe: UniversePolicy, seen: Millis) -> Flow[list[Listing]]:
    """Every pair of the universe's quote currency with its flags: WARNING, and the cautions by Upbit's own names."""
    rows = yield from _markets()
    return [row.listing() for row in rows if row.market.startswith(f"{universe.quote}-")]


def _markets() -> Flow[list[MarketRow]]:
    reply = yield Request("GET", "/v1/market/all", (("is_details", "true"),), group="market")
    return read(reply, list[MarketRow])


def tickers(symbols: Sequence[str], quote: str, seen: Millis) -> Flow[list[Ticker]]:
    """One row for each symbol that Upbit still knows, in the order asked; no symbols, no call.

    One unknown code fails the whole of `ticker?markets=`: then `ticker/all` is asked and the rows are picked out.
    """
    if not symbols:
        return []
    reply = None
    if len(symbols) <= NAMED:
        reply = yield Request("GET", "/v1/ticker", (("markets", ",".join(symbols)),), group="ticker")
    if reply is None or unknown_code(reply):
        quotes = ",".join(sorted({quote, *(symbol.partition("-")[0] for symbol in symbols)}))
        reply = yield Request("GET", "/v1/ticker/all", (("quote_currencies", quotes),), group="ticker")
    rows = {row.market: row for row in read(reply, list[TickerRow])}
    return [rows[symbol].ticker(seen) for symbol in dict.fromkeys(symbols) if symbol in rows]


def books(symbols: Sequence[str], depth: int, seen: Millis) -> Flow[list[Book]]:
    """One book for each symbol that Upbit still knows, `depth` steps (1 to 30), in the order asked.

    One unknown code fails the whole call: it is then asked again for those that the listing still has.
    """
    if not symbols:
        return []
    reply = yield _books(symbols, depth)
    if unknown_code(reply):
        rows = yield from _markets()
        known = {row.market for row in rows}
        if not (kept := [symbol for symbol in symbols if symbol in known]):
            return []
        reply = yield _books(kept, depth)
    found = {row.market: row for row in read(reply, list[BookRow])}
    return [found[symbol].book(seen) for symbol in dict.fromkeys(symbols) if symbol in found]


def _books(symbols: Sequence[str], depth: int) -> Request:
    query = (("markets", ",".join(symbols)), ("count", str(min(max(depth, 1), UNITS))))
    return Request("GET", "/v1/orderbook", query, group="orderbook")


def bars(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis) -> Flow[list[Bar]]:
    """The newest `count` candles that open before `until`, oldest first; pages backwards, 200 a page.

    A span of time without trades has no candle, so `count` candles may reach further back than `count` spans.
    The newest is marked open (`closed=False`) while its span has not passed at `seen`.

    Raises:
        Refused: no such candle length, or no such market.
        WireSurprise: a page that does not lead further back.
    """
    if span not in PATHS:
        raise Refused("Upbit has no candles of this length", span_ms=span, allowed=" ".join(map(str, PATHS)))
    found: list[Bar] = []
    while len(found) < count:
        want = min(PAGE, count - len(found))
        reply = yield _candles(symbol, span, want, until)
        page = [row.bar(span, seen) for row in read(reply, list[CandleRow])]
        if not _leads_back(page, until):
            raise WireSurprise("Upbit candles do not lead back", symbol=symbol, until=until)
        found += page
        if len(page) < want:
            break
        until = page[-1].opens
    return found[::-1]


def _candles(symbol: str, span: Millis, count: int, until: Millis | None) -> Request:
    query = (("market", symbol), ("count", str(count)))
    to = () if until is None else (("to", _moment(until)),)
    return Request("GET", f"/v1/candles/{PATHS[span]}", query + to, group="candles")


def _moment(at: Millis) -> str:
    """UTC to the second, rounded up: `to` is exclusive and candles open on whole seconds.

    >>> _moment(Millis(1582185599001))
    '2020-02-20T08:00:00Z'
    """
    return datetime.fromtimestamp(-(-at // 1000), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _leads_back(page: Sequence[Bar], until: Millis | None) -> bool:
    """Whether a page is newest first and older than what was asked before: anything else would page for ever."""
    opens = [bar.opens for bar in page]
    falls = all(later > earlier for later, earlier in pairwise(opens))
    return falls and (until is None or not opens or opens[0] < until)


def ticks(symbols: Sequence[str]) -> Flow[dict[str, Decimal]]:
    """Today's price step of each symbol at its present price, as Upbit itself says (2025-07-31 and later)."""
    query = (("markets", ",".join(symbols)),)
    reply = yield Request("GET", "/v1/orderbook/instruments", query, group="orderbook")
    return {row.market: row.tick_size for row in read(reply, list[TickRow])}


REST = RestSpec(
    market=Market.UPBIT,
    listing=listing,
    tickers=tickers,
    books=books,
    bars=bars,
    batch=BATCH,
    limits=LIMITS,
    left=left,
    refusal=refusal,
)
