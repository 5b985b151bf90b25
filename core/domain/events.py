"""What happened at a venue. Market data is float64; `at` (the venue's clock) decides, `seen` (ours) only measures."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.values import Instrument, Millis, Side


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One execution printed by a venue. Made by place where frames are read, because names cost thrice as much.

    price     quote currency per unit
    quantity  units of the instrument, more than zero
    taker     side that crossed the spread; None where the venue does not say
    at        the venue's clock, epoch ms
    seen      our clock when the frame came in; for latency figures, never for decisions
    total     units traded since the market's day began, this trade included; 0 where the venue does not say
    sequence  the venue's id of the trade, for telling duplicates within one instrument; 0 where there is none
    replayed  true where the venue repeats its last trade as a state (a snapshot), so it may be one we had
    """

    instrument: Instrument
    price: float
    quantity: float
    taker: Side | None
    at: Millis
    seen: Millis
    sequence: int = 0
    replayed: bool = False
    total: float = 0.0


class Level(msgspec.Struct, frozen=True, gc=False):
    """One step of both sides of a book, best first. A price of 0 means that side has no such step."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The whole visible book at one moment; `levels` has at least one entry, best first."""

    instrument: Instrument
    levels: list[Level]
    at: Millis
    seen: Millis

    @property
    def bid(self) -> float:
        """Best bid in quote currency per unit, 0 where nobody bids."""
        return self.levels[0].bid

    @property
    def ask(self) -> float:
        """Best ask in quote currency per unit, 0 where nobody offers."""
        return self.levels[0].ask


class Ticker(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A market's own summary of one instrument.

    change     fraction against the previous close (0.0017 is 0.17 %)
    volume     units since the market's day began; value the same in quote currency
    value_24h  quote currency over the last 24 hours (the ranking key); the day's where the market closes at night
    high, low  of the market's day
    price      0 where the venue has none to tell (a halted stock)
    bid, ask   best offers, 0 where a side is empty; None where this venue's tickers do not carry them
    """

    instrument: Instrument
    price: float
    change: float
    volume: float
    value: float
    value_24h: float
    high: float
    low: float
    at: Millis
    seen: Millis
    bid: float | None = None
    ask: float | None = None


class Bar(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One candle as a venue tells it. `opens` is its first millisecond; `closed` is false while it may still change.

    quality, reason   of a candle of our own: `core.domain.quality.Quality`, and why where it is not whole
    """

    instrument: Instrument
    span: Millis
    opens: Millis
    open: float
    high: float
    low: float
    close: float
    volume: float
    value: float
    seen: Millis
    closed: bool = True
    quality: str = "whole"
    reason: str = ""


class Beat(msgspec.Struct, frozen=True, gc=False):
    """A sign of life that carries no data (a status frame, a pong). `about`: our message that it says yes to, or ""."""

    seen: Millis
    about: str = ""


class Complaint(msgspec.Struct, frozen=True):
    """The venue refused something that we sent on a stream; `name` is its own code, `about` our message, "" where it
    does not say which."""

    name: str
    message: str
    seen: Millis
    about: str = ""


class Acknowledged(msgspec.Struct, frozen=True):
    """The venue's answer to one registration. `code` is its own; what to do about it says `StreamSpec.cure`."""

    topic: str
    symbol: str
    code: str
    message: str
    seen: Millis


class Echo(msgspec.Struct, frozen=True):
    """A frame that must be sent back as it came, or the line is cut."""

    body: bytes
    seen: Millis


class Drift(msgspec.Struct, frozen=True):
    """A frame that read, and held more fields than the venue is known to send: told beside its events.

    fields, known  in one record, and the most that was known when the decoder was written
    body           the frame as it came, the sample that a developer needs
    """

    topic: str
    fields: int
    known: int
    body: bytes
    seen: Millis


class Delta(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Changes of a book since the last Delta: (price, size) of steps that are now so, size 0 for one that is gone.

    first, last  the venue's numbers of the changes in it; `last` of one and `first` of the next are neighbours
    """

    instrument: Instrument
    first: int
    last: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    at: Millis
    seen: Millis


class Farewell(msgspec.Struct, frozen=True):
    """The venue is about to close this connection, nobody knows when: another one should be opened now."""

    seen: Millis


class NoticeKind(StrEnum):
    ACCEPTED = "accepted"
    FILLED = "filled"
    AMENDED = "amended"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says of one of our own orders, as it happens.

    order, original  venue's order number; `original` is the order that an amend or a cancel is about, "" for none
    account          the account it belongs to: one stream may tell of several
    quantity, price  of this fill where kind is FILLED, else of the order; money is exact
    branch           what else the venue wants to hear of an order that is changed or cancelled, "" for nothing
    """

    instrument: Instrument
    account: str
    order: str
    original: str
    side: Side
    kind: NoticeKind
    quantity: Decimal
    price: Decimal
    at: Millis
    seen: Millis
    branch: str = ""


class MarketState(msgspec.Struct, frozen=True, kw_only=True):
    """Halts and volatility interruptions of one instrument; `code` is the venue's own phase or event code."""

    instrument: Instrument
    halted: bool
    interrupted: bool
    code: str
    seen: Millis


Service = Beat | Complaint | Acknowledged | Echo | Drift | Farewell
Inbound = Trade | Book | Delta | Ticker | Bar | OrderNotice | MarketState | Service
MarketData = Trade | Book | Ticker | Bar


class Specification(msgspec.Struct, frozen=True, kw_only=True):
    """What an order of one symbol must look like: price step, quantity step in units, value in quote currency."""

    tick: Decimal
    lot: Decimal
    minimum: Decimal
    maximum: Decimal


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a market's list of instruments. `flags` are the venue's official warnings, by their own names.

    specification  None where the venue's orders follow one table for all symbols
    """

    instrument: Instrument
    name: str
    english: str = ""
    flags: frozenset[str] = frozenset()
    specification: Specification | None = None
