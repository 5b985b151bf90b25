"""The product's own quotes against the simulated KIS: calls counted by the simulator (A1, B1, B2, E12, D17)."""

import asyncio
import time
from itertools import count

import msgspec
import pytest

from core.adapters.dynamo.budget import DynamoBudget
from core.adapters.dynamo.tokens import DynamoVault
from core.adapters.http import HttpQuotes
from core.adapters.keyring import ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.app.lookout import Lookout
from core.app.scan import Scanning
from core.app.scan import run as scan
from core.domain.errors import Refused, WrongEnvironment
from core.domain.levels import SafeSet, Scan
from core.domain.policies import Environment, KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy, UniversePolicy
from core.domain.values import DAY, MINUTE, Market, Millis
from core.simulators.host import wall_ms
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS
from core.simulators.kis_limits import usual
from core.simulators.kis_market import KrxMarket
from core.venues.spec import purse, venue
from tests.cloud import create

START = 1_790_134_742_000
numbers = count(1)


class Hand:
    """A clock that only sleeping moves."""

    def __init__(self, at=START):
        self.at = at

    def __call__(self):
        return Millis(self.at)

    def sleep(self, seconds):
        self.at += round(seconds * 1000)


def stocks(sim):
    """At most 250 of the simulator's: it has some odd ones more than it is asked for."""
    return tuple(sim.market.lines)[:250]


def policy_of(sim, environment=Environment.REAL):
    return MarketPolicy(
        rest=RestPolicy(url=sim.rest_url, backoff_s=(0.05, 0.1, 0.2, 0.4)),
        stream=StreamPolicy(url=sim.stream_url),
        keys=(KeyPolicy(environment=environment),),
        universe=UniversePolicy(listed=tuple((symbol, "", "") for symbol in stocks(sim))),
    )


def function(sim, clock, sleep, vault, budget, *, environment=Environment.REAL, key=KEYS[0]):
    """One process: its own keys, quotes and lookout."""
    policy = policy_of(sim, environment)
    secrets = EnvSecrets({"HOGA_SECRET_KIS_APP_KEY": key.app_key, "HOGA_SECRET_KIS_APP_SECRET": key.app_secret})
    there = venue(Market.KRX, policy)
    keys = ring(there.rest, policy, secrets, vault, budget, clock, sleep, lambda: 0.5, lambda: f"f{next(numbers)}")
    quotes = HttpQuotes(
        there.rest, policy.rest, budget, clock, sleep, lambda: 0.5, sign=keys["kis_app_key"], purse=purse(environment)
    )
    shelf = MemoryShelf(clock)
    shelf.write(SafeSet(market=Market.KRX, at=clock(), safe=stocks(sim), excluded=()))
    return Lookout(
        market=Market.KRX, policy=policy, venue=there, shelf=shelf, quotes=quotes, alerts=MemoryAlerts(), clock=clock,
        pause=sleep,
    )  # fmt: skip


def serving(symbols, clock, flavour=Environment.REAL, **limits):
    market = KrxMarket(seed=3, start=clock(), issues=listing(symbols, []))
    return KisSimulator(market, flavour=flavour, limits=msgspec.structs.replace(usual(flavour), **limits), clock=clock)


def alone(sim, clock, **options):
    return function(sim, clock, clock.sleep, MemoryVault(), MemoryBudget(), **options)


class NoPasses:
    def ask(self, market, after_s, at):
        raise AssertionError("nobody asked for a second pass")


async def test_a_scan_of_250_symbols_takes_nine_calls_and_one_token():
    clock = Hand()
    async with serving(250, clock) as sim:
        lookout = alone(sim, clock)

        done = await asyncio.to_thread(scan, lookout, NoPasses(), second=True)

        assert (done.outcome, done.calls, done.snapshots) == (Scanning.SCANNED, 9, 250)
        assert sim.log.groups["rest"] == 9
        assert sim.log.calls["/oauth2/tokenP"] == 1
        assert sim.log.refusals == {}
        rows = lookout.shelf.read(Scan, Market.KRX).snapshots
        assert all(row.bid and row.ask and row.spread is not None for row in rows)


async def test_the_listing_names_every_stock_and_a_halted_one_is_flagged():
    clock = Hand()
    async with serving(12, clock) as sim:
        lookout = alone(sim, clock)

        rows = await asyncio.to_thread(lookout.quotes.listing, lookout.policy.universe)

        assert [row.instrument.symbol for row in rows] == list(stocks(sim))
        assert all(row.name and row.name != row.instrument.symbol for row in rows)
        assert sim.log.refusals == {}


