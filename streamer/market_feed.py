"""One market's unified data: REST and stream in one cache, one model, one answer (D14-D17)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from enum import StrEnum

import msgspec

from core.app.ports import Quotes
from core.domain.errors import Transient
from core.domain.events import Book, Inbound, MarketState, Ticker, Trade
from core.domain.policies import MarketPolicy
from core.domain.unified import Limits, Source, Unifier
from core.domain.values import Millis
from core.feed.cache import Cache
from core.venues.spec import Topic, Venue
from streamer.asker import Asker
from streamer.hub import Hub
from streamer.mailbox import Mailbox
from streamer.seats import Seats
from streamer.wants import Wants

log = logging.getLogger(__name__)


class Via(StrEnum):
    """Who may answer. AUTO: whoever has it, the cache first, then REST, then the stream."""

    AUTO = "auto"
    REST_ONLY = "rest_only"
    WEBSOCKET_ONLY = "websocket_only"


class Quote(msgspec.Struct, frozen=True):
    """A symbol's ticker, who told it, and whether it was here already."""

    ticker: Ticker
    source: Source
    cached: bool = False


Key = tuple[str, Source]
BOOKS = frozenset({Topic.BOOK})
SWEEP_S = 1.0


class MarketFeed:
    """Not for several threads; `run` keeps it going, `close` ends it."""

    def __init__(
        self,
        venue: Venue,
        policy: MarketPolicy,
        quotes: Quotes,
        limits: Limits,
        *,
        clock: Callable[[], Millis],
        dice: Callable[[], float],
        seats: Seats | None = None,
    ) -> None:
        self.market, self._policy, self._clock = venue.market, policy.data, clock
        streams = venue.stream.topics
        self._topics = frozenset({Topic.TICKER}) if Topic.TICKER in streams else frozenset({Topic.TRADE, Topic.BOOK})
        self.unifier = Unifier(policy.data.apart, limits, streams_tickers=Topic.TICKER in streams)
        self.cache: Cache[Key, Quote] = Cache()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"rest-{venue.market.value}")
        quote = policy.universe.quote
        self.asker = Asker(lambda symbols: quotes.tickers(symbols, quote), venue.rest.batch, self._thread)
        days = venue.rules.calendar(policy.day)
        self.hub = Hub(
            venue.stream, policy, self.took, self.dark, clock=clock, dice=dice, awake=days.is_open, seats=seats
        )
        self._wants = Wants(round(policy.data.linger_s * 1000))
        self._carried: frozenset[str] = frozenset()
        self._tickers: set[Mailbox[Quote]] = set()
        self._books: set[Mailbox[Book]] = set()

    async def ticker(self, symbol: str, via: Via) -> Quote:
        """Raises Transient where nobody who may answer does, Refused where the venue knows no such symbol."""
        match via:
            case Via.REST_ONLY:
                return self._kept(symbol, Source.REST) or await self._by_rest(symbol)
            case Via.WEBSOCKET_ONLY:
                return self._kept(symbol, Source.STREAM) or await self._by_stream(symbol)
        if kept := self._kept(symbol, Source.STREAM, Source.REST):
            return kept
        try:
            return await self._by_rest(symbol)
        except Transient as silent:
            log.warning("REST does not answer", extra={"outcome": "fallback", "why": str(silent)})
            try:
                return await self._by_stream(symbol)
            except Transient:
                raise silent from None

    async def tickers(self, symbols: Collection[str]) -> AsyncGenerator[Quote, None]:
        """Each symbol's newest state as it changes, what is known already first."""
        box: Mailbox[Quote] = Mailbox(frozenset(symbols))
        with self._wanting(symbols, self._topics):
            self._tickers.add(box)
            for symbol in symbols:
                if known := self._known(symbol):
                    box.put(symbol, known)
            try:
                await self.warm(symbols)
                async for found in box.read():
                    yield found
            finally:
                self._tickers.discard(box)

    async def books(self, symbols: Collection[str]) -> AsyncGenerator[Book, None]:
        """Each symbol's newest order book as it changes, what another reader's subscription told already first."""
        box: Mailbox[Book] = Mailbox(frozenset(symbols))
        known = [(one, self.unifier.symbol(one).book) for one in symbols if one in self.hub.subscribed]
        with self._wanting(symbols, BOOKS):
            self._books.add(box)
            for symbol, book in known:
                if book is not None:
                    box.put(symbol, book)
            try:
                async for newest in box.read():
                    yield newest
            finally:
                self._books.discard(box)

    async def warm(self, symbols: Iterable[str]) -> None:
        """Ask REST once for those of which nothing is known; where it does not answer, the stream will tell."""
        for found in await self.asker.many([one for one in symbols if not self._known(one)]):
            self._rest_told(found)

    def took(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """Every event of one frame, on the event loop."""
        for item in inbound:
            match item:
                case Ticker():
                    self._streamed(self.unifier.ticker(item, Source.STREAM), at)
                case Trade():
                    self._streamed(self.unifier.trade(item), at)
                case Book() if (book := self.unifier.book(item)) is not None:
                    for box in self._books:
                        if book.instrument.symbol in box.symbols:
                            box.put(book.instrument.symbol, book)
                case MarketState():
                    self._changed([item.instrument.symbol])
                case _:
                    pass

    def dark(self, symbols: frozenset[str]) -> None:
        """Their line is lost: what the stream told of them is not known to hold any more."""
        self.cache.invalidate((symbol, Source.STREAM) for symbol in symbols)

    def _changed(self, symbols: Iterable[str]) -> None:
        self.cache.invalidate((symbol, source) for symbol in symbols for source in Source)

    def _streamed(self, ticker: Ticker | None, at: Millis) -> None:
        if ticker is None:
            return
        symbol, quote = ticker.instrument.symbol, Quote(ticker, Source.STREAM)
        self.cache.put((symbol, Source.STREAM), quote, round(self._policy.stream_ttl_s * 1000), at)
        self._deliver(symbol, quote)

    def _deliver(self, symbol: str, quote: Quote) -> None:
        for box in self._tickers:
            if symbol in box.symbols:
                box.put(symbol, quote)

    def _known(self, symbol: str) -> Quote | None:
        """From the cache, the stream's word first; uncounted."""
        at = self._clock()
        return self.cache.peek((symbol, Source.STREAM), at) or self.cache.peek((symbol, Source.REST), at)

    def _kept(self, symbol: str, *sources: Source) -> Quote | None:
        """From the cache, the first source that has it; counted once."""
        at = self._clock()
        source = next((one for one in sources if self.cache.peek((symbol, one), at)), sources[0])
        kept = self.cache.get((symbol, source), at)
        return msgspec.structs.replace(kept, cached=True) if kept else None

    async def _by_rest(self, symbol: str) -> Quote:
        quote = self._rest_told(await self.asker.one(symbol))
        if quote is None:
            raise Transient("what REST told cannot be", symbol=symbol)
        return quote

    def _rest_told(self, found: Ticker) -> Quote | None:
        """Check it, keep it, and hand it on where it is news; None where it is not to be believed."""
        symbol, known = found.instrument.symbol, self.unifier.symbol(found.instrument.symbol).ticker
        quote = Quote(found, Source.REST)
        if (sane := self.unifier.ticker(found, Source.REST)) is not None:
            quote = Quote(sane, Source.REST)
            self._deliver(symbol, quote)
        elif known is None or known.at <= found.at:
            return None
        elif self.unifier.symbol(symbol).source is Source.REST:
            quote = Quote(known, Source.REST)
        self.cache.put((symbol, Source.REST), quote, round(self._policy.ttl_s * 1000), self._clock())
        return quote

    async def _by_stream(self, symbol: str) -> Quote:
        """The next state that the stream tells, or the one it told while its line has been up."""
        box: Mailbox[Quote] = Mailbox(frozenset({symbol}))
        with self._wanting([symbol], self._topics):
            self._tickers.add(box)
            try:
                if Topic.TICKER not in self._topics:
                    await self.warm([symbol])
                async with asyncio.timeout(self._policy.patience_s), aclosing(box.read()) as quotes:
                    return await anext(quote async for quote in quotes if quote.source is Source.STREAM)
            except TimeoutError:
                raise Transient("the stream tells nothing", symbol=symbol, waited_s=self._policy.patience_s) from None
            finally:
                self._tickers.discard(box)

    @contextmanager
    def _wanting(self, symbols: Collection[str], topics: frozenset[Topic]) -> Iterator[None]:
        keys = self._wants.add(symbols, topics)
        self._carry()
        try:
            yield
        finally:
            self._wants.drop(keys, self._clock())

    def _carry(self) -> None:
        """Subscribe to what is wanted, and to what was until a moment ago; forget what is not any more."""
        wanted = self._wants.at(self._clock())
        for symbol in self._carried - wanted.keys():
            self._changed([symbol])
            self.unifier.forget(symbol)
        self._carried = frozenset(wanted)
        self.hub.carry(wanted)

    async def run(self) -> None:
        """Give up what nobody wants any more, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._carry()

    async def close(self) -> None:
        await self.hub.close()
        self._thread.shutdown(wait=False, cancel_futures=True)
