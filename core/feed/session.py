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
  7. Where the venue answers each registration, only what it confirmed is held (core/feed/registrations.py); a refusal
     of the connection itself is a Hangup.
  8. While the market is closed no market data is expected.

What a frame asks for (an echo, a hang-up, the next registration) is done by `waited`, which is `stirred` then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final

from core.domain.effects import Action, Hangup, Ping, Send
from core.domain.errors import WireSurprise
from core.domain.events import Acknowledged, Bar, Beat, Book, Complaint, Echo, Farewell, Inbound, Ticker, Trade
from core.domain.policies import StreamPolicy
from core.domain.values import Millis
from core.feed.freshness import NEVER, Gap
from core.feed.rates import Rates
from core.feed.registrations import Registrations
from core.feed.silence import Silence
from core.feed.unanswered import Request, Unanswered, without
from core.venues.spec import Channel, Cure, StreamSpec

DATA: Final = frozenset({Trade, Book, Ticker, Bar})
NOTHING: frozenset[Channel] = frozenset()
ENDING = frozenset({Cure.IN_USE, Cure.RENEW})
"""Refusals of the connection itself: nothing more is said on it."""
SPARE = 4
"""Messages of each minute that requests leave to the heartbeat (at most; a tenth of a small limit)."""


class Phase(StrEnum):
    SHUT = "shut"
    OPEN = "open"
    HUNG = "hung"


