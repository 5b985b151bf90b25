"""Upbit's REST answers as typed records, and what an answer means that is none. Evidence: README.md."""

import re
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from core.domain.errors import CoreError, RateLimited, Refused, Transient, WireSurprise
from core.domain.events import Bar, Book, Listing, Ticker
from core.domain.values import Millis
from core.venues.flow import Response
from core.venues.pause import asked_ms
from core.venues.upbit.fields import Amount, Change, Price, Stamp, instrument, levels, millis, opened

BLOCKED_MS = 60_000
"""Assumed length of a 418 block where the answer names none (its form is UNCONFIRMED)."""

REMAINING = re.compile(r"group=([\w-]+)\s*;.*\bsec=(\d+)")
SHOWN = 160

T = TypeVar("T")

CAUTIONS = (
    *("PRICE_FLUCTUATIONS", "TRADING_VOLUME_SOARING", "DEPOSIT_AMOUNT_SOARING", "GLOBAL_PRICE_DIFFERENCES"),
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
FLAGS = frozenset({"WARNING", *CAUTIONS})
"""What `safety.exclude` may list. A caution that Upbit invents later is read by its own name; add it here."""


class Events(msgspec.Struct):
    warning: bool = False
    caution: dict[str, bool] = {}


class MarketRow(msgspec.Struct):
    """`market_event` is missing before 2024 and without `is_details`."""

    market: str
    korean_name: str = ""
    english_name: str = ""
    market_event: Events | None = None

    def listing(self) -> Listing:
        events = self.market_event or Events()
        flags = {name for name, on in events.caution.items() if on} | ({"WARNING"} if events.warning else set())
        return Listing(
            instrument=instrument(self.market),
            name=self.korean_name or self.market,
            english=self.english_name,
            flags=frozenset(flags),
        )


class TickerRow(msgspec.Struct):
    market: str
    trade_price: Price
    signed_change_rate: Change
    acc_trade_volume: Amount
    acc_trade_price: Amount
    acc_trade_price_24h: Amount
    high_price: Amount
    low_price: Amount
    timestamp: Stamp

    def ticker(self, seen: Millis) -> Ticker:
        return Ticker(
            instrument=instrument(self.market),
            price=self.trade_price,
            change=self.signed_change_rate,
            volume=self.acc_trade_volume,
            value=self.acc_trade_price,
            value_24h=self.acc_trade_price_24h,
            high=self.high_price,
            low=self.low_price,
            at=millis(self.timestamp),
            seen=seen,
        )


class UnitRow(msgspec.Struct):
    ask_price: Amount
    bid_price: Amount
    ask_size: Amount
    bid_size: Amount


class BookRow(msgspec.Struct):
    market: str
    timestamp: Stamp
    orderbook_units: list[UnitRow]

    def book(self, seen: Millis) -> Book:
        """`at` is when the book last changed, which may be long ago for a quiet pair."""
        steps = levels(self.orderbook_units)
        return Book(instrument=instrument(self.market), levels=steps, at=millis(self.timestamp), seen=seen)


class CandleRow(msgspec.Struct):
    market: str
    candle_date_time_utc: datetime
    opening_price: Price
    high_price: Price
    low_price: Price
    trade_price: Price
    candle_acc_trade_volume: Amount
    candle_acc_trade_price: Amount

    def bar(self, span: Millis, seen: Millis) -> Bar:
        opens = opened(self.candle_date_time_utc)
        return Bar(
            instrument=instrument(self.market),
            span=span,
            opens=opens,
            open=self.opening_price,
            high=self.high_price,
            low=self.low_price,
            close=self.trade_price,
            volume=self.candle_acc_trade_volume,
            value=self.candle_acc_trade_price,
            seen=seen,
            closed=opens + span <= seen,
        )


class TickRow(msgspec.Struct):
    """Upbit writes `tick_size` as text; it is kept exact."""

    market: str
    tick_size: Decimal

    def __post_init__(self) -> None:
        if not (self.tick_size.is_finite() and self.tick_size > 0):
            raise ValueError("a price step must be above zero")


class Said(msgspec.Struct):
    name: str | int = ""
    message: str = ""


class ErrorBody(msgspec.Struct):
    error: Said


def read(reply: Response, kind: type[T]) -> T:
    """The answer's rows. Raises what `refusal` says of it, or WireSurprise where it does not read."""
    if (error := refusal(reply)) is not None:
        raise error
    try:
        return msgspec.json.decode(reply.body, type=kind, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise WireSurprise("Upbit answer does not read", fault=str(fault), body=reply.body[:SHOWN]) from fault


def refusal(reply: Response) -> CoreError | None:
    """What to do about a response that is not an answer; None for an answer.

    429 is over the limit, 418 a block for having gone on after 429: both are waited out. 5xx and 408 pass by
    themselves. Everything else is final, redirects too, because nothing of Upbit's moves.
    """
    status, wait_ms = reply.status, asked_ms(reply)
    if 200 <= status < 300:
        return None
    facts = {"status": status, **_said(reply)}
    if status == 418:
        return RateLimited("Upbit blocks this address for a while", after_ms=wait_ms or BLOCKED_MS, **facts)
    if status == 429:
        return RateLimited("Upbit's calls per second are used up", after_ms=wait_ms, **facts)
    if status >= 500 or status == 408:
        if wait_ms is not None:
            return RateLimited("Upbit asks to come back later", after_ms=wait_ms, **facts)
        return Transient("Upbit cannot answer now", **facts)
    return Refused("Upbit refused the question", **facts)


def unknown_code(reply: Response) -> bool:
    """Whether the whole call failed because one of its markets does not exist (404 `Code not found`)."""
    return reply.status == 404 and _said(reply).get("name") != "not_found"


def left(reply: Response) -> tuple[str, int] | None:
    """Group and calls left in this second by `Remaining-Req`; `min` is a fixed number for old clients.

    >>> left(Response(200, b"", {"remaining-req": "group=ticker; min=600; sec=9"}))
    ('ticker', 9)
    """
    found = REMAINING.search(reply.headers.get("remaining-req", ""))
    return (found[1], int(found[2])) if found else None


def _said(reply: Response) -> dict[str, str]:
    """Upbit's own name and words for an error: JSON on most, plain text on a 429 of public calls."""
    try:
        said = msgspec.json.decode(reply.body, type=ErrorBody).error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {"message": reply.body[:SHOWN].decode("utf-8", "replace")}
    return {"name": str(said.name), "message": said.message[:SHOWN]}
