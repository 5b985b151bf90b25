"""What a venue is to the rest of the system: four records of functions, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from operator import eq
from typing import NamedTuple

import msgspec

from core.domain.charges import Booked, unrounded
from core.domain.events import Bar, Book, Inbound, Listing, MarketState, Ticker
from core.domain.policies import Environment, MarketPolicy, UniversePolicy
from core.domain.sessions import Calendars, always_open
from core.domain.specifications import Specified
from core.domain.values import DAY, SECOND, Market, Millis, Side
from core.venues.flow import Flow, Request, Response
from core.venues.ordering import Orders


class Topic(StrEnum):
    TRADE = "trade"
    BOOK = "book"
    DELTA = "delta"  # changes of a book, for whoever keeps one; no decision is made on them
    TICKER = "ticker"
    CANDLE = "candle"
    STATE = "state"
    ORDERS = "orders"


class Cure(StrEnum):
    """What to do about a venue's answer to a registration."""

    DONE = "done"
    RETRY = "retry"
    WRONG = "wrong"  # the request itself: never again, tell a developer
    FULL = "full"  # no more registrations on this credential: learn the cap
    IN_USE = "in use"  # another session holds the credential: hang up, come back later
    RENEW = "renew"  # the credential is not accepted: hang up, get a new one
    UNKNOWN = "unknown"  # a code that nobody wrote down: tried again ever more rarely, and told to a developer


