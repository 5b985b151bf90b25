"""One connection to a venue's stream as a machine without a socket: frames and times in, events and actions out.

    SHUT  --opened--> OPEN   the whole wanted set is asked for at once
    OPEN  --waited--> HUNG   the line was mute, or frames came without market data, for too long: one Hangup
    OPEN, HUNG --lost--> SHUT

Rules of the machine:
  1. Any frame proves the line; only market data proves the data.
  2. What is wanted is kept while SHUT and asked for when the connection opens; a change never needs a new connection.
  3. A venue that `replaces` is sent the whole set; any other is sent what is released, then what is new.
  4. Nothing goes out above the venue's message rates: a change waits for its turn, and changes that wait become one.
  5. A connection on which nothing was asked for is told nothing, and is never stale.
  6. Silence is measured against `at`; a clock set back starts the measurement anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from core.domain.effects import Action, Hangup, Ping, Send
from core.domain.errors import WireSurprise
from core.domain.events import Bar, Book, Inbound, Ticker, Trade
from core.domain.policies import StreamPolicy
from core.domain.values import Millis
from core.feed.freshness import NEVER, Gap, deadline, verdict
from core.feed.rates import Rates
from core.venues.spec import Channel, StreamSpec

DATA = frozenset({Trade, Book, Ticker, Bar})
NOTHING: frozenset[Channel] = frozenset()
SPARE = 4
"""Messages of each minute that requests leave to the heartbeat (at most; a tenth of a small limit)."""


class Phase(StrEnum):
    SHUT = "shut"
    OPEN = "open"
    HUNG = "hung"


class Session:
    """See the rules above. `ticket` names this connection to the venue.

    frames, surprises, sent   what came, what did not read, what was said, over all of its lives
    opens                     how often it was opened
    proved                    whether market data came since it was last opened
    """

    __slots__ = (
        "_asked", "_decode", "_fresh", "_heard", "_mute_ms", "_ping_ms", "_rates", "_silent_since", "_spare",
        "_spec", "_spoke", "_stale_ms", "_ticket", "_unsent", "_wanted", "frames", "opens", "phase", "proved",
        "sent", "surprises",
    )  # fmt: skip

    def __init__(self, spec: StreamSpec, policy: StreamPolicy, ticket: str) -> None:
        self._spec, self._ticket, self._decode = spec, ticket, spec.decode
        self._mute_ms = _ms(policy.mute_s, spec.mute_s)
        self._stale_ms = _ms(policy.stale_s, spec.stale_s)
        self._ping_ms = _ms(policy.ping_s, spec.ping_s)
        self._rates = Rates(spec.messages_per_s, spec.messages_per_min)
        self._spare = min(SPARE, spec.messages_per_min // 10)
        self._wanted = self._asked = NOTHING
        self._unsent: deque[bytes] = deque()
        self._heard = self._fresh = self._spoke = Millis(0)
        self._silent_since: Millis | None = None
        self.phase, self.proved = Phase.SHUT, False
        self.frames = self.surprises = self.sent = self.opens = 0

    def want(self, channels: frozenset[Channel], at: Millis) -> list[Action]:
        """Change what is wanted; what may be said at once is in the answer, the rest comes from `waited`."""
        self._wanted = channels
        return self._speak(at)

    def opened(self, at: Millis) -> list[Action]:
        self.phase, self.proved = Phase.OPEN, False
        self.opens += 1
        self._asked = NOTHING
        self._unsent.clear()
        self._rates.forget()
        self._heard = self._fresh = self._spoke = at
        return self._speak(at)

    def received(self, frame: bytes, at: Millis) -> Sequence[Inbound]:
        """Read one frame. Raises WireSurprise and nothing else; the connection goes on after it."""
        self._heard = at
        self.frames += 1
        try:
            inbound = self._decode(frame, at)
        except WireSurprise:
            self.surprises += 1
            raise
        for item in inbound:
            if item.__class__ in DATA:
                self._fresh = at
                self.proved = True
                break
        return inbound

    def heard(self, at: Millis) -> None:
        """A control frame (a pong) came: it proves the line."""
        self._heard = at

    def waited(self, at: Millis) -> list[Action]:
        """What time alone asks for: a deferred request, a heartbeat, a hang-up. Call it at `due`, or more often."""
        if self.phase is not Phase.OPEN:
            return []
        self._mind_the_clock(at)
        if reason := verdict(at, self._heard, self._fresh if self._asked else None, self._mute_ms, self._stale_ms):
            self.phase = Phase.HUNG
            return [Hangup(reason)]
        return self._speak(at) or self._beat(at)

    def lost(self, at: Millis) -> None:
        """The connection is gone. What is wanted stays wanted."""
        if self.phase is not Phase.SHUT and self._asked and self._silent_since is None:
            self._silent_since = min(self._fresh, at)
        self.phase = Phase.SHUT

    def gap(self, at: Millis) -> Gap | None:
        """The stretch that was missed, told once, when data has come again after a loss; None where there is none."""
        if not self.proved or self._silent_since is None:
            return None
        start, self._silent_since = self._silent_since, None
        return Gap(start, at)

    @property
    def due(self) -> Millis:
        """When `waited` may next have something to do."""
        if self.phase is not Phase.OPEN:
            return NEVER
        silence = deadline(self._fresh, self._stale_ms) if self._asked else NEVER
        speech = self._rates.ready(Millis(0), self._spare) if self._has_more() else NEVER
        beat = max(deadline(self._spoke, self._ping_ms), self._rates.ready(Millis(0)))
        return min(deadline(self._heard, self._mute_ms), silence, speech, beat)

    @property
    def last_heard(self) -> Millis:
        """When the newest frame came, or when it was opened last; 0 before that."""
        return self._heard

    @property
    def asked(self) -> frozenset[Channel]:
        """What the venue was last asked for on this connection; empty while there is none."""
        return self._asked if self.phase is Phase.OPEN else NOTHING

    @property
    def settled(self) -> bool:
        """Whether all that is wanted has been asked for."""
        return self.phase is Phase.OPEN and not self._has_more()

    def _has_more(self) -> bool:
        return bool(self._unsent) or self._wanted != self._asked

    def _speak(self, at: Millis) -> list[Action]:
        said: list[Action] = []
        while self.phase is Phase.OPEN and self._has_more() and self._rates.ready(at, self._spare) <= at:
            if not self._unsent:
                self._draft(at)
            if self._unsent:
                said.append(Send(self._unsent.popleft()))
                self._said(at)
        return said

    def _draft(self, at: Millis) -> None:
        """Word the newest want, only now that it may be said: what changed while waiting is one request."""
        if not self._asked:
            self._fresh = at
        gone, new = self._asked - self._wanted, self._wanted - self._asked
        self._asked = self._wanted
        if self._spec.replaces:
            self._unsent.extend(self._spec.request(self._wanted, self._ticket))
            return
        if gone:
            self._unsent.extend(self._spec.release(gone, self._ticket))
        if new:
            self._unsent.extend(self._spec.request(new, self._ticket))

    def _beat(self, at: Millis) -> list[Action]:
        if at < deadline(self._spoke, self._ping_ms) or self._rates.ready(at) > at:
            return []
        self._said(at)
        return [Ping() if self._spec.heartbeat is None else Send(self._spec.heartbeat)]

    def _said(self, at: Millis) -> None:
        self._rates.took(at)
        self._spoke = at
        self.sent += 1

    def _mind_the_clock(self, at: Millis) -> None:
        if at < self._heard:
            self._heard = self._fresh = self._spoke = at
            self._rates.forget()


def _ms(owner: float | None, venue: float) -> Millis:
    """Seconds as ms: the owner's figure where there is one, else the venue's."""
    return Millis(round((venue if owner is None else owner) * 1000))
