"""Who gets the few registrations that a venue allows (D4), and why nobody loses one lightly.

Repeated subscribing and unsubscribing gets a key blocked, so a place is given up only for a reason:
  1. What is always wanted (own-order notices) comes first, then everything about the firm symbols (held, or with an
     open order), then one registration for each ranked symbol, then the rest about those, while there is room.
  2. A ranked symbol keeps its place while it is among the first `room + slack`; one that fell behind gives it up after
     `min_stay_s`, and only to one that is better placed. At most `churn_per_min` places are given up in a minute.
     Filling up is no giving up: neither what stands aside for another symbol's first registration (it was only there
     while there was room), nor what the venue itself has no room for any more counts.
  3. Firm symbols take what they need at once, from the worst placed: an exit that cannot be seen costs more.
  4. A symbol is the unit: all its registrations are on one connection, and it moves only where a firm one needs its
     place and another connection has one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

import msgspec

from core.domain.policies import WatchPolicy
from core.domain.values import MINUTE, Millis
from core.feed.planner import LinkId
from core.venues.spec import Channel, Topic


class Room(msgspec.Struct, frozen=True):
    """What one connection may carry now.

    slots    registrations in all
    topics   for each symbol, the one that counts first; none at all where it carries only what is `always` wanted
    details  the venue's extra by topic
    """

    slots: int
    topics: tuple[Topic, ...]
    always: tuple[Channel, ...] = ()
    details: dict[str, str] = {}

    @property
    def free(self) -> int:
        return max(self.slots - len(self.always), 0) if self.topics else 0

    def channel(self, topic: Topic, symbol: str) -> Channel:
        return Channel(topic, symbol, self.details.get(topic.value, ""))


class Slots:
    """Remembers who sits where since when.

    cut        what is wanted and has no place, best first
    lingering  what is not wanted and still has one, because it has not had it for long enough
    """

    def __init__(self, policy: WatchPolicy) -> None:
        self._policy = policy
        self._since: dict[str, Millis] = {}
        self._homes: dict[str, LinkId] = {}
        self._seated: dict[str, tuple[Topic, ...]] = {}
        self._given_up: deque[Millis] = deque()
        self.cut: tuple[str, ...] = ()
        self.lingering: frozenset[str] = frozenset()

    def seat(
        self, firm: Sequence[str], ranked: Sequence[str], rooms: Mapping[LinkId, Room], at: Millis
    ) -> dict[LinkId, tuple[Channel, ...]]:
        """What each connection should carry now, the most important first. Asked again it answers the same."""
        first = list(dict.fromkeys(firm))
        others = [symbol for symbol in dict.fromkeys(ranked) if symbol not in first]
        left = {link: room.free for link, room in rooms.items()}
        homes = {symbol: link for symbol, link in self._homes.items() if left.get(link)}
        seated = _firm(first, homes, rooms, left)
        chosen = self._chosen(others, first, sum(left.values()), at)
        for symbol, link in _placed(chosen, homes, left).items():
            seated[symbol] = rooms[link].topics[:1]
        self._fill([symbol for symbol in others if symbol in seated], seated, homes, rooms, left)
        self._note(seated, homes, sum(room.free for room in rooms.values()), at)
        self.cut = tuple(symbol for symbol in (*first, *others) if symbol not in seated)
        self.lingering = frozenset(seated).difference(first, others)
        return {link: _carried(link, room, seated, homes) for link, room in rooms.items()}

    def _chosen(self, ranked: Sequence[str], firm: Sequence[str], room: int, at: Millis) -> list[str]:
        """Which of the others get the `room` that the firm ones left: see rule 2."""
        present = [symbol for symbol in ranked if symbol in self._since]
        present += [symbol for symbol in self._since if symbol not in ranked and symbol not in firm]
        safe = {*ranked[: room + self._policy.slack], *(symbol for symbol in present if self._young(symbol, at))}
        strong = [symbol for symbol in present if symbol in safe][:room]
        weak = [symbol for symbol in present if symbol not in safe]
        kept = weak[: max(len(weak) - self._budget(at), 0)][: room - len(strong)]
        fresh = [symbol for symbol in ranked[:room] if symbol not in self._since][: room - len(strong) - len(kept)]
        rest = [symbol for symbol in weak if symbol in ranked and symbol not in kept]
        chosen = {*[*strong, *kept, *fresh, *rest][:room]}
        return [symbol for symbol in dict.fromkeys((*ranked, *sorted(present))) if symbol in chosen]

    def _fill(
        self,
        symbols: Sequence[str],
        seated: dict[str, tuple[Topic, ...]],
        homes: Mapping[str, LinkId],
        rooms: Mapping[LinkId, Room],
        left: dict[LinkId, int],
    ) -> None:
        """The rest about the ranked symbols, while there is room; what they have already comes first."""
        for depth in range(1, _depth(rooms)):
            for had in (True, False):
                for symbol in symbols:
                    topics = rooms[homes[symbol]].topics[depth : depth + 1]
                    has = bool(topics) and topics[0] in self._seated.get(symbol, ())
                    if topics and has is had and left[homes[symbol]] > 0:
                        left[homes[symbol]] -= 1
                        seated[symbol] += topics

    def _note(self, seated: dict[str, tuple[Topic, ...]], homes: Mapping[str, LinkId], room: int, at: Millis) -> None:
        """Who sits where since when, and how many places were given up that were not simply lost with their `room`."""
        gone = len(self._seated.keys() - seated.keys())
        lost = max(len(self._seated) - room, 0)
        self._given_up.extend([at] * (gone - lost))
        self._since = {symbol: self._since.get(symbol, at) for symbol in seated}
        self._homes = {symbol: homes[symbol] for symbol in seated}
        self._seated = dict(seated)

    def _young(self, symbol: str, at: Millis) -> bool:
        return at - self._since[symbol] < self._policy.min_stay_s * 1000

    def _budget(self, at: Millis) -> int:
        """Places that may still be given up in this minute."""
        while self._given_up and self._given_up[0] <= at - MINUTE:
            self._given_up.popleft()
        return self._policy.churn_per_min - len(self._given_up)


def _firm(
    symbols: Sequence[str], homes: dict[str, LinkId], rooms: Mapping[LinkId, Room], left: dict[LinkId, int]
) -> dict[str, tuple[Topic, ...]]:
    """First one registration for each of them, then the rest topic by topic, so that none starves another."""
    seated = {symbol: rooms[link].topics[:1] for symbol, link in _placed(symbols, homes, left).items()}
    for depth in range(1, _depth(rooms)):
        for symbol in seated:
            topics = rooms[homes[symbol]].topics[depth : depth + 1]
            if topics and left[homes[symbol]] > 0:
                left[homes[symbol]] -= 1
                seated[symbol] += topics
    return seated


def _placed(symbols: Sequence[str], homes: dict[str, LinkId], left: dict[LinkId, int]) -> dict[str, LinkId]:
    """A connection for each symbol: its own while that has room, else the one with the most that nobody sits on."""
    placed: dict[str, LinkId] = {}
    owed = Counter(homes.values())
    for symbol in sorted(symbols, key=lambda symbol: symbol not in homes):
        home = homes.get(symbol)
        if home is not None:
            owed[home] -= 1
        able = [link for link, free in left.items() if free > 0]
        if not able:
            break
        best = max(able, key=lambda link: (left[link] - owed[link], -link))
        link = home if home in able else best
        left[link] -= 1
        placed[symbol] = homes[symbol] = link
    return {symbol: placed[symbol] for symbol in symbols if symbol in placed}


def _depth(rooms: Mapping[LinkId, Room]) -> int:
    return max((len(room.topics) for room in rooms.values()), default=0)


def _carried(
    link: LinkId, room: Room, seated: Mapping[str, tuple[Topic, ...]], homes: Mapping[str, LinkId]
) -> tuple[Channel, ...]:
    mine = {symbol: topics for symbol, topics in seated.items() if homes[symbol] == link}
    first = [room.channel(topics[0], symbol) for symbol, topics in mine.items()]
    rest = [room.channel(topic, symbol) for symbol, topics in mine.items() for topic in topics[1:]]
    return (*room.always, *first, *rest)
