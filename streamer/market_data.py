"""Market data for programs: `stream_ticker`, `stream_orderbook`, `get_ticker` over REST and WebSocket as one (D14-D17).

    async with MarketData.open("settings.yaml") as data:
        print(await data.get_ticker("KRW-BTC"))
        async for quote in data.stream_ticker(["KRW-BTC", "KRW-ETH"]):
            print(quote.source, quote.ticker.price)

A symbol is written as its venue writes it; where several markets are enabled, with the market's name before it:
`krx:005930`. Everything here belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec

from core.adapters.paced import Circuit
from core.adapters.wiring import surroundings, wall_clock
from core.domain.errors import Misconfigured
from core.domain.events import Book
from core.domain.values import Market
from core.settings import load
from streamer.feed_wiring import WiredFeed, wired
from streamer.market_feed import MarketFeed, Quote, Via

__all__ = ["Figures", "MarketData", "Quote", "Via"]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One market's counts since the start.

    hit_rate   share of `get_ticker` that the cache answered; `shared` answers that came with somebody else's question
    faults     what the consistency checks dropped, corrected or told, by name (D15)
    circuits   each REST endpoint's breaker, the token call's among them
    """

    hit_rate: float
    hits: int
    misses: int
    shared: int
    calls: int
    faults: dict[str, int]
    circuits: dict[str, Circuit]
    reconnects: int
    surprises: int
    subscribed: tuple[str, ...]


class MarketData:
    """See above. Made by `open`, or of feeds that somebody else put together."""

    def __init__(self, feeds: Mapping[Market, WiredFeed]) -> None:
        self._feeds = dict(feeds)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: str | Path, *markets: Market, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[MarketData]:
        """Every enabled market of a settings file, or only those that are named; closed at the end of the block.

        Raises Misconfigured: the file has faults, or no such market is enabled.
        """
        env = surroundings() if env is None else env
        found = load(Path(settings), env)
        chosen = [market for market in found.enabled if market in (markets or found.enabled)]
        if missing := set(markets) - set(chosen):
            raise Misconfigured("a market is not enabled in these settings", market=", ".join(sorted(missing)))
        made = {
            market: wired(market, found.markets[market], env, wall_clock, time.sleep, random.random)
            for market in chosen
        }
        async with cls(made).running() as data:
            yield data

    async def get_ticker(self, symbol: str, channel: Via | str = Via.AUTO) -> Quote:
        """The symbol's ticker and who told it. `channel`: "auto", "rest_only" or "websocket_only".

        Raises Transient where nobody who may answer does, Refused where the venue knows no such symbol.
        """
        feed, name = self._at(symbol)
        return await feed.ticker(name, Via(channel))

    async def stream_ticker(self, symbols: Collection[str]) -> AsyncGenerator[Quote, None]:
        """The newest state of each symbol as it changes. A slow reader misses states, never the newest one."""
        feed, names = self._all_at(symbols)
        async with aclosing(feed.tickers(names)) as quotes:
            async for quote in quotes:
                yield quote

    async def stream_orderbook(self, symbols: Collection[str]) -> AsyncGenerator[Book, None]:
        """The newest order book of each symbol as it changes."""
        feed, names = self._all_at(symbols)
        async with aclosing(feed.books(names)) as books:
            async for book in books:
                yield book

    async def warm(self, symbols: Collection[str]) -> None:
        """Fill the cache for these symbols with one call."""
        feed, names = self._all_at(symbols)
        await feed.warm(names)

    def figures(self) -> dict[Market, Figures]:
        """How it goes, by market."""
        return {market: _figures(found) for market, found in self._feeds.items()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MarketData]:
        """Keep it going for the length of a block."""
        tasks = [asyncio.create_task(found.feed.run()) for found in self._feeds.values()]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *(found.close() for found in self._feeds.values()), return_exceptions=True)

    def _at(self, symbol: str) -> tuple[MarketFeed, str]:
        name, colon, rest = symbol.partition(":")
        named = {market.value: found for market, found in self._feeds.items()}
        if colon and name in named:
            return named[name].feed, rest
        if len(named) == 1 and not colon:
            return next(iter(named.values())).feed, symbol
        raise Misconfigured(
            "say which market this symbol is of", symbol=symbol, allowed=", ".join(f"{one}:..." for one in named)
        )

    def _all_at(self, symbols: Collection[str]) -> tuple[MarketFeed, list[str]]:
        found = [self._at(symbol) for symbol in symbols]
        feeds = {feed.market: feed for feed, _ in found}
        if len(feeds) != 1:
            raise Misconfigured("one stream is of one market", symbols=", ".join(symbols))
        return next(iter(feeds.values())), [name for _, name in found]


def _figures(found: WiredFeed) -> Figures:
    feed = found.feed
    return Figures(
        hit_rate=feed.cache.hit_rate,
        hits=feed.cache.hits,
        misses=feed.cache.misses,
        shared=feed.asker.shared,
        calls=found.quotes.calls,
        faults={fault.value: count for fault, count in feed.unifier.faults.items()},
        circuits=found.circuits(),
        reconnects=feed.hub.reconnects,
        surprises=feed.hub.surprises,
        subscribed=tuple(sorted(feed.hub.subscribed)),
    )
