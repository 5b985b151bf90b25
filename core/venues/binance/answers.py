"""Binance's REST answers as typed records, and what an answer means that is none. Evidence: README.md."""

from decimal import Decimal
from typing import TypeVar

import msgspec

from core.domain.errors import CoreError, RateLimited, Refused, Transient, WireSurprise
from core.domain.events import Bar, Book, Listing, Specification, Ticker
from core.domain.values import Millis
from core.venues.binance.fields import Amount, Percent, Price, Serial, Stamp, Step, instrument, levels, millis
from core.venues.flow import Response
from core.venues.pause import asked_ms

T = TypeVar("T")

BLOCKED_MS = 120_000
"""The shortest ban there is (418), and how long the firewall (403) is left alone, where the answer names no time."""
MINUTE_MS = 60_000
"""Weights are counted by the minute: a 429 that names no pause is over when the next one has begun."""

WEIGHT = "weight"
"""The one rate-limit group: weights are added up over all calls of an address."""
MOST_WEIGHT = 6000
"""Weight a minute (reference 2.1; 1,200 in 2021 and 2023: `rest.limits.weight` of the settings lowers our pace)."""
SPARE = 200
"""Weight that is left to others of this address: under it no more is asked until the minute turns."""

UNKNOWN_SYMBOL, DUPLICATE_SYMBOL, TOO_MUCH = -1121, -1151, -1003
SHOWN = 160

NOT_TRADING, NOT_SPOT, STABLE = "NOT_TRADING", "NOT_SPOT", "STABLE"
STATUSES = ("HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY")
FLAGS = frozenset({NOT_TRADING, NOT_SPOT, STABLE, *STATUSES})
"""What `safety.exclude` may list. Every status but TRADING is NOT_TRADING as well, those that are invented later too.

Binance's spot API tells neither its monitoring tag nor delistings to come (reference 2.3 has no such field).
"""
PEGGED = frozenset(
    (
        *("USDC", "FDUSD", "TUSD", "USDP", "DAI", "BUSD", "USDD", "USD1", "USDE", "XUSD", "BFUSD", "RLUSD", "PYUSD"),
        *("PAX", "USDS", "UST", "USTC", "EUR", "AEUR", "EURI", "GBP"),
    )
)
"""Coins that follow a currency, and currencies: STABLE, a flag of our own. They lead every ranking by traded value."""


class Filter(msgspec.Struct):
    filterType: str
    tickSize: Decimal = Decimal(0)
    stepSize: Decimal = Decimal(0)
    minNotional: Decimal = Decimal(0)
    maxNotional: Decimal = Decimal("Infinity")
    applyMaxToMarket: bool = True


