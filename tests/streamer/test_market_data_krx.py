"""D14, D15 where the venue streams no tickers and counts registrations: a simulated KIS, app keys and all."""

import asyncio
import random
import time
from contextlib import aclosing

import msgspec
import pytest

from core.domain.policies import DataPolicy, KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy, UniversePolicy
from core.domain.unified import Fault, Source
from core.domain.values import Market
from core.simulators.kis import KisSimulator
from core.simulators.kis_limits import KisLimits
from core.venues.kis import VENUE
from streamer.feed_wiring import day_limits, wired
from streamer.market_data import MarketData, Via
from tests.streamer.krx import clock, krx


@pytest.fixture
async def kis():
    limits = msgspec.structs.replace(KisLimits(), slot_kept_s=0.0)
    async with KisSimulator(krx(), clock=clock, limits=limits) as simulator:
        yield simulator


def made(kis):
    """Market data on the simulator's own clock."""
    key = kis.app_keys[0]
    env = {"HOGA_SECRET_REAL_KEY": key.app_key, "HOGA_SECRET_REAL_SECRET": key.app_secret}
    policy = MarketPolicy(
        rest=RestPolicy(url=kis.rest_url),
        stream=StreamPolicy(url=kis.stream_url, backoff_s=(0.1,)),
        universe=UniversePolicy(),
        keys=(KeyPolicy(app_key="real_key", app_secret="real_secret"),),
        data=DataPolicy(patience_s=40.0),
    )
    found = wired(Market.KRX, policy, env, clock, time.sleep, random.Random(3).random)
    return MarketData({Market.KRX: found}), found.feed


async def test_tickers_are_made_of_trades_and_offers_upon_what_rest_told(kis):
    data, _ = made(kis)
    symbols = sorted(kis.market.lines)[:3]
    async with data.running(), asyncio.timeout(60), aclosing(data.stream_ticker(symbols)) as quotes:
        async for quote in quotes:
            if quote.source is Source.STREAM:
                break
        base = data.figures()[Market.KRX]
    assert quote.ticker.instrument.symbol in symbols
    assert quote.ticker.volume > 0
    assert quote.ticker.low <= quote.ticker.price <= quote.ticker.high
    assert set(base.circuits) >= {"/oauth2/tokenP", "/oauth2/Approval"}
    assert all(circuit.closed for circuit in base.circuits.values())
    assert base.calls == 1, "all three symbols in one call"


async def test_order_books_and_single_tickers_come_through_the_same_key(kis):
    data, _ = made(kis)
    symbol = sorted(kis.market.lines)[0]
    async with data.running(), asyncio.timeout(60):
        first = await data.get_ticker(symbol)
        async with aclosing(data.stream_orderbook([symbol])) as books:
            book = await anext(books)
        streamed = await data.get_ticker(f"krx:{symbol}", Via.WEBSOCKET_ONLY)
    assert (first.source, streamed.source) == (Source.REST, Source.STREAM)
    assert book.bid < book.ask
    assert not kis.log.refusals


async def test_a_price_beyond_the_day_s_thirty_percent_is_dropped_and_counted(kis):
    """D15."""
    data, feed = made(kis)
    symbol = sorted(kis.market.lines)[0]
    async with data.running(), asyncio.timeout(60):
        first = await data.get_ticker(symbol)
        odd = msgspec.structs.replace(first.ticker, price=first.ticker.price * 2, at=first.ticker.at + 1)
        feed.took([odd], clock())
        assert (await data.get_ticker(symbol)).ticker.price == first.ticker.price
        assert data.figures()[Market.KRX].faults == {Fault.OUTSIDE.value: 1}


def test_the_limits_are_the_venue_s_own_a_hair_wider():
    limits = day_limits(VENUE.rules)
    lowest, highest = limits("005930", 70_000.0, clock())
    assert 48_800 < lowest <= 49_000
    assert 91_000 <= highest < 91_200
    assert limits("005930", 0.0, clock()) is None
