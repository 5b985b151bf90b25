"""One market's connections and its engine: frames come in by the links, effects leave by the outbox."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from core.domain.effects import Announce
from core.domain.engine import Engine
from core.domain.errors import WireSurprise
from core.domain.events import Beat, Complaint, Inbound, Trade
from core.domain.messages import Alert, Kind
from core.domain.policies import StreamPolicy
from core.domain.values import HOUR, Millis
from core.feed.freshness import Gap
from core.feed.latency import Latency
from core.feed.planner import Close, Join, Leave, LinkId, Open, carry_out, plan, room
from core.feed.rates import Rates
from core.feed.session import Session
from core.venues.spec import Channel, StreamSpec
from streamer.link import Link
from streamer.outbox import Outbox
from streamer.quarantine import Quarantine
from streamer.transport import transport

NO_DATA = (Beat, Complaint)
log = logging.getLogger(__name__)


class Pump:
    """The streaming half of one market.

    last_data          our clock at the newest market data, 0 before the first
    reconnects, gaps   since the start; `added` and `removed` count symbols subscribed and dropped
    on_gap             called with the symbols of a link and the stretch that it missed
    """

    def __init__(
        self,
        spec: StreamSpec,
        policy: StreamPolicy,
        engine: Engine,
        outbox: Outbox,
        *,
        clock: Callable[[], Millis],
        dice: Callable[[], float],
        folder: Path,
        on_gap: Callable[[frozenset[str], Gap], None],
    ) -> None:
        self.market = spec.market
        self._spec, self._policy, self._engine, self._outbox = spec, policy, engine, outbox
        self._clock, self._dice, self._on_gap = clock, dice, on_gap
        self._step, self._put = engine.step, outbox.put
        self._connects = Rates(spec.connects_per_s)
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._losses: deque[Millis] = deque()
        self._told_of_losses = False
        self.links: dict[LinkId, Link] = {}
        self.quarantine = Quarantine(spec.market, folder)
        self.latency = Latency()
        self.last_data = Millis(0)
        self.reconnects = self.gaps = self.added = self.removed = self.complaints = 0

    def took(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """The hot path: every event of one frame goes through the engine before the socket is read again.

        No task, no log line and no dictionary is made here for market data; a test reads the bytecode.
        """
        for item in inbound:
            if type(item) is Trade:
                if not item.replayed:
                    self.latency.add(at - item.at)
            elif isinstance(item, NO_DATA):
                self._aside(item)
                continue
            self.last_data = at
            effects = self._step(item)
            if effects:
                self._put(effects)

    def odd(self, frame: bytes, surprise: WireSurprise, at: Millis) -> None:
        self._put(self.quarantine.keep(frame, surprise, at))

    def came_back(self, link: Link, gap: Gap) -> None:
        self.gaps += 1
        extra = {"outcome": "back", "link": link.number, "missed_ms": gap.end - gap.start}
        log.info("market data is back", extra=extra)
        for symbol in link.symbols:
            self._engine.gap(symbol, gap.start, gap.end)
        self._on_gap(link.symbols, gap)

    def lost(self, link: Link, why: str, at: Millis) -> None:
        self.reconnects += 1
        log.warning("connection lost", extra={"outcome": "lost", "link": link.number, "why": why})
        self._losses.append(at)
        while self._losses[0] <= at - HOUR:
            self._losses.popleft()
        over = len(self._losses) > self._policy.reconnects_alert
        if over and not self._told_of_losses:
            self._put([Announce(self._restless(len(self._losses), why, at))])
        self._told_of_losses = over

    async def run(self) -> None:
        """Hold the task group that the links live in, until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            await asyncio.Event().wait()

    def carry(self, wanted: Sequence[str]) -> None:
        """Change the subscriptions to `wanted`, best first: at once, without a new connection while one has room."""
        limit = room(self._policy.per_connection, self._spec.channels_per_connection, len(self._spec.topics))
        layout = {number: link.symbols for number, link in self.links.items()}
        steps = plan(wanted, layout, limit, self._policy.connections)
        for step in steps:
            match step:
                case Open(number):
                    self._open(number)
                case Join(_, symbols):
                    self.added += len(symbols)
                case Leave(_, symbols):
                    self.removed += len(symbols)
                case Close(number):
                    del self.links[number]
                    self._tasks.pop(number).cancel()
        for number, symbols in carry_out(steps, layout).items():
            if symbols != self.links[number].symbols:
                self._want(number, symbols)

    @property
    def subscribed(self) -> tuple[str, ...]:
        """Symbols that the venue has been asked for on connections that are up."""
        return tuple(sorted({channel.symbol for link in self.links.values() for channel in link.session.asked}))

    @property
    def connected(self) -> bool:
        """Whether every connection is up; true where nothing is wanted."""
        return all(link.up for link in self.links.values())

    @property
    def last_frame(self) -> Millis:
        """Our clock at the newest frame, 0 before the first."""
        return max((link.session.last_heard for link in self.links.values()), default=Millis(0))

    @property
    def frames(self) -> int:
        return sum(link.session.frames for link in self.links.values())

    def _open(self, number: LinkId) -> None:
        if self._group is None:
            raise RuntimeError("the pump does not run")
        link = Link(
            number,
            Session(self._spec, self._policy, f"hoga-{self.market.value}-{number}-{int(self._dice() * 2**32):08x}"),
            self._policy,
            transport(self._policy.transport),
            self,
            clock=self._clock,
            dice=self._dice,
            gate=self._gate,
        )
        self.links[number] = link
        self._tasks[number] = self._group.create_task(link.run(), name=f"{self.market.value} link {number}")

    def _want(self, number: LinkId, symbols: frozenset[str]) -> None:
        channels = frozenset(Channel(topic, symbol) for symbol in symbols for topic in self._spec.topics)
        self.links[number].want(symbols, channels)

    async def _gate(self) -> None:
        """Take the next turn to connect from this address, and wait for it."""
        at = self._clock()
        turn = self._connects.ready(at)
        self._connects.took(turn)
        await asyncio.sleep((turn - at) / 1000)

    def _aside(self, item: Inbound) -> None:
        if isinstance(item, Complaint):
            self.complaints += 1
            self._put(self.quarantine.complained(item))

    def _restless(self, losses: int, why: str, at: Millis) -> Alert:
        return Alert(
            id=f"{self.market.value}:reconnects:{at}",
            kind=Kind.RECONNECTS,
            at=at,
            market=self.market,
            condition=f"reconnects in an hour > {self._policy.reconnects_alert}",
            value=float(losses),
            threshold=float(self._policy.reconnects_alert),
            memo=why,
        )
