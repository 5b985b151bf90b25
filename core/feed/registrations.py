"""Registrations that a venue answers one by one: what is held, what is asked, what comes next and when.

    free --said--> asking --DONE--> held --said--> leaving --DONE--> free

Rules:
  1. Nothing counts as held before the venue said so, and nothing as given up.
  2. One message at a time: the next goes `gap_ms` after the venue's answer to the last, or after that was lost. The
     answer shows that the venue has read the last one, so two are never read nearer together, however late each comes.
  3. The pace reaches over all connections' lives: a reconnect is no reason to hurry.
  4. RETRY, an unknown code and no answer at all are tried again, each time after twice as long.
  5. FULL means that this is all there is for now: one more is tried after a while, ever more rarely.
  6. WRONG is not asked again before it was not wanted for once.
  7. What was unanswered each time when the line broke is left alone for long: it may be what broke it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from core.domain.values import Millis
from core.feed.freshness import NEVER
from core.venues.spec import Channel, Cure, StreamSpec

NOTHING: frozenset[Channel] = frozenset()
ANSWER_MS = 5_000
"""How long an answer is waited for before the message counts as lost."""
RETRY_MS, SLOWEST_MS = 1_000, 60_000
FULL_MS, FULLEST_MS = 5_000, 600_000
CUTS = 3
"""Breaks of the line after which a registration that was unanswered at each is suspected."""


class Registrations:
    """See the rules above.

    held      what the venue said we have on this connection
    wrong     what it will not have, and is not asked again
    strays    answers about nothing that we asked
    refused   answers that were not DONE
    """

    __slots__ = (
        "_again", "_asking", "_cap", "_cuts", "_full", "_leaving", "_probe_at", "_quiet_since", "_spec", "_tries",
        "_wanted", "held", "refused", "strays", "wrong",
    )  # fmt: skip

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._wanted: tuple[Channel, ...] = ()
        self._asking: dict[Channel, Millis] = {}
        self._leaving: dict[Channel, Millis] = {}
        self._again: dict[Channel, Millis] = {}
        self._tries: dict[Channel, int] = {}
        self._cuts: dict[Channel, int] = {}
        self._cap: int | None = None
        self._full, self._probe_at, self._quiet_since = 0, Millis(0), Millis(-(2**40))
        self.held: set[Channel] = set()
        self.wrong: set[Channel] = set()
        self.refused = self.strays = 0

    def want(self, channels: Collection[Channel]) -> None:
        """All that is wanted, the most important first where the order is one."""
        self._wanted = tuple(channels)
        self.wrong.intersection_update(channels)
        for memory in (self._again, self._tries, self._cuts):
            for gone in [channel for channel in memory if channel not in channels and channel not in self.held]:
                del memory[gone]

    def lost(self, at: Millis) -> Channel | None:
        """The connection is gone and all with it. Answers what is suspected of having broken it: see rule 7."""
        open_one = next(iter(self._asking), None)
        if self._unanswered:
            self._quiet_since = at
        self.held.clear()
        self._asking.clear()
        self._leaving.clear()
        if open_one is None:
            return None
        self._cuts[open_one] = min(self._cuts.get(open_one, 0) + 1, CUTS)
        if self._cuts[open_one] < CUTS:
            return None
        self._again[open_one] = Millis(at + FULLEST_MS)
        return open_one

    def next(self, at: Millis, ticket: str) -> bytes | None:
        """The one message that may go now; None where none may or need."""
        self._mind_the_clock(at)
        self._miss(at)
        if (gone := _first(self._releases(), at)) is not None:
            self._leaving[gone] = self._quiet_since = at
            return self._spec.release(frozenset([gone]), ticket)[0]
        if (new := _first(self._requests(), at)) is not None:
            self._asking[new] = self._quiet_since = at
            return self._spec.request(frozenset([new]), ticket)[0]
        return None

    def answered(self, topic: str, symbol: str, code: str, at: Millis) -> Cure:
        """Take one answer; what it means for the connection is in the cure."""
        self._mind_the_clock(at)
        cure = self._spec.cure(code)
        channel = self._meant(topic, symbol, cure)
        self.refused += cure is not Cure.DONE
        if channel is None:
            self.strays += 1
            return cure
        leaving = self._leaving.pop(channel, None) is not None
        self._asking.pop(channel, None)
        self._quiet_since = at
        if cure is Cure.DONE:
            self._done(channel, leaving)
        elif leaving:
            self._later(channel, at)
        else:
            self._denied(channel, cure, at)
        return cure

    def room(self, at: Millis) -> int:
        """Registrations that this connection may have: what the venue allowed, and one more when that may be tried."""
        if self._cap is None:
            return self._spec.slots
        return min(self._cap + (at >= self._probe_at), self._spec.slots)

    @property
    def due(self) -> Millis:
        """When `next` may have something to do, by itself."""
        waits = (Millis(said + ANSWER_MS) for memory in (self._asking, self._leaving) for said in memory.values())
        return min((*waits, *(when for _, when in (*self._releases(), *self._requests()))), default=NEVER)

    @property
    def unmet(self) -> bool:
        """Whether what is held is not yet what is wanted and can be had."""
        return self._unanswered or self.held != set(self._wanted) - self.wrong

    @property
    def _unanswered(self) -> bool:
        return bool(self._asking or self._leaving)

    def _releases(self) -> Iterator[tuple[Channel, Millis]]:
        """What is held and not wanted, and from when on that may be said."""
        if self._unanswered:
            return
        for channel in sorted(self.held.difference(self._wanted)):
            yield channel, self._ready(channel)

    def _requests(self) -> Iterator[tuple[Channel, Millis]]:
        """What is wanted and free, in the order in which it is wanted, and from when on it may be asked for."""
        used = len(self.held)
        cap = self._spec.slots if self._cap is None else self._cap
        if self._unanswered or (self._spec.slots and used >= min(cap + 1, self._spec.slots)):
            return
        soonest = self._probe_at if self._spec.slots and used >= cap else Millis(0)
        taken = self.held | self.wrong
        for channel in self._wanted:
            if channel not in taken:
                yield channel, max(soonest, self._ready(channel))

    def _ready(self, channel: Channel) -> Millis:
        return max(Millis(self._quiet_since + self._spec.gap_ms), self._again.get(channel, Millis(0)))

    def _mind_the_clock(self, at: Millis) -> None:
        """Our clock was set back: every wait is measured anew."""
        if at < self._quiet_since:
            self._quiet_since = self._probe_at = at
            self._asking, self._leaving = dict.fromkeys(self._asking, at), dict.fromkeys(self._leaving, at)
            self._again.clear()

    def _miss(self, at: Millis) -> None:
        """Messages that were never answered: asked again, or held as before, after a while."""
        for memory in (self._asking, self._leaving):
            for channel in [channel for channel, said in memory.items() if at - said >= ANSWER_MS]:
                del memory[channel]
                self._quiet_since = at
                self._later(channel, at)

    def _meant(self, topic: str, symbol: str, cure: Cure) -> Channel | None:
        """The unanswered message that an answer is about; one that names none and is a refusal is about the oldest."""
        open_ones = [*self._asking, *self._leaving]
        for channel in open_ones:
            if channel.topic.value == topic and channel.symbol == symbol:
                return channel
        return open_ones[0] if open_ones and not symbol and cure is not Cure.DONE else None

    def _done(self, channel: Channel, leaving: bool) -> None:
        for memory in (self._again, self._tries, self._cuts):
            memory.pop(channel, None)
        if leaving:
            self.held.discard(channel)
            return
        self.held.add(channel)
        if self._cap is not None and len(self.held) > self._cap:
            self._cap, self._full = len(self.held), 0

    def _denied(self, channel: Channel, cure: Cure, at: Millis) -> None:
        match cure:
            case Cure.FULL:
                self._cap = len(self.held)
                self._probe_at = Millis(at + min(FULL_MS << self._full, FULLEST_MS))
                self._full = min(self._full + 1, 16)
            case Cure.WRONG:
                self.wrong.add(channel)
            case Cure.RETRY | Cure.UNKNOWN:
                self._later(channel, at)
            case _:
                pass  # IN_USE and RENEW are about the connection, not about what was asked on it

    def _later(self, channel: Channel, at: Millis) -> None:
        tries = self._tries.get(channel, 0)
        self._tries[channel] = min(tries + 1, 16)
        self._again[channel] = Millis(at + min(RETRY_MS << tries, SLOWEST_MS))


def _first(ready: Iterable[tuple[Channel, Millis]], at: Millis) -> Channel | None:
    return next((channel for channel, when in ready if when <= at), None)
