"""One market's connections and its engine: frames come in by the links, effects leave by the outbox."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from core.domain.effects import Announce
from core.domain.engine import Engine
from core.domain.errors import WireSurprise
from core.domain.events import Bar, Book, Inbound, OrderNotice, Ticker, Trade
from core.domain.messages import Alert, Kind
from core.domain.policies import StreamPolicy
from core.domain.values import HOUR, Millis
from core.feed.freshness import Gap
from core.feed.latency import Latency
from core.feed.planner import Close, Join, Leave, LinkId, Open, carry_out, plan, room
from core.feed.rates import Rates
from core.feed.session import Session
from core.venues.spec import Channel, StreamSpec, Topic
from streamer.aside import Aside
from streamer.link import Link, Taker
from streamer.outbox import Outbox
from streamer.quarantine import Quarantine
from streamer.seats import Seats
from streamer.transport import Transport, transport

MARKET = (Trade, Book, Ticker, Bar)
KINDS = frozenset(MARKET)
TORN = 1_000
"""Frames that did not read and wait for somebody to ask what they cost, at most."""
log = logging.getLogger(__name__)


class Pump:
    """The streaming half of one market.

    last_data          our clock at the newest market data, 0 before the first
    reconnects, gaps   since the start; `added` and `removed` count symbols subscribed and dropped
    on_gap             called with the symbols of a link and the stretch that it missed
    on_notice          called with each notice of an order, whosever it is
    awake              is market data to be expected at a moment
    seats              how few registrations are shared out, where the venue counts them
    opener             opens lines, if not the transport of the settings
    torn               frames that did not read, and when, until somebody asks what they cost
    resting            symbols that are left out of the subscriptions for a moment, to be subscribed anew
    wanted             symbols that should be subscribed, best first
    firm               symbols that are held or have an open order: they get registrations before all others
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
        on_notice: Callable[[OrderNotice], None] = lambda notice: None,
        awake: Callable[[Millis], bool] = lambda at: True,
        seats: Seats | None = None,
        opener: Transport | None = None,
    ) -> None:
        self.market = spec.market
        self._spec, self._policy, self._engine, self._outbox = spec, policy, engine, outbox
        self._clock, self._dice, self._on_gap = clock, dice, on_gap
        self._awake, self.seats = awake, seats
        self._opener = opener or transport(policy.transport)
        self._step, self._run, self._put = engine.step, engine.run, outbox.put
        self._connects = Rates(spec.connects_per_s)
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._losses: deque[Millis] = deque()
        self._past = Counter[str]()
        self._taker: Taker = self.took
        self._told_of_losses = False
        self.links: dict[LinkId, Link] = {}
        self.torn: deque[tuple[bytes, Millis]] = deque(maxlen=TORN)
        self.resting: frozenset[str] = frozenset()
        self.wanted: tuple[str, ...] = ()
        self.firm: tuple[str, ...] = ()
        self.quarantine = Quarantine(spec.market, folder)
        self.aside = Aside(spec, engine, self.quarantine, on_notice)
        self.latency = Latency()
        self.last_data = Millis(0)
        self.reconnects = self.gaps = self.added = self.removed = 0

    def took(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """The hot path: every event of one frame goes through the engine before the socket is read again.

        No task, no log line and no dictionary is made here for market data; a test reads the bytecode.
        """
        if self.latency.trades(inbound, at) < len(inbound) and not KINDS.issuperset(map(type, inbound)):
            self._sorted(inbound, at)
            return
        self.last_data = at
        if effects := self._run(inbound):  # type: ignore[arg-type]  # all of them are market data
            self._put(effects)

    def _sorted(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """The same where one of them is no market data, in their order."""
        for item in inbound:
            if not isinstance(item, MARKET):
                self._put(self.aside.take(item))
                continue
            self.last_data = at
            if effects := self._step(item):
                self._put(effects)

    def odd(self, frame: bytes, surprise: WireSurprise, at: Millis) -> None:
        self.torn.append((frame, at))
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
        self.wanted = tuple(wanted)
        if self.seats is not None:
            self._share_out(self.seats, wanted)
            return
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
                    self._close(number)
        for number, symbols in carry_out(steps, layout).items():
            if symbols != self.links[number].symbols:
                self._want(number, symbols)

    @property
    def subscribed(self) -> tuple[str, ...]:
        """Symbols that the venue has been asked for on connections that are up."""
        asked = (channel for link in self.links.values() for channel in link.session.asked)
        return tuple(sorted({channel.symbol for channel in asked if channel.topic is not Topic.ORDERS}))

    @property
    def connected(self) -> bool:
        """Whether every connection is up; true where nothing is wanted."""
        return all(link.up for link in self.links.values())

    @property
    def last_frame(self) -> Millis:
        """Our clock at the newest frame, 0 before the first."""
        return max((link.session.last_heard for link in self.links.values()), default=Millis(0))

    @property
    def cut(self) -> tuple[str, ...]:
        """Symbols that are wanted and have no registration, best first: only the scan sees them."""
        return self.seats.cut if self.seats is not None else ()

    @property
    def lingering(self) -> frozenset[str]:
        """Symbols that are not wanted any more and stream on for a while."""
        return self.seats.lingering if self.seats is not None else frozenset()

    @property
    def strays(self) -> int:
        """Answers of the venue about nothing that was asked."""
        return self._past["strays"] + sum(link.session.strays for link in self.links.values())

    @property
    def frames(self) -> int:
        return self._past["frames"] + sum(link.session.frames for link in self.links.values())

    @property
    def others(self) -> int:
        """Frames that read and held no market data."""
        return self._past["others"] + sum(link.session.others for link in self.links.values())

    def _share_out(self, seats: Seats, wanted: Sequence[str]) -> None:
        """Give the registrations to those who get them. A key's connection is opened when it first has one to carry."""
        before = frozenset[str]().union(*(link.symbols for link in self.links.values()))
        sessions = {number: link.session for number, link in self.links.items()}
        for number, channels in seats.share_out(wanted, self.firm, sessions, self._clock()).items():
            if channels and number not in self.links:
                self._open(number, seats.berths[number].url, seats.ticket(number))
            if number in self.links:
                symbols = frozenset(channel.symbol for channel in channels if channel.topic is not Topic.ORDERS)
                self.links[number].want(symbols, [each for each in channels if each.symbol not in self.resting])
        after = frozenset[str]().union(*(link.symbols for link in self.links.values()))
        self.added += len(after - before)
        self.removed += len(before - after)

    def divert(self, took: Taker) -> None:
        """Let another take what the connections bring; `self.took` takes it back."""
        self._taker = took
        for link in self.links.values():
            link.deliver(took)

    def succeed(self, number: LinkId, heir: Link, task: asyncio.Task[None]) -> None:
        """Let `heir`, which carries the same and runs already, stand in for a connection; that one is closed."""
        self._close(number)
        self.links[number], self._tasks[number] = heir, task

    def rest(self, symbols: frozenset[str]) -> None:
        """Leave these symbols, and no others, out of the subscriptions until told otherwise."""
        changed, self.resting = self.resting ^ symbols, symbols
        if self.seats is not None:
            self._share_out(self.seats, self.wanted)
            return
        for number, link in self.links.items():
            if link.symbols & changed:
                self._want(number, link.symbols)

    def _close(self, number: LinkId) -> None:
        session = self.links.pop(number).session
        self._past.update(frames=session.frames, others=session.others, strays=session.strays)
        self._tasks.pop(number).cancel()

    def _open(self, number: LinkId, url: str = "", ticket: Callable[[str], Awaitable[str]] | None = None) -> None:
        self.links[number], self._tasks[number] = self.made(number, url, ticket)

    def made(
        self, number: LinkId, url: str = "", ticket: Callable[[str], Awaitable[str]] | None = None
    ) -> tuple[Link, asyncio.Task[None]]:
        """A connection that opens itself, and its task; it carries nothing yet."""
        if self._group is None:
            raise RuntimeError("the pump does not run")
        name = f"hoga-{self.market.value}-{number}-{int(self._dice() * 2**32):08x}"
        link = Link(
            number,
            Session(self._spec, self._policy, name, self._awake),
            self._policy,
            self._opener,
            self,
            clock=self._clock,
            dice=self._dice,
            gate=self._gate,
            url=url,
            ticket=ticket,
        )
        link.deliver(self._taker)
        return link, self._group.create_task(link.run(), name=f"{self.market.value} link {number}")

    def _want(self, number: LinkId, symbols: frozenset[str]) -> None:
        self.links[number].want(symbols, self.channels(symbols))

    def channels(self, symbols: frozenset[str]) -> frozenset[Channel]:
        """What to ask the venue for."""
        details, asked = self._policy.details, symbols - self.resting
        return frozenset(
            Channel(topic, symbol, details.get(topic.value, "")) for symbol in asked for topic in self._spec.topics
        )

    async def _gate(self) -> None:
        """Take the next turn to connect from this address, and wait for it."""
        at = self._clock()
        turn = self._connects.ready(at)
        self._connects.took(turn)
        await asyncio.sleep((turn - at) / 1000)

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
