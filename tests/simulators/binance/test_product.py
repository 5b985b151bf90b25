"""The product's own adapters against simulated Binance over real sockets: within every limit (B2, B3, D5, D6)."""

import asyncio
import random
import time

import pytest

from core.adapters.http import HttpQuotes
from core.adapters.memory.budget import MemoryBudget
from core.domain.errors import RateLimited
from core.domain.events import Bar, Book, Ticker, Trade
from core.domain.policies import RestPolicy, StreamPolicy, UniversePolicy
from core.domain.values import DAY, MINUTE, Market
from core.feed.session import Session
from core.simulators.binance import BinanceSimulator
from core.simulators.binance_limits import BinanceLimits
from core.simulators.binance_pairs import listing
from core.simulators.faults import Fault, Kind, Planned
from core.simulators.host import wall_ms
from core.venues.spec import Channel, Topic, venue
from streamer.link import Link
from streamer.transport import transport

VENUE = venue(Market.BINANCE)
PATIENCE_S = 30.0


def quotes(sim: BinanceSimulator) -> HttpQuotes:
    rest = RestPolicy(url=sim.rest_url, backoff_s=(0.01, 0.02, 0.04, 0.08))
    return HttpQuotes(VENUE.rest, rest, MemoryBudget(), wall_ms, time.sleep, lambda: 0.5)


async def test_a_scan_of_everything_is_two_calls_whose_weight_is_waited_out():
    async with BinanceSimulator(pairs=listing(130)) as sim:
        rest = quotes(sim)
        listed = await asyncio.to_thread(rest.listing, UniversePolicy(quote="USDT"))
        names = [one.instrument.symbol for one in listed]
        tickers = await asyncio.to_thread(rest.tickers, names, "USDT")

        assert len(names) == 130
        assert [ticker.instrument.symbol for ticker in tickers] == names
        assert all(ticker.bid and ticker.ask and ticker.bid < ticker.ask for ticker in tickers)
        assert all(one.specification for one in listed)
        assert rest.calls == 2
        assert sim.log.counts["most weight"] <= 100
        assert not sim.log.refusals


async def test_candles_and_books_are_read_as_they_are_told():
    async with BinanceSimulator(pairs=listing(8)) as sim:
        rest = quotes(sim)
        days = await asyncio.to_thread(rest.bars, "BTCUSDT", DAY, 20)
        minutes = await asyncio.to_thread(rest.bars, "BTCUSDT", MINUTE, 1200)
        [deep] = await asyncio.to_thread(rest.books, ["BTCUSDT", "NOPEUSDT"], 30)
        best = await asyncio.to_thread(rest.books, ["BTCUSDT", "ETHUSDT"], 1)

    assert [bar.opens for bar in days] == [days[0].opens + number * DAY for number in range(20)]
    assert len({bar.opens for bar in minutes}) == 1200
    assert len(deep.levels) == 30
    assert [len(book.levels) for book in best] == [1, 1]


async def test_a_ban_is_told_with_its_length_and_is_not_run_into_again():
    async with BinanceSimulator(pairs=listing(8), limits=BinanceLimits(weight=1, forgiven=0)) as sim:
        rest = quotes(sim)
        with pytest.raises(RateLimited) as banned:
            await asyncio.to_thread(rest.listing, UniversePolicy(quote="USDT"))

        assert 100_000 < (banned.value.after_ms or 0) <= 120_000
        assert rest.calls == 1


class Kept:
    """Keeps everything that a link tells."""

    def __init__(self):
        self.events, self.surprises, self.losses = [], [], []

    def took(self, inbound, at):
        self.events.extend(inbound)

    def odd(self, frame, surprise, at):
        self.surprises.append(surprise)

    def came_back(self, link, gap):
        pass

    def lost(self, link, why, at):
        self.losses.append(why)

    def symbols(self, kind):
        return {event.instrument.symbol for event in self.events if isinstance(event, kind)}


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # what is waited for is on the other side of a socket
        assert time.monotonic() < deadline, f"{what} did not come about"
        await asyncio.sleep(0.01)


async def open_gate():
    """Nothing to wait for."""


def link_to(sim, kept, kind):
    settings = StreamPolicy(url=sim.stream_url, transport=kind, backoff_s=(0.05, 0.1))
    session = Session(VENUE.stream, settings, "test")
    dice = random.Random(7).random
    return Link(0, session, settings, transport(kind), kept, clock=wall_ms, dice=dice, gate=open_gate)


def channels(symbols, *more):
    topics = (*VENUE.stream.topics, *more)
    return frozenset(Channel(topic, symbol) for symbol in symbols for topic in topics)


@pytest.mark.parametrize("kind", ["picows", "websockets"])
async def test_a_link_subscribes_in_chunks_answers_pings_changes_its_mind_and_comes_back(kind):
    limits = BinanceLimits(ping_every_s=2.0, pong_within_s=20.0)  # a pong is a message too: 4 + 1 a second
    async with BinanceSimulator(pairs=listing(120), limits=limits) as sim:
        kept = Kept()
        link = link_to(sim, kept, kind)
        running = asyncio.create_task(link.run())
        every = [symbol for symbol in sim.pairs if symbol.endswith("USDT")]
        link.want(frozenset(every), channels(every, Topic.CANDLE))
        await until(lambda: len(kept.symbols(Ticker)) > 100, "tickers of all that trade")
        await until(
            lambda: {"BTCUSDT", "ETHUSDT"} <= kept.symbols(Trade) & kept.symbols(Book) & kept.symbols(Bar), "data"
        )
        link.want(frozenset({"BTCUSDT"}), channels(["BTCUSDT"]))
        await until(lambda: len(sim.stream.links[0].guest.streams) == 3, "three streams")

        await until(lambda: sim.log.frames["ping"] >= 1, "a ping")
        await until(lambda: sim.stream.links[0].guest.pinged is None, "its pong")
        sim.faults.cause(Planned(fault=Fault(kind=Kind.DROP)), sim.turn())
        await until(lambda: sim.log.connections == 2 and sim.log.open == 1, "a second connection")
        await until(lambda: len(sim.stream.links[0].guest.streams) == 3, "three streams again")
        before = len(kept.events)
        await until(lambda: len(kept.events) > before, "data again")
        running.cancel()
        await asyncio.wait([running])

    assert kept.surprises == []
    assert not sim.log.refusals
    assert not sim.log.closed["no pong"]
