"""A station at the end of the firehose of `overload.py`, and what it did about it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from contextlib import suppress
from decimal import Decimal

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.queue import MemoryAlerts, MemorySignals
from core.adapters.memory.shelf import MemoryShelf
from core.domain.leases import Lock
from core.domain.levels import Candidate, Targets
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, StreamPolicy, WatchPolicy
from core.domain.positions import Position
from core.domain.values import MINUTE, Instrument, Market, Millis
from core.venues.upbit import VENUE
from streamer.ports import Ports
from streamer.station import Station
from tests.benchmarks.overload import QUANTITY

RESTORED_S = 900.0
"""How long it may take until all is subscribed again: each step is taken back after half a minute or more of calm."""

BUSY_S = 120.0
"""How much longer it may take until anything is shed, where others keep the source from making its messages."""


class Silent:
    """Quotes of a venue that has no history."""

    def bars(self, symbol, span, count, before):
        return []


class Overloaded:
    """One run; the first symbol is held."""

    def __init__(self, source, symbols: int, folder, say) -> None:
        self._source, self._say = source, say
        self.names = [f"KRW-C{number:02d}" for number in range(symbols)]
        self.held = self.names[0]
        self.steps: list[str] = []
        self.wrong: list[str] = []
        self.worst = self.peak = 0
        self.station = self._station(folder)

    def _station(self, folder) -> Station:
        wall = lambda: Millis(time.time_ns() // 1_000_000)
        policy = MarketPolicy(
            rest=RestPolicy(url="http://127.0.0.1:1"),
            stream=StreamPolicy(url=f"ws://127.0.0.1:{self._source.port}/"),
            watch=WatchPolicy(max_ws_subs=len(self.names), subscribe_cooldown_s=0.0, refresh_s=0.2),
            indicators=IndicatorPolicy(warmup=0),
        )
        shelf, books = MemoryShelf(), MemoryBooks()
        rows = tuple(Candidate(name, 1.0 - place / 100) for place, name in enumerate(self.names))
        shelf.write(Targets(market=Market.UPBIT, at=wall(), version=1, candidates=rows))
        about, one = Instrument(Market.UPBIT, self.held), Decimal(1_000)
        position = Position(
            instrument=about, worker="w", quantity=Decimal(1), cost=one, fees=Decimal(0), price=one, opened=wall(),
            signal="s", rule="fall", reference=one,
        )  # fmt: skip
        books.leases._put(Lock(instrument=about, fence=1, position=position))
        ports = Ports(
            shelf=shelf, leases=books.leases, ledger=books.ledger, signals=MemorySignals(), alerts=MemoryAlerts(),
            quotes=lambda market: Silent(), clock=wall, dice=random.Random(3).random, host="overload",
            say=lambda line: None, stage="overload",
        )  # fmt: skip
        return Station(VENUE, policy, ports, folder)

    async def run(self, seconds: float, rate: int, calm_rate: int, before_s: float) -> dict:
        """`before_s`: how long it is calm first, to learn what no lag is."""
        task = asyncio.create_task(self.station.run())
        self._source.rate(calm_rate)
        try:
            await self._until(self._complete, 60.0)
            await asyncio.sleep(before_s)
            self._source.rate(rate)
            await self._until(lambda: False, seconds)
            await self._until(lambda: self.peak > 1, BUSY_S)
            self._source.rate(calm_rate)
            await self._until(lambda: self._complete() and self.steps[-1:] == ["calm"], RESTORED_S)
            self._source.rate(0)
            return await self._found()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.station.finish(1.0)

    def _complete(self) -> bool:
        return set(self.station.pump.subscribed) == set(self.names)

    async def _until(self, condition, patience_s: float) -> None:
        ends, told = time.monotonic() + patience_s, 0.0
        while time.monotonic() < ends and not condition():
            await asyncio.sleep(0.05)
            relief = self.station.rounds.relief
            if self.steps[-1:] != [relief.pressure.step.value]:
                self.steps.append(relief.pressure.step.value)
            self.worst = max(self.worst, relief.lag_ms)
            self.peak = max(self.peak, relief.pressure.level)
            if self.held not in self.station.pump.subscribed and self.station._engine.trades:
                self.wrong.append("the held symbol was not subscribed")
            if time.monotonic() - told >= 1.0:
                told = time.monotonic()
                subscribed, frames = len(self.station.pump.subscribed), self.station.pump.frames
                unread = self.station.rounds.lag.unread // 1024
                step = f"{relief.pressure.step.value} {relief.pressure.level}"
                self._say(
                    f"{frames:10} frames, lag {relief.lag_ms:6} ms, {unread:6} KB unread, {step}, {subscribed} on"
                )

    async def _found(self) -> dict:
        """What was sent of the held symbol, and what its candles say, once all of it has come."""
        trades = self._source.sent()[self.held]
        symbol = self.station._engine.snapshot(self.held)
        await self._until(lambda: math.isclose(self._volume(symbol), trades * QUANTITY), 60.0)
        return {
            "steps": self.steps, "deepest": self.peak, "worst_lag_ms": self.worst, "held_trades": trades,
            "held_volume": self._volume(symbol), "exact": math.isclose(self._volume(symbol), trades * QUANTITY),
            "books_dropped": self.station.rounds.conflation.dropped, "restored": self._complete(),
            "wrong": sorted(set(self.wrong)),
        }  # fmt: skip

    @staticmethod
    def _volume(symbol) -> float:
        series = symbol.series(MINUTE)
        return sum(candle.volume for candle in [*series.closed, *([series.forming] if series.forming else [])])
