"""One market on the air: its engine, its connections, and the loops that steer, warm, save and count."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from core.domain.backlog import backlog
from core.domain.engine import Engine
from core.domain.levels import Saved
from core.domain.policies import MarketPolicy
from core.domain.sessions import awake, following
from core.domain.tenure import Shard
from core.domain.values import Millis
from core.domain.watchlist import Wanted
from core.feed.freshness import NEVER
from core.venues.spec import Venue
from streamer import refresh, state
from streamer.continuity import RESTARTED
from streamer.health import Pulse
from streamer.keys import key_desk, nobody
from streamer.outbox import TROUBLE, Outbox
from streamer.ports import Ports
from streamer.pump import Pump
from streamer.rounds import Rounds
from streamer.sights import Sights
from streamer.teller import Teller
from streamer.warmup import Warmup

T = TypeVar("T")
TICK_S = 0.5
"""How often the engine is told the time: time exits and expiries are at most this late."""
FIGURES_ROUNDS = 5
"""Rounds of saving after which the figures for people are written anew."""
log = logging.getLogger(__name__)


class Station:
    """Steers one market, or one shard of it. Nothing here is in the path of a tick.

    live   false for a shadow: it streams what another host still speaks for, and says and writes nothing
    """

    def __init__(
        self, venue: Venue, policy: MarketPolicy, ports: Ports, folder: Path, shard: Shard | None = None
    ) -> None:
        self.market, self._policy, self._ports = venue.market, policy, ports
        self._shard, self.live = shard or Shard(venue.market), True
        self._calendar = venue.rules.calendar
        self._days, self._told = self._calendar(policy.day), dict[str, bool]()
        days = following(lambda: self._days)
        self._engine = Engine(venue.market, policy, venue.rules.link, days=days)
        self._engine.since = NEVER
        self._keys = key_desk(venue, policy, ports)
        self.outbox = Outbox(ports.signals, ports.alerts, policy.stream, clock=ports.clock, dice=ports.dice)
        self._warmup = Warmup(
            ports.quotes(venue.market),
            policy.indicators.warmup,
            self._engine.warm,
            heal=self._engine.heal,
            clock=ports.clock,
            counts=backlog(self._engine.rules, policy.indicators, policy.exits) if venue.rest.history else None,
            ladder_s=policy.rest.backoff_s,
            dice=ports.dice,
        )
        self.pump = Pump(
            venue.stream,
            policy.stream,
            self._engine,
            self.outbox,
            clock=ports.clock,
            dice=ports.dice,
            folder=folder,
            on_gap=self._warmup.fill,
            on_notice=self._keys.took if self._keys else nobody,
            awake=lambda at: self._days.is_open(at),
            seats=self._keys.seats if self._keys else None,
        )
        self.rounds = Rounds(
            venue.stream,
            self._engine,
            self.pump,
            self.outbox,
            clock=ports.clock,
            fill=self._warmup.fill,
            on_pressure=self._recarry,
        )
        self._saver = state.Saver(self._shard, ports.shelf)
        self._sights = Sights(venue.market, self._engine)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"levels-{venue.market.value}")
        self.teller = Teller(ports, self.pump, self._engine, self.outbox, self.rounds)
        self._levels = refresh.Levels()
        self._wanted = Wanted((), {})
        self._carried: frozenset[str] = frozenset()
        self._cut: tuple[str, ...] = ()
        self._top: frozenset[str] | None = None
        self._started = ports.clock()
        self._steered = False

    async def run(self) -> None:
        """Until cancelled; the connections are closed by then, and `finish` does the rest."""
        if not self.live:
            self.outbox.mute()
        async with asyncio.TaskGroup() as group:
            for name, loop in (
                ("pump", self.pump.run),
                ("outbox", self.outbox.run),
                ("warmup", self._warmup.run),
                ("steer", self._steer),
                ("tick", self._tick),
                ("rounds", self.rounds.run),
                ("save", self._save),
                ("count", self.teller.run),
            ):
                group.create_task(loop(), name=f"{self.market.value} {name}")
            if self._keys and self._keys.lane:
                group.create_task(self._keys.lane.run(), name=f"{self.market.value} notices")

    def go_live(self) -> None:
        """What another host spoke for is ours now."""
        if not self.live:
            self.live = True
            self.outbox.speak()

    @property
    def warm(self) -> bool:
        """Whether all that is wanted streams, with its history: another host may go."""
        carried = self.pump.wanted
        fresh = all(link.session.proved and link.session.settled for link in self.pump.links.values())
        return self._steered and fresh and self._warmup.done.issuperset(carried)

    async def finish(self, patience_s: float, *, keep: bool = True) -> None:
        """After `run`: send what waits and, where it is ours to `keep`, write the state once more, each for at most
        `patience_s`."""
        if self._keys and self._keys.lane:
            await self._keys.lane.drain(patience_s)
        await self.outbox.drain(patience_s)
        at = self._ports.clock()
        try:
            async with asyncio.timeout(patience_s):
                if keep and self.live:
                    saved = await self._saver.saved(self._mark(), self._engine, at, self._in_thread)
                    await self._write([saved, self._health(at)])
        except (*TROUBLE, TimeoutError) as fault:
            log.error("the state was not written at the end", extra={"outcome": "failed", "why": str(fault)})
        self._warmup.stop()
        if self._keys:
            self._keys.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.teller.say()

    def pulse(self) -> Pulse:
        return Pulse(
            market=self.market.value,
            connected=self.pump.connected,
            subscribed=len(self.pump.subscribed),
            wanted=len(self._wanted.symbols),
            last_frame=self.pump.last_frame,
            frames=self.pump.frames,
            reconnects=self.pump.reconnects,
            waiting=len(self.outbox),
        )

    async def _steer(self) -> None:
        """Bring back what was saved, then follow the levels for ever. Trouble with the tables keeps the last ones."""
        await self._restore()
        while True:
            try:
                self._levels = await self._in_thread(lambda: self._read(self._levels))
            except TROUBLE as fault:
                log.warning("the levels were not read", extra={"outcome": "retry", "why": str(fault)})
            if self._keys:
                await self._keys.learn()
            self._follow(self._ports.clock())
            self._steered = True
            await asyncio.sleep(self._policy.watch.refresh_s)

    def _read(self, last: refresh.Levels) -> refresh.Levels:
        return refresh.mine(refresh.read(self._ports, self.market, last, self._ports.clock()), self._shard)

    def _follow(self, at: Millis) -> None:
        """Tell the engine what the levels say, then subscribe to what is wanted now."""
        levels, engine = self._levels, self._engine
        if levels.told is not None and levels.told.days != self._told:
            self._told = levels.told.days
            self._days = self._calendar(self._policy.day, self._told)
            engine.redate()
        if levels.references is not None:
            engine.references(levels.references)
        if levels.safe is not None:
            engine.names(levels.safe.names)
        engine.safe(refresh.buyable_from(levels, self._policy, at))
        self.outbox.put(engine.hold(levels.positions, at))
        if gone := refresh.left_the_top(self._top, levels):
            self.outbox.put(engine.removed(gone, at))
        self._top = refresh.members(levels) if levels.top is not None else self._top
        self._carry(self._wants(at))

    def _wants(self, at: Millis) -> Wanted:
        """What to subscribe now: nothing while the market is closed, until shortly before it opens (B6)."""
        if not awake(at, self._days):
            return Wanted((), self._wanted.cooldowns)
        return refresh.choose(self._levels, self._wanted.symbols, self._wanted.cooldowns, self._policy, at)

    def _carry(self, wanted: Wanted) -> None:
        gone, new = set(self._wanted.symbols) - set(wanted.symbols), set(wanted.symbols) - set(self._wanted.symbols)
        if gone or new:
            extra = {"outcome": "changed", "wanted": len(wanted.symbols), "added": len(new), "removed": len(gone)}
            log.info("the wanted symbols changed", extra=extra)
        self._wanted = wanted
        self.pump.firm = refresh.firm(self._levels)
        self._recarry()

    def _recarry(self) -> None:
        """Subscribe to what is wanted, as far as the pressure of the moment allows (D11)."""
        fitting = self.rounds.fit([symbol for symbol in self._wanted.symbols if self._shard.has(symbol)])
        self.pump.carry(fitting)
        carried = self.pump.lingering.union(fitting)
        self._engine.forget(self._carried - carried)
        self._carried = carried
        self._tell_cut()
        self._warmup.want(fitting)

    def _tell_cut(self) -> None:
        """Name the symbols that got no registration, each time that it is others than before."""
        if self.pump.cut != self._cut:
            self._cut = self.pump.cut
            extra = {"outcome": "cut", "count": len(self._cut), "symbols": " ".join(self._cut)}
            log.warning("wanted symbols have no registration: only the scan sees them", extra=extra)

    async def _restore(self) -> None:
        """Go on where the last process was killed: its symbols are subscribed before the levels are even read."""
        saved, at = await self._last_saved(), self._ports.clock()
        known = saved is not None and self._engine.restore(state.pieces_of(saved.engine))
        await self._recall(saved.at if saved is not None and known else None, at)
        if saved is None:
            return
        if not known:
            log.warning("the saved engine is of other settings", extra={"outcome": "skipped"})
        self._top = frozenset(saved.top) if saved.top else None
        cooldowns = {symbol: ends for symbol, ends in saved.cooldowns.items() if ends > at}
        self._carry(Wanted(saved.wanted if awake(at, self._days) else (), cooldowns))
        for symbol in saved.wanted:
            self._engine.gap(symbol, saved.at, at, RESTARTED)
        self.rounds.continuity.restored(saved.wanted, saved.at)
        extra = {"outcome": "restored", "wanted": len(saved.wanted), "age_ms": at - saved.at}
        log.info("state restored", extra=extra)

    async def _recall(self, saved: Millis | None, at: Millis) -> None:
        """What was bought in the seconds after the state was written is bought by its signal: no second one of it.

        saved  None where no state was read (a kill before the first save, other settings): then all of the day counts
        """
        since = Millis(0 if saved is None else saved - round(self._policy.stream.save_s * 1000))
        day = self._days.day_of(at)
        try:
            bought = await self._in_thread(lambda: state.bought_since(self._ports.ledger, self.market, day, since))
        except TROUBLE as fault:
            log.warning("the last buys were not read", extra={"outcome": "skipped", "why": str(fault)})
            return
        for order in bought:
            self._engine.said(order.instrument.symbol, order.reason, order.signal)

    async def _last_saved(self) -> Saved | None:
        try:
            return await self._in_thread(self._saver.last)
        except TROUBLE as fault:
            log.warning("no saved state", extra={"outcome": "skipped", "why": str(fault)})
            return None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if effects := self._engine.tick(self._ports.clock()):
                self.outbox.put(effects)

    async def _save(self) -> None:
        """Write how we are every round, and the whole state when it is worth it."""
        while True:
            await asyncio.sleep(self._policy.stream.save_s)
            if not self.live:
                continue
            at, mark = self._ports.clock(), self._mark()
            values: list[msgspec.Struct] = [state.buyable(self.market, self._engine, at), self._health(at)]
            values += self._sights.due(self._wanted.symbols, self._wanted.cooldowns, at)
            if self._saver.round % FIGURES_ROUNDS == 0:
                values.append(self.teller.figures(at))
            if self._saver.due(mark):
                values.append(await self._saver.saved(mark, self._engine, at, self._in_thread))
            try:
                await self._write(values)
            except TROUBLE as fault:
                log.warning("the state was not written", extra={"outcome": "retry", "why": str(fault)})

    def _health(self, at: Millis) -> msgspec.Struct:
        return state.health(self.pump, self._engine, self._ports.host, self._started, at)

    def _mark(self) -> state.Mark:
        top = tuple(sorted(self._top or ()))
        return state.Mark(self._wanted.symbols, self._wanted.cooldowns, self.outbox.signals.taken, top)

    async def _write(self, values: list[msgspec.Struct]) -> None:
        await self._in_thread(lambda: self._saver.write(values))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
