"""A thousand pairs of Binance and all KRW markets of Upbit at once in one streamer, live against the simulators (D5).

`python tests/benchmarks/bench_scale.py --minutes 5` says every half minute how much is subscribed, how far processing
lags, what it costs, and ends with 1 where a symbol is missing. The simulators run in a process of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.adapters.http import HttpQuotes  # noqa: E402
from core.adapters.memory.books import MemoryBooks  # noqa: E402
from core.adapters.memory.budget import MemoryBudget  # noqa: E402
from core.adapters.memory.queue import MemoryAlerts, MemorySignals  # noqa: E402
from core.adapters.memory.shelf import MemoryShelf  # noqa: E402
from core.domain.levels import Candidate, Targets  # noqa: E402
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, StreamPolicy, WatchPolicy  # noqa: E402
from core.domain.values import Market, Millis  # noqa: E402
from core.simulators.binance import BinanceSimulator  # noqa: E402
from core.simulators.binance_pairs import listing as pairs  # noqa: E402
from core.simulators.coins import Coin  # noqa: E402
from core.simulators.coins import listing as coins  # noqa: E402
from core.simulators.market import SimulatedMarket  # noqa: E402
from core.simulators.upbit import UpbitSimulator  # noqa: E402
from core.venues.spec import venue  # noqa: E402
from streamer.ports import Ports  # noqa: E402
from streamer.station import Station  # noqa: E402
from streamer.stopwatch import resident_mb  # noqa: E402

LOOK_S = 30.0
WARMUP = 3
"""Bars of history for each: at the simulated limits a thousand symbols' would take longer than the run."""


def wall_ms() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


async def simulate(binance: int, upbit: int, pace: float) -> None:
    """Both exchanges, until this process is ended; their addresses on standard output."""
    market = SimulatedMarket(
        seed=5, start=wall_ms(), coins=[slower(coin, pace) for coin in coins(upbit) if coin.quote == "KRW"]
    )
    listed = [replace(pair, coin=slower(pair.coin, pace)) for pair in pairs(binance)[:binance]]
    async with BinanceSimulator(seed=5, pairs=listed) as one, UpbitSimulator(market) as two:
        print(one.rest_url, one.stream_url, two.rest_url, two.stream_url, flush=True)
        await asyncio.Event().wait()


def slower(coin: Coin, pace: float) -> Coin:
    return replace(coin, rate=coin.rate * pace, restless=coin.restless * pace)


def station(market: Market, rest: str, stream: str, symbols: list[str], folder: Path) -> Station:
    policy = MarketPolicy(
        rest=RestPolicy(url=rest),
        stream=StreamPolicy(url=stream, connections=6, per_connection=300),
        watch=WatchPolicy(max_ws_subs=len(symbols), subscribe_cooldown_s=0.0),
        indicators=IndicatorPolicy(warmup=WARMUP),
    )
    shelf, books, budget = MemoryShelf(), MemoryBooks(), MemoryBudget()
    rows = tuple(Candidate(symbol, 1.0) for symbol in symbols)
    shelf.write(Targets(market=market, at=wall_ms(), version=1, candidates=rows))
    home = venue(market)
    ports = Ports(
        shelf=shelf, leases=books.leases, ledger=books.ledger, signals=MemorySignals(), alerts=MemoryAlerts(),
        quotes=lambda market: HttpQuotes(home.rest, policy.rest, budget, wall_ms, time.sleep, random.random),
        clock=wall_ms, dice=random.random, host="scale", say=lambda line: None, stage="scale",
    )  # fmt: skip
    return Station(home, policy, ports, folder)


async def run(minutes: float, binance: int, upbit: int, addresses: list[str]) -> int:
    """Symbols that are not subscribed at the end."""
    wanted = {
        Market.BINANCE: [pair.coin.symbol for pair in pairs(binance)[:binance]],
        Market.UPBIT: [coin.symbol for coin in coins(upbit) if coin.quote == "KRW"],
    }
    urls = {Market.BINANCE: addresses[:2], Market.UPBIT: addresses[2:]}
    with tempfile.TemporaryDirectory() as folder:
        stations = {market: station(market, *urls[market], wanted[market], Path(folder)) for market in wanted}
        tasks = [asyncio.create_task(each.run()) for each in stations.values()]
        began, spent = time.monotonic(), time.process_time()
        while (gone := time.monotonic() - began) < minutes * 60:
            await asyncio.sleep(LOOK_S)
            cpu, spent = (time.process_time() - spent) / LOOK_S, time.process_time()
            print(f"{gone + LOOK_S:5.0f} s  {resident_mb():6.1f} MB  {cpu:4.0%} of a core", flush=True)
            for market, each in stations.items():
                print(f"         {market.value:8} {told(each, len(wanted[market]))}", flush=True)
        missing = sum(len(set(wanted[market]) - set(each.pump.subscribed)) for market, each in stations.items())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.finish(1.0) for each in stations.values()))
    return missing


def told(each: Station, wanted: int) -> str:
    pump, relief = each.pump, each.rounds.relief
    heard = sum(symbol.trade is not None for symbol in each._engine.states)
    found = (
        f"{len(pump.subscribed)} of {wanted} on {len(pump.links)} connections, {heard} have traded, {pump.frames} frames, "
        f"{relief.pressure.step.value}, lag at most {relief.worst()} ms, exchange to us p50 {pump.latency.quantile(0.5):.0f} "
        f"p99 {pump.latency.quantile(0.99):.0f} ms, {pump.reconnects} reconnects, gaps {dict(each.rounds.continuity.found)}"
    )
    pump.latency.clear()
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--binance", type=int, default=1000)
    options.add_argument("--upbit", type=int, default=250)
    options.add_argument("--pace", type=float, default=1.0, help="share of the simulators' usual messages")
    options.add_argument("--simulate", action="store_true", help="be the simulators")
    chosen = options.parse_args()
    if chosen.simulate:
        asyncio.run(simulate(chosen.binance, chosen.upbit, chosen.pace))
        return 0
    words = [sys.executable, __file__, "--simulate"]
    words += [f"--binance={chosen.binance}", f"--upbit={chosen.upbit}", f"--pace={chosen.pace}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            addresses = child.stdout.readline().split()
            missing = asyncio.run(run(chosen.minutes, chosen.binance, chosen.upbit, addresses))
        finally:
            with suppress(ProcessLookupError):
                child.terminate()
    print(f"{missing} symbols are missing")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
