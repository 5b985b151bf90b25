"""Everything that can go wrong on the wire, at random, against a whole station: what must still hold (issue 5).

`python tests/benchmarks/chaos.py --venue upbit --minutes 10` shows what happens as it happens and ends with 1 where a
promise was broken. `--speed 6` lets time pass six times as fast for the simulator, the station and their timers alike.

    promises   every candle that is not marked equals the simulator's own
               every marked one has a reason
               subscriptions equal the wanted set within 5 s of each recovery
               not one message or call over any limit, as the simulator counts
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import selectors
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
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
from core.domain.values import MINUTE, SPANS, Market, Millis  # noqa: E402
from core.simulators.binance import BinanceSimulator  # noqa: E402
from core.simulators.binance_pairs import listing as pairs  # noqa: E402
from core.simulators.coins import listing as coins  # noqa: E402
from core.simulators.faults import Fault, Kind, Planned  # noqa: E402
from core.simulators.limits import Limits  # noqa: E402
from core.simulators.market import SimulatedMarket  # noqa: E402
from core.simulators.upbit import UpbitSimulator  # noqa: E402
from core.venues.spec import Topic, venue  # noqa: E402
from streamer.ports import Ports  # noqa: E402
from streamer.station import Station  # noqa: E402

OUTAGE_S = 60.0
RECOVERY_S = 5.0
CALM_S = (2.0, 5.0, 10.0, 75.0)
"""Between two faults: mostly moments, so that one falls into the repair of another, and at times a whole candle."""
SETTLED_MS = 10_000
"""Candles are compared once they have been over for this long."""
CANDLES = ("/v1/candles", "/api/v3/klines")


class FastSelector(selectors.DefaultSelector):
    """Waits a fraction of what it is asked to."""

    speed = 1.0

    def select(self, timeout=None):
        return super().select(timeout if timeout is None else timeout / self.speed)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock runs `speed` times as fast: every timer of every program on it does."""

    def __init__(self, speed: float) -> None:
        selector = FastSelector()
        selector.speed, self._speed, self._began = speed, speed, time.monotonic()
        super().__init__(selector)

    def time(self) -> float:
        return self._began + (time.monotonic() - self._began) * self._speed


@dataclass
class Report:
    """What was found. `broken` says which promises did not hold."""

    seconds: float = 0.0
    faults: Counter = field(default_factory=Counter)
    compared: Counter = field(default_factory=Counter)
    differing: list = field(default_factory=list)
    unexplained: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    recoveries: list = field(default_factory=list)
    refusals: dict = field(default_factory=dict)
    reasons: Counter = field(default_factory=Counter)
    gaps: Counter = field(default_factory=Counter)
    trades: int = 0
    reconnects: int = 0

    def broken(self, recovery_s: float = RECOVERY_S) -> list[str]:
        slow = [f"{kind} {took:.1f} s" for kind, took in self.recoveries if took > recovery_s]
        return [
            *(f"a whole candle differs: {each}" for each in self.differing),
            *(f"a marked candle has no reason: {each}" for each in self.unexplained),
            *(f"a candle is missing: {each}" for each in self.missing),
            *(f"subscribed again too late: {each}" for each in slow),
            *(f"over a limit: {reason} x {count}" for reason, count in self.refusals.items()),
        ]


