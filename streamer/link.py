"""One connection's life: open, drive, lose, wait, open again. What to say and when to hang up, the session decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, assert_never

from core.domain.effects import Action, Hangup, Ping, Quarantine, Send
from core.domain.errors import Refused, Transient, WireSurprise
from core.domain.events import Inbound
from core.domain.policies import StreamPolicy
from core.domain.values import Millis
from core.feed.backoff import pause_ms
from core.feed.freshness import NEVER, Gap
from core.feed.session import Session
from core.venues.spec import Channel
from streamer.transport import GOING_AWAY, Line, Transport, answers

KNOCK_S = 1.0
"""How often a venue that gave no answer at all is knocked at, so that a long wait ends soon after it is back (D6)."""
LEAST_S = 0.005
"""Shortest time between two looks of the watchdog."""


Taker = Callable[[Sequence[Inbound], Millis], None]


class Sink(Protocol):
    """Who gets what a link brings. Everything here is called on the event loop and must return at once."""

    def took(self, inbound: Sequence[Inbound], at: Millis) -> None:
        """The events of one frame."""

    def odd(self, frame: bytes, surprise: WireSurprise, at: Millis) -> None:
        """A frame that did not read."""

    def came_back(self, link: Link, gap: Gap) -> None:
        """Market data flows again after a loss."""

    def lost(self, link: Link, why: str, at: Millis) -> None:
        """The connection broke, or could not be opened."""


class Link:
    """One connection to a venue, kept for ever: `run` ends only when it is cancelled.

    url      where it goes, if not to the policy's address
    ticket   fetches what opens a connection, where the venue asks for one; it is given the one that was refused last
    """

    def __init__(
        self,
        number: int,
        session: Session,
        policy: StreamPolicy,
        transport: Transport,
        sink: Sink,
        *,
        clock: Callable[[], Millis],
        dice: Callable[[], float],
        gate: Callable[[], Awaitable[None]],
        url: str = "",
        ticket: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self.number, self.session, self.symbols = number, session, frozenset[str]()
        self._url, self._ticket = url or policy.url, ticket
        self._policy, self._transport, self._sink = policy, transport, sink
        self._clock, self._dice, self._gate = clock, dice, gate
        self._line: Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = session.received
        self._took: Taker = sink.took
        self._missed = self._fruitful = False

    @property
    def up(self) -> bool:
        return self._line is not None

    @property
    def unread(self) -> int:
        """Bytes that were received for it and are not read yet."""
        return self._line.unread() if self._line is not None else 0

    def want(self, symbols: frozenset[str], channels: Collection[Channel]) -> None:
        """Change what this connection carries, without a new connection; the order may count (`Session.want`)."""
        self.symbols = symbols
        self._perform(self.session.want(channels, self._clock()))
        self._watch_next()

    def deliver(self, took: Taker) -> None:
        """Give the events of later frames to `took`."""
        self._took = took

    def frame(self, body: bytes) -> None:
        """One message by itself, whatever it holds."""
        at = self._clock()
        try:
            inbound = self._received(body, at)
        except WireSurprise as surprise:
            self._sink.odd(body, surprise, at)
            return
        self._took(inbound, at)
        if self._missed:
            self._look_for_the_gap(at)
        if self.session.stirred:
            self._watch()

    def frames(self, bodies: list[bytes]) -> None:
        """What one wake-up read, nearly always one message: decode, step, and back to the socket. There is one look at
        the clock and one step for all their market data; where there is anything else, each is taken by itself."""
        at = self._clock()
        if (inbound := self.session.several(bodies, at)) is None:
            for body in bodies:
                self.frame(body)
            return
        self._took(inbound, at)
        if self._missed:
            self._look_for_the_gap(at)

    def sign(self) -> None:
        """A pong: the line lives."""
        self.session.heard(self._clock())

    async def run(self) -> None:
        """Keep the connection; a try that brought no market data makes the next wait longer."""
        attempt = 0
        try:
            while True:
                await self._gate()
                why, dark = await self._live()
                attempt = 0 if self._fruitful else attempt
                self._sink.lost(self, why, self._clock())
                await self._rest(pause_ms(self._policy.backoff_s, attempt, self._dice) / 1000, dark)
                attempt += 1
        finally:
            await self._shut()

    async def _live(self) -> tuple[str, bool]:
        """One connection from opening to loss: why it ended, and whether the venue gave no answer at all."""
        self.session.proved = self._fruitful = False
        if self._ticket is not None:
            try:
                self.session.ticket(await self._ticket(self.session.spent))
            except (Transient, Refused) as fault:
                return str(fault), False
        try:
            self._line = await self._transport(self._url, self)
        except Transient as fault:
            return str(fault), "status" not in fault.facts
        self._perform(self.session.opened(self._clock()))
        self._watch_next()
        why = await self._line.gone()
        self._line, self._fruitful = None, self.session.fruitful
        suspected = self.session.lost(self._clock())
        self._missed = True
        return f"{why}; {suspected}" if suspected else why, False

    async def _rest(self, seconds: float, dark: bool) -> None:
        """Wait before the next try. Where the venue was dark, the wait also ends when it answers anything again."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while (left := ends - loop.time()) > 0:
            await asyncio.sleep(min(left, KNOCK_S) if dark else left)
            if dark and loop.time() < ends and await answers(self._url, KNOCK_S):
                return

    def _look_for_the_gap(self, at: Millis) -> None:
        if self.session.proved:
            self._missed = False
            if gap := self.session.gap(at):
                self._sink.came_back(self, gap)

    def _perform(self, actions: Sequence[Action]) -> None:
        if (line := self._line) is None:
            return
        for action in actions:
            match action:
                case Send(body, text):
                    line.send(body, text)
                case Ping():
                    line.ping()
                case Hangup(reason):
                    line.drop(reason)
                case Quarantine(frame, surprise):
                    self._sink.odd(frame, surprise, self._clock())
                case _:
                    assert_never(action)

    def _watch(self) -> None:
        """The one timer of a connection. Frames only move stamps; this looks at them when they may have run out, and
        at once where a frame asks for something."""
        self._perform(self.session.waited(self._clock()))
        self._watch_next()

    def _watch_next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.session.due
        if due < NEVER:
            wait_s = max(LEAST_S, (due - self._clock()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._watch)

    async def _shut(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if (line := self._line) is not None:
            self._line = None
            await line.close(GOING_AWAY)
        self.session.lost(self._clock())