async def test_candles_and_books_of_the_simulator_read():
    clock = Hand()
    async with serving(12, clock) as sim:
        quotes = alone(sim, clock).quotes

        days = await asyncio.to_thread(quotes.bars, "005930", DAY, 30)
        minutes = await asyncio.to_thread(quotes.bars, "005930", MINUTE, 40)
        fives = await asyncio.to_thread(quotes.bars, "005930", Millis(5 * MINUTE), 30)
        [book] = await asyncio.to_thread(quotes.books, ["005930"], 10)

        assert len(days) == 30
        assert len(fives) == 30
        assert [bar.opens for bar in minutes] == sorted({bar.opens for bar in minutes})
        assert minutes[-1].opens <= clock()
        assert 0 < book.bid < book.ask
        assert sim.log.refusals == {}


async def test_the_busiest_are_named_and_one_call_says_whether_a_stock_stands_still():
    clock = Hand()
    async with serving(12, clock) as sim:
        quotes = alone(sim, clock).quotes

        ranked = await asyncio.to_thread(quotes.busiest, 5)
        sim.market.lines["005930"].interrupted = True
        state = await asyncio.to_thread(quotes.state, "005930")

        values = [sim.market.lines[symbol].value for symbol in ranked]
        assert (len(ranked), values) == (5, sorted(values, reverse=True))
        assert (state.halted, state.interrupted) == (False, True)
        assert sim.log.groups["rest"] == 2
        assert sim.log.refusals == {}


async def test_open_days_are_told():
    clock = Hand()
    async with serving(12, clock) as sim:
        said = await asyncio.to_thread(alone(sim, clock).quotes.holidays, "2026-09-23")

        assert said["2026-09-23"] is True
        assert said["2026-09-26"] is False  # a Saturday


async def test_a_token_that_expired_is_renewed_once_and_nobody_notices():
    clock = Hand()
    async with serving(12, clock) as sim:
        lookout = alone(sim, clock)
        symbols = list(stocks(sim))
        await asyncio.to_thread(lookout.quotes.tickers, symbols, "KRW")
        clock.at += 90_000
        sim.keys.expire()

        rows = await asyncio.to_thread(lookout.quotes.tickers, symbols, "KRW")

        assert len(rows) == len(stocks(sim))
        assert sim.log.calls["/oauth2/tokenP"] == 2
        assert sim.log.refusals == {"EGW00123": 1}


async def test_a_key_of_the_other_environment_gets_its_token_and_then_a_refusal_that_names_the_settings():
    clock = Hand()
    async with serving(12, clock) as sim:
        lookout = alone(sim, clock, key=KEYS[2])

        with pytest.raises(WrongEnvironment, match="keys"):
            await asyncio.to_thread(lookout.quotes.tickers, ["005930"], "KRW")
        assert sim.log.calls["/oauth2/tokenP"] == 1


async def test_the_mock_environment_is_asked_stock_by_stock_within_its_one_call_a_second():
    clock = Hand()
    async with serving(12, clock, Environment.MOCK) as sim:
        lookout = alone(sim, clock, environment=Environment.MOCK, key=KEYS[2])

        rows = await asyncio.to_thread(lookout.quotes.tickers, list(stocks(sim)), "KRW")
        with pytest.raises(Refused):
            await asyncio.to_thread(lookout.quotes.bars, "005930", Millis(7), 1)

        assert len(rows) == len(stocks(sim))
        assert sim.log.refusals == {}


@pytest.mark.cloud
async def test_three_functions_at_once_stay_under_the_shared_budget_and_buy_one_token(dynamo):
    """B2, E12: three processes, one state table, real time."""
    tables = create(dynamo)
    async with serving(250, wall_ms) as sim:

        def process():
            client = tables.client()
            vault, budget = DynamoVault(tables.state, client), DynamoBudget(tables.state, client)
            there = function(sim, wall_ms, time.sleep, vault, budget)
            size, symbols = there.venue.rest.batch, list(stocks(sim))
            return sum(len(there.quotes.tickers(symbols[at : at + size], "KRW")) for at in range(0, 250, size))

        assert await asyncio.gather(*(asyncio.to_thread(process) for _ in range(3))) == [250, 250, 250]
        assert sim.log.groups["rest"] == 27
        assert sim.log.busiest["rest"] <= 18
        assert sim.log.calls["/oauth2/tokenP"] == 1
        assert sim.log.refusals == {}