class Chaos:
    """One run. `say` is told what happens; `calm` are the seconds between two faults."""

    def __init__(
        self, market: Market, seconds: float, speed: float, seed: int, folder: Path, say=lambda line: None, calm=CALM_S
    ):
        self.calm = calm
        self.market, self.seconds, self.speed, self.folder, self.say = market, seconds, speed, folder, say
        self.dice, self.report = random.Random(seed), Report(seconds=seconds)
        self._mono, self._wall = time.monotonic(), time.time_ns() // 1_000_000
        self.told: dict = {}
        self.seed = seed

    def clock(self) -> Millis:
        return Millis(self._wall + int((time.monotonic() - self._mono) * 1000 * self.speed))

    def simulator(self):
        if self.market is Market.BINANCE:
            return BinanceSimulator(seed=self.seed, pairs=pairs()[:8], clock=self.clock)
        market = SimulatedMarket(seed=self.seed, start=self.clock(), coins=coins()[:8])
        return UpbitSimulator(market, clock=self.clock, limits=Limits(snapshot_ms=20))

    def station(self, simulator, shelf: MemoryShelf) -> Station:
        policy = MarketPolicy(
            rest=RestPolicy(url=simulator.rest_url),
            stream=StreamPolicy(url=simulator.stream_url, connections=2, per_connection=4, reconnects_alert=3),
            watch=WatchPolicy(max_ws_subs=8, subscribe_cooldown_s=0.0, refresh_s=0.5),
            indicators=IndicatorPolicy(warmup=20),
        )
        books, budget, spec = MemoryBooks(), MemoryBudget(), venue(self.market)
        ports = Ports(
            shelf=shelf,
            leases=books.leases,
            ledger=books.ledger,
            signals=MemorySignals(),
            alerts=MemoryAlerts(),
            quotes=lambda market: HttpQuotes(
                spec.rest, policy.rest, budget, self.clock, lambda s: time.sleep(s / self.speed), random.random
            ),
            clock=self.clock,
            dice=random.Random(self.seed).random,
            host="chaos",
            say=lambda line: None,
            stage="test",
        )
        station = Station(spec, policy, ports, self.folder)
        station._engine.on_candle = self._keep
        return station

    async def run(self) -> Report:
        async with self.simulator() as simulator:
            self.simulated, shelf = simulator, MemoryShelf()
            self.names = sorted(simulator.market.lines)
            self.wanted = set(self.names[:6])
            self._target(shelf)
            self.on_air = self.station(simulator, shelf)
            task = asyncio.create_task(self.on_air.run())
            self._done, self.began = set(), self.clock()
            await self._recovered("start")
            self.report.recoveries.clear()  # the start is no recovery: levels are read first
            try:
                await self._trouble(shelf)
                await asyncio.sleep(SETTLED_MS / 1000)
                await self._compare()
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                await self.on_air.finish(1.0)
        return self.report

    async def _trouble(self, shelf: MemoryShelf) -> None:
        """One fault after another, each over before the next; the outage in the middle."""
        ends, outage = self.clock() + self.seconds * 1000, self.clock() + self.seconds * 400
        while self.clock() < ends or outage:
            if outage and self.clock() >= outage:
                outage = 0
                await self._cause(Fault(kind=Kind.REFUSE, for_s=OUTAGE_S), OUTAGE_S)
            else:
                await self._one_of_many()
            if self.dice.random() < 0.3:
                self._retarget(shelf)
            await self._recovered("fault")
            await asyncio.sleep(self.dice.choice(self.calm))

    async def _one_of_many(self) -> None:
        lasting, still = self.dice.uniform(6.0, 10.0), self.dice.uniform(0.5, 10.0)
        path = CANDLES[self.market is Market.BINANCE]
        fault, lasts_s = self.dice.choice(
            [
                (Fault(kind=Kind.DROP), 0.5),
                (Fault(kind=Kind.HALF_FRAME), 0.5),
                (Fault(kind=Kind.STALL, for_s=still), still),
                (Fault(kind=Kind.HALF_JSON, count=self.dice.randint(1, 3)), 1.0),
                (Fault(kind=Kind.DUPLICATE, for_s=lasting), lasting),
                (Fault(kind=Kind.REORDER, for_s=lasting), lasting),
                (Fault(kind=Kind.LATE, for_s=lasting, delay_s=0.8), lasting),
                (Fault(kind=Kind.HTTP, status=429, retry_after=1.0, for_s=lasting, path=path), 0.5),
                (Fault(kind=Kind.SLOW, delay_s=0.5, for_s=lasting, path=path), 0.5),
                (None, 0.0),
            ]
        )
        if fault is not None:
            await self._cause(fault, lasts_s)
            return
        slow_s = self.dice.uniform(0.5, 2.0)
        self.report.faults["slow read"] += 1
        self.say(f"{self._since():7.1f} s  the reader stands still for {slow_s:.1f} s")
        time.sleep(slow_s / self.speed)  # noqa: ASYNC251 - the whole loop: what is written to us piles up

    async def _cause(self, fault: Fault, lasts_s: float) -> None:
        self.report.faults[fault.kind.value] += 1
        self.say(f"{self._since():7.1f} s  {fault.kind.value} for {fault.for_s:.0f} s")
        self.simulated.faults.cause(Planned(fault=fault), self.clock())
        await asyncio.sleep(lasts_s + 0.2)

    async def _recovered(self, kind: str) -> None:
        """How long until the venue has exactly what is wanted, on connections that are up."""
        began, patience = self.clock(), self.clock() + 120_000
        while self._subscribed() != self.wanted and self.clock() < patience:  # noqa: ASYNC110 - behind a socket
            await asyncio.sleep(0.05)
        self.report.recoveries.append((kind, (self.clock() - began) / 1000))
        self.say(f"{self._since():7.1f} s  subscribed after {(self.clock() - began) / 1000:.1f} s")

    def _subscribed(self) -> set[str]:
        """Symbols that have every topic, as the simulator says."""
        have: Counter = Counter()
        if self.market is Market.BINANCE:
            for link in self.simulated.stream.links:
                have.update(stream.partition("@")[0].upper() for stream in link.guest.streams)
        else:
            for link in self.simulated.stream._board.connections:
                asks = link.guest.subscriber.asks
                have.update(code for ask in asks if ask.realtime for code in ask.codes)
        topics = sum(topic is not Topic.ORDERS for topic in venue(self.market).stream.topics)
        return {name for name, count in have.items() if count == topics}

    def _retarget(self, shelf: MemoryShelf) -> None:
        """The first two stay for ever, of the others some."""
        self.wanted = set(self.names[:2]) | set(self.dice.sample(self.names[2:], self.dice.randint(2, 4)))
        self._target(shelf)

    def _target(self, shelf: MemoryShelf) -> None:
        rows = tuple(Candidate(name, 1.0) for name in sorted(self.wanted))
        shelf.write(Targets(market=self.market, at=self.clock(), version=self.clock(), candidates=rows))

    def _keep(self, bar) -> None:
        self.told[bar.instrument.symbol, bar.span, bar.opens] = bar

    async def _compare(self) -> None:
        engine, pump = self.on_air._engine, self.on_air.pump
        end = self.clock() - SETTLED_MS
        self.simulated.turn()
        for symbol in self.names:
            if state := engine.snapshot(symbol):
                for series in state.candles.series:
                    for candle in series.closed:
                        self._judge(symbol, series.span, candle, end)
        for (symbol, span, _), bar in self.told.items():
            if engine.snapshot(symbol) is None:
                self._judge(symbol, span, bar, end)
        for symbol in self.names[:2]:
            self._complete(symbol, end)
        self.report.trades, self.report.reconnects = engine.trades, pump.reconnects
        self.report.gaps = Counter(self.on_air.rounds.continuity.found, lost=pump.gaps)
        crowded = ("over the limit", "429", "418", "weight")
        self.report.refusals = {
            reason: count
            for reason, count in self.simulated.log.refusals.items()
            if any(word in reason for word in crowded)
        }

    def _judge(self, symbol: str, span: int, candle, end: int) -> None:
        if candle.opens < self.began - span or candle.opens + span > end or (symbol, span, candle.opens) in self._done:
            return
        self._done.add((symbol, span, candle.opens))
        self.report.compared[candle.quality] += 1
        if candle.quality != "whole":
            self.report.reasons[f"{candle.quality}: {candle.reason}"] += 1
            if not candle.reason:
                self.report.unexplained.append((symbol, span, candle.opens))
            return
        ours = (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.value)
        theirs = self._theirs(symbol, span, candle.opens)
        if theirs is None or not all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(ours, theirs, strict=True)):
            self.report.differing.append((symbol, span // MINUTE, candle.opens - self.began, ours, theirs))

    def _theirs(self, symbol: str, span: int, opens: int):
        rows = self.simulated.market.lines[symbol].minutes(opens, opens + span).rows()
        if not rows:
            return None
        high, low = max(row.high for row in rows), min(row.low for row in rows)
        volume, value = sum(row.volume for row in rows), sum(row.value for row in rows)
        return rows[0].open, high, low, rows[-1].close, volume, value

    def _complete(self, symbol: str, end: int) -> None:
        """A symbol that was wanted all the time has a candle, marked or not, for every minute that traded."""
        state = self.on_air._engine.snapshot(symbol)
        have = {candle.opens for candle in state.candles.series[SPANS.index(MINUTE)].closed}
        first = self.began // MINUTE * MINUTE + MINUTE
        for row in self.simulated.market.lines[symbol].minutes(first, end // MINUTE * MINUTE).rows():
            if row.opens not in have:
                self.report.missing.append((symbol, row.opens - self.began))

    def _since(self) -> float:
        return (self.clock() - self.began) / 1000


def chaos(market: Market, seconds: float, *, speed=1.0, seed=1, folder: Path, say=lambda line: None, calm=CALM_S):
    """Run it on a loop of its own; `seconds` of market time."""

    async def run() -> Report:
        return await Chaos(market, seconds, speed, seed, folder, say, calm).run()

    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        return runner.run(run())


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--venue", choices=[Market.UPBIT.value, Market.BINANCE.value], default=Market.UPBIT.value)
    words.add_argument("--minutes", type=float, default=10.0, help="of market time")
    words.add_argument("--speed", type=float, default=1.0)
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    say = lambda line: print(line, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = chaos(
            Market(asked.venue), asked.minutes * 60, speed=asked.speed, seed=asked.seed, folder=Path(folder), say=say
        )
    for name in ("faults", "gaps", "compared", "reasons", "refusals", "trades", "reconnects"):
        print(f"{name:12} {dict(found) if isinstance(found := getattr(report, name), dict) else found}")
    slowest = max((took for _, took in report.recoveries), default=0.0)
    print(f"{'recoveries':12} {len(report.recoveries)}, the slowest after {slowest:.1f} s")
    broken = report.broken()
    for each in broken:
        print(f"BROKEN       {each}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