class SymbolRow(msgspec.Struct):
    """Old bodies have fewer fields: all but these are optional."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[Filter] = []
    isSpotTradingAllowed: bool = True

    def listing(self) -> Listing:
        return Listing(
            instrument=instrument(self.symbol),
            name=self.baseAsset,
            english=self.baseAsset,
            flags=self._flags(),
            specification=self._specification(),
        )

    def _flags(self) -> frozenset[str]:
        flags = set() if self.status == "TRADING" else {NOT_TRADING, self.status}
        flags |= set() if self.isSpotTradingAllowed else {NOT_SPOT}
        return frozenset(flags | ({STABLE} if self.baseAsset in PEGGED else set()))

    def _specification(self) -> Specification | None:
        """Sizes are those of market orders; a part of 0 is switched off. None where there is no price or size step."""
        rows = {row.filterType: row for row in self.filters}
        price, lot = rows.get("PRICE_FILTER"), rows.get("LOT_SIZE")
        if price is None or lot is None or not (price.tickSize > 0 and lot.stepSize > 0):
            return None
        market, value = rows.get("MARKET_LOT_SIZE"), rows.get("NOTIONAL") or rows.get("MIN_NOTIONAL")
        return Specification(
            tick=price.tickSize.normalize(),
            lot=max(lot.stepSize, market.stepSize if market else Decimal(0)).normalize(),
            minimum=value.minNotional if value else Decimal(0),
            maximum=value.maxNotional if value and value.applyMaxToMarket else Decimal("Infinity"),
        )


class ExchangeInfo(msgspec.Struct):
    symbols: list[SymbolRow]


class TickerRow(msgspec.Struct):
    """`ticker/24hr`: a rolling day. A pair that has not traded in it has prices of 0."""

    symbol: str
    priceChangePercent: Percent
    lastPrice: Amount
    bidPrice: Amount
    askPrice: Amount
    highPrice: Amount
    lowPrice: Amount
    volume: Amount
    quoteVolume: Amount
    closeTime: Stamp

    def ticker(self, seen: Millis) -> Ticker:
        return Ticker(
            instrument=instrument(self.symbol),
            price=self.lastPrice,
            change=self.priceChangePercent / 100,
            volume=self.volume,
            value=self.quoteVolume,
            value_24h=self.quoteVolume,
            high=self.highPrice,
            low=self.lowPrice,
            at=millis(self.closeTime),
            seen=seen,
            bid=self.bidPrice,
            ask=self.askPrice,
        )


class BestRow(msgspec.Struct):
    """`ticker/bookTicker`; it has no time."""

    symbol: str
    bidPrice: Amount
    bidQty: Amount
    askPrice: Amount
    askQty: Amount

    def book(self, seen: Millis) -> Book:
        steps = levels(((self.bidPrice, self.bidQty),), ((self.askPrice, self.askQty),))
        return Book(instrument=instrument(self.symbol), levels=steps, at=seen, seen=seen)


class DepthRow(msgspec.Struct):
    """`depth`; it has neither symbol nor time. `lastUpdateId` is where a stream of changes joins (depth.py)."""

    lastUpdateId: Serial
    bids: list[Step]
    asks: list[Step]

    def book(self, symbol: str, seen: Millis) -> Book:
        return Book(instrument=instrument(symbol), levels=levels(self.bids, self.asks), at=seen, seen=seen)


class CandleRow(msgspec.Struct, array_like=True):
    """A row of `klines`; what follows the traded value is not used."""

    opens: Stamp
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    closes: Stamp
    value: Amount

    def bar(self, symbol: str, span: Millis, seen: Millis) -> Bar:
        opens = millis(self.opens)
        return Bar(
            instrument=instrument(symbol),
            span=span,
            opens=opens,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            value=self.value,
            seen=seen,
            closed=opens + span <= seen,
        )


class Said(msgspec.Struct):
    code: int = 0
    msg: str = ""


def read(reply: Response, kind: type[T]) -> T:
    """The answer's rows. Raises what `refusal` says of it, or WireSurprise where it does not read."""
    if (error := refusal(reply)) is not None:
        raise error
    try:
        return msgspec.json.decode(reply.body, type=kind, strict=False)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as fault:
        raise WireSurprise("Binance answer does not read", fault=str(fault), body=reply.body[:SHOWN]) from fault


def refusal(reply: Response) -> CoreError | None:
    """What to do about a response that is not an answer; None for an answer.

    429 is over the limit, 418 a ban for having gone on after 429, 403 the firewall: all are waited out. 5xx and 408
    pass by themselves. Everything else is final, redirects too, because nothing of Binance's moves.
    """
    status, wait_ms = reply.status, asked_ms(reply)
    if 200 <= status < 300:
        return None
    said = _said(reply)
    facts = {"status": status, "code": said.code, "message": said.msg}
    if status in (418, 403):
        return RateLimited("Binance blocks this address for a while", after_ms=wait_ms or BLOCKED_MS, **facts)
    if status == 429 or said.code == TOO_MUCH:
        return RateLimited("Binance's weight of a minute is used up", after_ms=wait_ms or MINUTE_MS, **facts)
    if status >= 500 or status == 408:
        if wait_ms is not None:
            return RateLimited("Binance asks to come back later", after_ms=wait_ms, **facts)
        return Transient("Binance cannot answer now", **facts)
    return Refused("Binance refused the question", **facts)


def unknown_symbol(reply: Response) -> bool:
    """Whether the whole call failed because one of its symbols does not exist."""
    return reply.status == 400 and _said(reply).code == UNKNOWN_SYMBOL


def left(reply: Response) -> tuple[str, int] | None:
    """Weight left in this minute, by the header that every answer carries; 0 keeps everybody still for a second.

    >>> left(Response(200, b"", {"x-mbx-used-weight-1m": "5900"}))
    ('weight', 0)
    """
    used = reply.headers.get("x-mbx-used-weight-1m", "")
    return (WEIGHT, max(MOST_WEIGHT - SPARE - int(used), 0)) if used.isascii() and used.isdigit() else None


def _said(reply: Response) -> Said:
    """Binance's own code and words for an error; a firewall answers with a page."""
    try:
        return msgspec.json.decode(reply.body, type=Said)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Said(msg=reply.body[:SHOWN].decode("utf-8", "replace"))
