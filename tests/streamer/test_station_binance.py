"""A whole station against simulated Binance: it goes before it is sent away, and says again what was refused. D6."""

import asyncio
import random
import time

import pytest

from core.adapters.http import HttpQuotes
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.queue import MemoryAlerts, MemorySignals
from core.adapters.memory.shelf import MemoryShelf
from core.domain.levels import Candidate, Targets
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, StreamPolicy, WatchPolicy
from core.domain.values import Market
from core.simulators.binance import BinanceSimulator
from core.simulators.binance_pairs import listing
from core.simulators.faults import Fault, Kind, Planned
from core.venues.binance import VENUE
from streamer.ports import Ports
from streamer.station import Station
from tests.streamer.conftest import until, wall_ms

NAMES = tuple(pair.coin.symbol for pair in listing()[:3])


@pytest.fixture
async def binance():
    async with BinanceSimulator(seed=5, pairs=listing()[:4]) as simulator:
        yield simulator


@pytest.fixture
async def station(binance, tmp_path):
    policy = MarketPolicy(
        rest=RestPolicy(url=binance.rest_url),
        stream=StreamPolicy(url=binance.stream_url, backoff_s=(0.05,)),
        watch=WatchPolicy(max_ws_subs=3, subscribe_cooldown_s=0.0, refresh_s=0.2),
        indicators=IndicatorPolicy(warmup=5),
    )
    shelf, books, budget = MemoryShelf(), MemoryBooks(), MemoryBudget()
    rows = tuple(Candidate(name, 1.0) for name in NAMES)
    shelf.write(Targets(market=Market.BINANCE, at=wall_ms(), version=1, candidates=rows))
    ports = Ports(
        shelf=shelf, leases=books.leases, ledger=books.ledger, signals=MemorySignals(), alerts=MemoryAlerts(),
        quotes=lambda market: HttpQuotes(VENUE.rest, policy.rest, budget, wall_ms, time.sleep, random.random),
        clock=wall_ms, dice=random.Random(3).random, host="test", say=lambda line: None, stage="test",
    )  # fmt: skip
    made = Station(VENUE, policy, ports, tmp_path)
    made.begin = lambda: tasks.append(asyncio.create_task(made.run()))
    tasks = []
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def streams(binance):
    """What the simulator has subscribed, by connection."""
    return [len(link.guest.streams) for link in binance.stream.links]


async def test_a_server_that_says_it_will_go_down_is_left_before_it_does_and_nothing_is_missed(binance, station):
    """serverShutdown: the new connection first, what both bring counts once."""
    station.begin()
    await until(lambda: station.pump.subscribed == tuple(sorted(NAMES)) and station.warm, "a warm station")
    binance.faults.cause(Planned(fault=Fault(kind=Kind.FAREWELL, delay_s=600.0)), wall_ms())
    most = [0]

    def handed():
        most[0] = max(most[0], len(streams(binance)))
        return station.rounds.succession.handed >= 1

    await until(handed, "the succession")
    await until(lambda: streams(binance) == [9], "one connection that carries all")
    assert most[0] == 2
    assert not station.pump.links[0].session.leaving
    assert (station.pump.gaps, station.pump.reconnects, station._engine.gaps) == (0, 0, 0)
    assert station._engine.duplicates > 0
    trades = station._engine.trades
    await until(lambda: station._engine.trades > trades)


async def test_a_subscription_that_was_refused_is_not_taken_for_one_and_is_asked_for_again(binance, station):
    binance.faults.cause(Planned(fault=Fault(kind=Kind.REGISTER, count=1)), wall_ms())
    station.begin()
    await until(lambda: station.pump.aside.complaints == 1, "the refusal")
    assert station.pump.subscribed == ()
    assert streams(binance) == [0]
    await until(lambda: station.pump.subscribed == tuple(sorted(NAMES)), "the second request")
    await until(lambda: streams(binance) == [9])
    assert binance.log.connections == 1
