"""One market's connections for whoever wants its data: which symbols they carry, and what they bring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.domain.errors import WireSurprise
from core.domain.events import Inbound
from core.domain.policies import MarketPolicy
from core.domain.values import Millis
from core.feed.freshness import Gap
from core.feed.planner import Close, LinkId, Open, carry_out, plan, room
from core.feed.rates import Rates
from core.feed.session import Session
from core.venues.spec import Channel, StreamSpec, Topic
from streamer.link import Link
from streamer.seats import Seats
from streamer.transport import transport

log = logging.getLogger(__name__)


class Hub:
    """The streaming half of a market's unified data. `took` gets every event, `dark` the symbols of a lost connection.

    awake     is market data to be expected at a moment
    seats     how few registrations are shared out, where the venue counts them
    reconnects, surprises   connections lost, frames that did not read, since the start
    """

    def __init__(
        self,
        spec: StreamSpec,
        policy: MarketPolicy,
        took: Callable[[Sequence[Inbound], Millis], None],
        dark: Callable[[frozenset[str]], None],
        *,
        clock: Callable[[], Millis],
        dice: Callable[[], float],
        awake: Callable[[Millis], bool] = lambda at: True,
        seats: Seats | None = None,
    ) -> None:
        self._spec, self._policy, self._dark = spec, policy, dark
        self.took = took
        self._clock, self._dice, self._awake, self._seats = clock, dice, awake, seats
        self._connects = Rates(spec.connects_per_s)
        self._transport = transport(policy.stream.transport)
        self._links: dict[LinkId, Link] = {}
        self._tasks: dict[LinkId, asyncio.Task[None]] = {}
        self.reconnects = self.surprises = 0

    def odd(self, frame: bytes, surprise: WireSurprise, at: Millis) -> None:
        self.surprises += 1
        log.warning("a frame did not read", extra={"outcome": "surprise", "why": str(surprise)})

    def came_back(self, link: Link, gap: Gap) -> None:
        log.info("market data is back", extra={"outcome": "back", "missed_ms": gap.end - gap.start})

    def lost(self, link: Link, why: str, at: Millis) -> None:
        self.reconnects += 1
        log.warning("connection lost", extra={"outcome": "lost", "link": link.number, "why": why})
        self._dark(link.symbols)

    @property
    def subscribed(self) -> frozenset[str]:
        """Symbols that were asked for on connections that are up."""
        return frozenset(channel.symbol for link in self._links.values() for channel in link.session.asked)

    def carry(self, wanted: Mapping[str, frozenset[Topic]]) -> None:
        """Change the subscriptions to these topics of these symbols; a symbol that stays never moves."""
        if self._seats is not None:
            self._share_out(self._seats, list(wanted))
            return
        limit = room(self._policy.stream.per_connection, self._spec.channels_per_connection, len(self._spec.topics))
        layout = {number: link.symbols for number, link in self._links.items()}
        steps = plan(list(wanted), layout, limit, self._policy.stream.connections)
        for step in steps:
            match step:
                case Open(number):
                    self._open(number)
                case Close(number):
                    del self._links[number]
                    self._tasks.pop(number).cancel()
        for number, symbols in carry_out(steps, layout).items():
            self._links[number].want(symbols, self._channels(symbols, wanted))

    async def close(self) -> None:
        """Say goodbye on every connection."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _channels(self, symbols: frozenset[str], wanted: Mapping[str, frozenset[Topic]]) -> frozenset[Channel]:
        details = self._policy.stream.details
        return frozenset(
            Channel(topic, symbol, details.get(topic.value, "")) for symbol in symbols for topic in wanted[symbol]
        )

    def _share_out(self, seats: Seats, wanted: Sequence[str]) -> None:
        for number, berth in enumerate(seats.berths):
            if number not in self._links:
                self._open(number, berth.url, seats.ticket(number))
        sessions = {number: link.session for number, link in self._links.items()}
        for number, channels in seats.share_out(wanted, (), sessions, self._clock()).items():
            self._links[number].want(frozenset(channel.symbol for channel in channels), channels)

    def _open(self, number: LinkId, url: str = "", ticket: Callable[[str], Awaitable[str]] | None = None) -> None:
        name = f"data-{self._spec.market.value}-{number}-{int(self._dice() * 2**32):08x}"
        link = Link(
            number,
            Session(self._spec, self._policy.stream, name, self._awake),
            self._policy.stream,
            self._transport,
            self,
            clock=self._clock,
            dice=self._dice,
            gate=self._gate,
            url=url,
            ticket=ticket,
        )
        self._links[number], self._tasks[number] = link, asyncio.create_task(link.run(), name=name)

    async def _gate(self) -> None:
        """Take the next turn to connect from this address, and wait for it."""
        at = self._clock()
        turn = self._connects.ready(at)
        self._connects.took(turn)
        await asyncio.sleep((turn - at) / 1000)