class Channel(NamedTuple):
    """One thing that can be subscribed to: a topic of a symbol; `detail` is the venue's extra (candle unit, depth)."""

    topic: Topic
    symbol: str
    detail: str = ""


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue streams.

    decode        one frame as received -> events, in the order of the frame. Raises WireSurprise and nothing else
    several       the same for frames that came together, where that costs less; None: one after the other
    request       (everything wanted on this connection, ticket) -> messages to send in order.
                  Where `replaces` is true one such request replaces all that was subscribed before
    release       (channels to drop, ticket) -> messages; empty where `replaces`
    heartbeat     text to send to prove the line; None means a protocol ping
    ping_s        send the heartbeat after this long without having sent anything
    mute_s        no frame at all for this long means the line is dead
    stale_s       frames but no market data for this long, with something subscribed, means the same
    messages_per_s, messages_per_min    how much one connection may send; 0 = no such limit
    connects_per_s                      how often one address may connect
    channels_per_connection             0 = no limit
    topics        what to subscribe for one wanted symbol
    decoder       makes a decoder for one connection that remembers what it was told (keys); None: `decode` is enough
    answers       every registration is answered (Acknowledged), and holds only once it is
    cure          what to do about an answer's code; used where `answers`
    slots         registrations that one credential may hold in all, own-order notices among them; 0 = no such limit
    gap_ms        least time between the answer to a registration message and the next one
    keyed         the ticket is a credential (an approval key) that must be fetched before each connection
    mock          topics that the venue's mock environment serves; None: all of them
    life_s        the venue ends every connection after this long; None where it does not
    dense         a symbol's trade ids have no holes: one that is missing is a trade that is missing
    summed        tickers tell the volume of the day's trades, all of them and no others: what they do not explain is
                  a trade that is missing
    numbered      (a message of ours) -> the number that its answer names; None where the venue answers without one
    batch         channels that one message names at most, where its messages are `numbered`
    own           (account of a notice, the account's number as its owner wrote it) -> whether they are the same
    """

    market: Market
    decode: Callable[[bytes, Millis], Sequence[Inbound]]
    request: Callable[[frozenset[Channel], str], list[bytes]]
    release: Callable[[frozenset[Channel], str], list[bytes]]
    replaces: bool
    heartbeat: bytes | None
    ping_s: float
    mute_s: float
    stale_s: float
    messages_per_s: int
    messages_per_min: int
    connects_per_s: int
    channels_per_connection: int
    topics: tuple[Topic, ...]
    decoder: Callable[[], Callable[[bytes, Millis], Sequence[Inbound]]] | None = None
    answers: bool = False
    cure: Callable[[str], Cure] = lambda code: Cure.DONE
    slots: int = 0
    gap_ms: int = 0
    keyed: bool = False
    mock: frozenset[Topic] | None = None
    life_s: float | None = None
    dense: bool = False
    summed: bool = False
    numbered: Callable[[bytes], str] | None = None
    batch: int = 1
    several: Callable[[Sequence[bytes], Millis], list[Inbound]] | None = None
    own: Callable[[str, str], bool] = eq


class Issued(msgspec.Struct, frozen=True):
    """A credential that a venue gave out (a token, an approval key) and when it ends. Its text is never shown."""

    text: str
    ends: Millis

    def __repr__(self) -> str:
        return f"Issued(ends={self.ends})"


class KeySpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue knows who asks: an app key buys a token for REST, and an approval key for its streams.

    token     (app key, its secret, seen) -> the token; a later one may have the same text
    approval  (app key, its secret, seen) -> the approval key
    sign      (request, app key, its secret, token) -> the request with the headers that prove it
    token_gap_ms, approval_gap_ms   least time between two such calls of one app key, whoever makes them
    """

    token: Callable[[str, str, Millis], Flow[Issued]]
    approval: Callable[[str, str, Millis], Flow[Issued]]
    sign: Callable[[Request, str, str, str], Request]
    token_gap_ms: int
    approval_gap_ms: int


class RestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue answers questions. Every call is a flow; `seen` is our clock when it was asked.

    listing   (universe, seen) -> every instrument of it with its official flags
    tickers   (symbols, quote currency, seen) -> one row for each symbol that the venue still knows. Where the rows
              carry bid and ask, nobody need ask for books
    books     (symbols, depth, seen) -> order book tops
    bars      (symbol, span or one day, count, end exclusive or None, seen) -> oldest first; pages by itself
    batch     most symbols that one tickers call may name
    books_batch     the same of a books call; 0 = as `batch`. Where it is 1, a scan never asks for books
    limits    calls a second by rate-limit group, as the venue publishes them; weight a second where its calls weigh
    counted   the span that the venue counts its calls in: as many as the limits say for all of it may come at once
    left      what a response says of the calls left in this second: (group, left), or None
    refusal   a response that is not an answer -> the error to raise; None where it is an answer
    day_began first millisecond of the day candle that a moment lies in; midnight UTC unless the venue says otherwise
    keys      how calls are signed; None where anybody may ask
    holidays  (first day "YYYY-MM-DD", seen) -> is the market open, by day; None where the venue does not say
    history   (symbol, candles wanted by length, seen) -> at least so many of each, in as few calls as it takes; None
              where each length is a call of its own and cheap: then `bars` is asked for each
    busiest   (count) -> symbols of the largest traded value today, largest first; None where the venue ranks nothing
    state     (symbol, seen) -> may it trade now: asked before a buy; None where the venue knows no halts of one symbol
    mock      how the venue's mock environment answers, where it has one that answers otherwise
    named     the symbols that a universe names; none where only the venue knows
    """

    market: Market
    listing: Callable[[UniversePolicy, Millis], Flow[list[Listing]]]
    tickers: Callable[[Sequence[str], str, Millis], Flow[list[Ticker]]]
    books: Callable[[Sequence[str], int, Millis], Flow[list[Book]]]
    bars: Callable[[str, Millis, int, Millis | None, Millis], Flow[list[Bar]]]
    batch: int
    books_batch: int = 0
    limits: dict[str, float]
    counted: Millis = SECOND
    left: Callable[[Response], tuple[str, int] | None]
    refusal: Callable[[Response], Exception | None]
    day_began: Callable[[Millis], Millis] = lambda at: Millis(at - at % DAY)
    keys: KeySpec | None = None
    holidays: Callable[[str, Millis], Flow[dict[str, bool]]] | None = None
    history: Callable[[str, Mapping[Millis, int], Millis], Flow[dict[Millis, list[Bar]]]] | None = None
    busiest: Callable[[int], Flow[list[str]]] | None = None
    state: Callable[[str, Millis], Flow[MarketState]] | None = None
    mock: RestSpec | None = None
    named: Callable[[UniversePolicy], tuple[str, ...]] = lambda universe: universe.codes

    def size(self, universe: UniversePolicy) -> int:
        """How many symbols a universe stands for; 0 where only the venue knows."""
        named = self.named(universe)
        return len(named) + universe.busiest if named else 0

    def at(self, environment: Environment) -> RestSpec:
        """How this venue answers there."""
        return self.mock if self.mock is not None and environment is Environment.MOCK else self


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an order must look like at a venue, by date, because exchanges change it.

    tick        (symbol, price, at) -> price step
    floor_price (symbol, price, side, at) -> nearest legal price that does not cross further: down for a buy
    lot         (symbol) -> quantity step
    minimum     (symbol) -> least order in quote currency
    maximum     (symbol) -> largest order in quote currency
    fee         (symbol, side, at) -> fraction of the traded value
    tax         (symbol, side, at) -> fraction of the traded value, 0 where there is none
    link        (symbol) -> page with its chart
    calendar    (the owner's day, what the venue told of single days) -> when the market is open and where its days are
                cut; always open unless said
    bounds      (symbol, reference price, at) -> the day's lowest and highest legal price; None where there are none
    booked      an exact fee or tax of an order -> what is booked for it
    """

    tick: Callable[[str, Decimal, Millis], Decimal]
    floor_price: Callable[[str, Decimal, Side, Millis], Decimal]
    lot: Callable[[str], Decimal]
    minimum: Callable[[str], Decimal]
    maximum: Callable[[str], Decimal]
    fee: Callable[[str, Side, Millis], Decimal]
    tax: Callable[[str, Side, Millis], Decimal]
    link: Callable[[str], str]
    calendar: Calendars = always_open
    bounds: Callable[[str, Decimal, Millis], tuple[Decimal, Decimal]] | None = None
    booked: Booked = unrounded


class Venue(msgspec.Struct, frozen=True):
    """`orders` is None where nothing but paper trades on this venue.

    flags     every name by which its listing may warn of an instrument
    tailored  (the owner's settings) -> the rules under them, where they change any
    specified (the owner's settings, what the listing said) -> the same, where rules differ from symbol to symbol
    """

    market: Market
    stream: StreamSpec
    rest: RestSpec
    rules: Rules
    orders: Orders | None = None
    tailored: Callable[[MarketPolicy], Rules] | None = None
    flags: frozenset[str] = frozenset()
    specified: Callable[[MarketPolicy, Specified], Rules] | None = None


HOMES: dict[Market, str] = {Market.UPBIT: "upbit", Market.KRX: "kis", Market.BINANCE: "binance"}
"""The folder of each market's venue: the second line that a new venue touches."""


def venue(market: Market, policy: MarketPolicy | None = None, specified: Specified | None = None) -> Venue:
    """The venue's records, loaded when first asked for: a function pays only for its own market.

    With the owner's settings its rules are those that hold under them, and its quotes those of the key's environment.
    Whoever makes orders says what the listing said of each symbol, which some venues' rules are nothing without.
    """
    found: Venue = import_module(f"core.venues.{HOMES[market]}").VENUE
    if policy is None:
        return found
    rules = found.tailored(policy) if found.tailored else found.rules
    if found.specified and specified:
        rules = found.specified(policy, specified)
    return msgspec.structs.replace(found, rest=found.rest.at(environment(policy)), rules=rules)


def environment(policy: MarketPolicy) -> Environment:
    """Where quotes come from: the first key's environment; the real one where nobody need sign."""
    return policy.keys[0].environment if policy.keys else Environment.REAL


def purse(environment: Environment) -> str:
    """Who pays for a call: a mock environment counts its calls apart from the real one."""
    return "" if environment is Environment.REAL else f".{environment.value}"