class Session:
    """See the rules above. `ticket` names this connection to the venue, or opens it; `awake`: is the market open.

    frames, surprises, sent   what came, what did not read, what was said, over all of its lives
    others                    frames that read and held no market data
    opens                     how often it was opened
    proved                    whether market data came since it was last opened
    stirred                   a frame left something to do for `waited`
    leaving                   the venue said that it will end this connection soon
    spent                     the ticket that was refused, so another is needed before it is opened again; "" for none
    """

    __slots__ = (
        "_asked", "_decode", "_ends", "_rates", "_register", "_replies", "_several", "_silence", "_silent_since",
        "_spare", "_spec", "_ticket", "_unanswered", "_unsent", "_wanted", "frames", "leaving", "opens", "others",
        "phase", "proved", "sent", "spent", "stirred", "surprises",
    )  # fmt: skip

    def __init__(
        self, spec: StreamSpec, policy: StreamPolicy, ticket: str, awake: Callable[[Millis], bool] = lambda at: True
    ) -> None:
        self._spec, self._ticket = spec, ticket
        self._silence = Silence(spec, policy, awake)
        self._decode = spec.decoder() if spec.decoder else spec.decode
        self._several = spec.several or self._each
        self._register = Registrations(spec) if spec.answers else None
        self._unanswered = Unanswered()
        self._rates = Rates(spec.messages_per_s, spec.messages_per_min)
        self._spare = min(SPARE, spec.messages_per_min // 10)
        self._wanted = self._asked = NOTHING
        self._unsent: deque[bytes] = deque()
        self._replies: deque[bytes] = deque()
        self._silent_since: Millis | None = None
        self._ends = ""
        self.phase, self.proved, self.stirred, self.spent = Phase.SHUT, False, False, ""
        self.leaving = False
        self.frames = self.surprises = self.sent = self.opens = self.others = 0

    def ticket(self, text: str) -> None:
        """What opens the next connection; said before `opened`."""
        self._ticket, self.spent = text, ""

    def want(self, channels: Collection[Channel], at: Millis) -> list[Action]:
        """Change what is wanted; what may be said at once is in the answer, the rest comes from `waited`.

        The order counts where the venue takes registrations one by one: the first are made first.
        """
        self._wanted = frozenset(channels)
        if self._register is not None:
            self._register.want(channels)
        return self._speak(at)

    def opened(self, at: Millis) -> list[Action]:
        self.phase, self.proved, self.leaving = Phase.OPEN, False, False
        self.opens += 1
        self._asked, self._ends = NOTHING, ""
        self._unsent.clear()
        self._replies.clear()
        self._unanswered.opened()
        self._rates.forget()
        if self._spec.decoder is not None:
            self._decode = self._spec.decoder()
        self._silence.begin(at)
        return self._speak(at)

    def received(self, frame: bytes, at: Millis) -> Sequence[Inbound]:
        """Read one frame. Raises WireSurprise and nothing else; the connection goes on after it."""
        silence = self._silence
        silence.heard = at
        self.frames += 1
        try:
            inbound = self._decode(frame, at)
        except WireSurprise:
            self.surprises += 1
            raise
        for item in inbound:
            if item.__class__ in DATA:
                silence.fresh = at
                self.proved = True
                return inbound
            self._aside(item, at)
        self.others += 1
        return inbound

    def several(self, frames: Sequence[bytes], at: Millis) -> list[Inbound] | None:
        """Read frames that came together and hold nothing but market data, in their order.

        None, and nothing has happened, where one does not read or holds something else: then each is `received`.
        """
        try:
            inbound = self._several(frames, at)
        except WireSurprise:
            return None
        if not (inbound[0].__class__ in DATA if len(inbound) == 1 else inbound and DATA.issuperset(map(type, inbound))):
            return None
        self._silence.heard = self._silence.fresh = at
        self.frames += len(frames)
        self.proved = True
        return inbound

    def _each(self, frames: Sequence[bytes], at: Millis) -> list[Inbound]:
        inbound: list[Inbound] = []
        for frame in frames:
            inbound += self._decode(frame, at)
        return inbound

    def heard(self, at: Millis) -> None:
        """A control frame (a pong) came: it proves the line."""
        self._silence.heard = at

    def waited(self, at: Millis) -> list[Action]:
        """What time or a frame asks for: an echo, a deferred request, a heartbeat, a hang-up. Call it at `due`, or more
        often, and when `stirred`."""
        self.stirred = False
        if self.phase is not Phase.OPEN:
            return []
        if self._silence.set_back(at):
            self._rates.forget()
        if reason := self._ends or self._silence.verdict(at):
            self.phase = Phase.HUNG
            return [Hangup(reason)]
        for lost in self._unanswered.lapsed(at):
            self._undo(lost, at)
        return [*self._reply(at), *(self._speak(at) or self._beat(at))]

    def lost(self, at: Millis) -> str:
        """The connection is gone; what is wanted stays wanted. Says what is suspected of having broken it, or ""."""
        if self.phase is not Phase.SHUT and self._silence.expected and self._silent_since is None:
            self._silent_since = min(self._silence.fresh, at)
        self.phase = Phase.SHUT
        suspect = None if self._register is None else self._register.lost(at)
        return "" if suspect is None else f"the registration of {suspect.topic.value} may be what breaks the line"

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
        speech = max(self._unanswered.held, self._rates.ready(Millis(0), self._spare)) if self._has_more() else NEVER
        if self._register is not None:
            speech = max(self._rates.ready(Millis(0), self._spare), self._register.due)
        beat = max(self._silence.beat, self._rates.ready(Millis(0)))
        return min(self._silence.due, speech, beat, self._unanswered.due)

    @property
    def last_heard(self) -> Millis:
        """When the newest frame came, or when it was opened last; 0 before that."""
        return self._silence.heard

    @property
    def asked(self) -> frozenset[Channel]:
        """What the venue was last asked for, or where it answers, what it confirmed; empty while there is no line."""
        if self.phase is not Phase.OPEN:
            return NOTHING
        return self._asked if self._register is None else frozenset(self._register.held)

    @property
    def settled(self) -> bool:
        """Whether all that is wanted has been asked for, and confirmed where the venue confirms."""
        if self._register is not None:
            return self.phase is Phase.OPEN and not self._register.unmet
        return self.phase is Phase.OPEN and not (self._has_more() or len(self._unanswered))

    @property
    def fruitful(self) -> bool:
        """Whether it was worth opening: market data came, or the venue confirmed a registration."""
        return self.proved or (self._register is not None and bool(self._register.held))

    @property
    def strays(self) -> int:
        """Answers about nothing that was asked."""
        return 0 if self._register is None else self._register.strays

    def room(self, at: Millis) -> int:
        """Registrations that this connection may have now; 0 where the venue does not count them."""
        return self._spec.slots if self._register is None else self._register.room(at)

    def _aside(self, item: Inbound, at: Millis) -> None:
        """What is no market data and wants something of us."""
        match item:
            case Echo(body=body):
                self._replies.append(body)
            case Acknowledged(topic=topic, symbol=symbol, code=code) if self._register is not None:
                cure = self._register.answered(topic, symbol, code, at)
                if cure in ENDING:
                    self._ends = f"{cure.value}: {code} {item.message}"
                    self.spent = self._ticket if cure is Cure.RENEW else ""
                self._silence.expect(self._register.held, at)
            case Farewell():
                self.leaving = True
                return
            case Beat(about=about) | Complaint(about=about) if about:
                if (refused := self._unanswered.answered(about, type(item) is Beat, at)) is None:
                    return
                self._undo(refused, at)
            case _:
                return
        self.stirred = True

    def _reply(self, at: Millis) -> list[Action]:
        said: list[Action] = []
        while self._replies:
            said.append(Send(self._replies.popleft()))
            self._said(at)
        return said

    def _has_more(self) -> bool:
        return self._register is None and (bool(self._unsent) or self._wanted != self._asked)

    def _speak(self, at: Millis) -> list[Action]:
        if self._register is not None:
            return self._register_next(at, self._register)
        said: list[Action] = []
        if at < self._unanswered.held:
            return said
        while self.phase is Phase.OPEN and self._has_more() and self._rates.ready(at, self._spare) <= at:
            if not self._unsent:
                self._draft(at)
            if self._unsent:
                message = self._unsent.popleft()
                said.append(Send(message))
                self._said(at)
                if self._spec.numbered:
                    self._unanswered.said(self._spec.numbered(message), at)
        return said

    def _register_next(self, at: Millis, register: Registrations) -> list[Action]:
        if self.phase is not Phase.OPEN or self._ends or self._rates.ready(at, self._spare) > at:
            return []
        if (message := register.next(at, self._ticket)) is None:
            return []
        self._said(at)
        return [Send(message)]

    def _draft(self, at: Millis) -> None:
        """Word the newest want, only now that it may be said: what changed while waiting is one request."""
        gone, new = self._asked - self._wanted, self._wanted - self._asked
        self._asked = self._wanted
        self._silence.expect(self._asked, at)
        if self._spec.replaces:
            self._unsent.extend(self._spec.request(self._wanted, self._ticket))
            return
        if gone:
            self._word(gone, adds=False)
        if new:
            self._word(new, adds=True)

    def _word(self, channels: frozenset[Channel], *, adds: bool) -> None:
        """Into messages, each of which is known by its number where the venue answers by it."""
        word = self._spec.request if adds else self._spec.release
        if self._spec.numbered is None:
            self._unsent.extend(word(channels, self._ticket))
            return
        rows, size = sorted(channels), self._spec.batch
        for part in (rows[start : start + size] for start in range(0, len(rows), size)):
            for message in word(frozenset(part), self._ticket):
                self._unanswered.worded(self._spec.numbered(message), adds, part)
                self._unsent.append(message)

    def _undo(self, request: Request, at: Millis) -> None:
        """The venue did not carry this out: it is asked for again with what is wanted then."""
        self._asked = without(self._asked, request)
        self._silence.expect(self._asked, at)

    def _beat(self, at: Millis) -> list[Action]:
        if at < self._silence.beat or self._rates.ready(at) > at:
            return []
        self._said(at)
        return [Ping() if self._spec.heartbeat is None else Send(self._spec.heartbeat)]

    def _said(self, at: Millis) -> None:
        self._rates.took(at)
        self._silence.spoke = at
        self.sent += 1
