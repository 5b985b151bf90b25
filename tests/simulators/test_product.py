"""The product's own REST adapter against the simulated venue: within the limits, and patient where it is refused (B2, B3)."""

import asyncio
import time

from core.adapters.http import HttpQuotes
from core.adapters.memory.budget import MemoryBudget
from core.domain.policies import RestPolicy, UniversePolicy
from core.domain.values import DAY, Market
from core.simulators.faults import Fault, Kind, Planned
from core.simulators.host import wall_ms
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from core.venues.spec import venue


def quotes(sim: UpbitSimulator, budget: MemoryBudget) -> HttpQuotes:
    rest = RestPolicy(url=sim.rest_url, backoff_s=(0.01, 0.02, 0.04, 0.08))
    return HttpQuotes(venue(Market.UPBIT).rest, rest, budget, wall_ms, time.sleep, lambda: 0.5)


async def test_three_askers_with_one_budget_make_not_one_call_over_the_limit():
    async with UpbitSimulator(SimulatedMarket(seed=7, start=wall_ms())) as sim:
        budget = MemoryBudget()
        symbols = [symbol for symbol in sim.market.lines if symbol.startswith("KRW")]

        def load(share: list[str]) -> int:
            asker = quotes(sim, budget)
            return sum(len(asker.bars(symbol, DAY, 21)) for symbol in share)

        rows = await asyncio.gather(*(asyncio.to_thread(load, symbols[i:21:3]) for i in range(3)))
        assert sum(rows) == 21 * 21
        assert sim.log.refusals == {}
        assert sim.log.busiest["candles"] <= 10


async def test_a_429_and_a_503_are_outlasted():
    async with UpbitSimulator(SimulatedMarket(seed=7, start=wall_ms())) as sim:
        for status in (429, 503):
            sim.faults.cause(Planned(fault=Fault(kind=Kind.HTTP, status=status, retry_after=0.0)), sim.clock())
        asker = quotes(sim, MemoryBudget())
        assert len(await asyncio.to_thread(asker.listing, UniversePolicy())) == 40
        assert asker.calls == 3
