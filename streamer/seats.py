"""A market's app keys as connections: which key opens which, and what each carries of the few registrations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.domain.policies import MarketPolicy
from core.domain.values import Millis
from core.feed.berths import Berth, room
from core.feed.planner import LinkId
from core.feed.session import Session
from core.feed.slots import Slots
from core.venues.spec import Channel, StreamSpec

Ticket = Callable[[str], Awaitable[str]]


class Seats:
    """hts_id: what own-order notices are registered under; "" until it is known, and where none are wanted.

    tickets   (name of an app key, the ticket that was refused last or "") -> what opens a connection with it
    """

    def __init__(
        self,
        spec: StreamSpec,
        policy: MarketPolicy,
        berths: Sequence[Berth],
        tickets: Callable[[str, str], Awaitable[str]],
    ) -> None:
        self._spec, self._details, self._tickets = spec, policy.stream.details, tickets
        self._slots = Slots(policy.watch)
        self.berths = tuple(berths)
        self.hts_id = ""

    def ticket(self, number: LinkId) -> Ticket:
        """What opens connection `number`, ever anew."""
        key = self.berths[number].key

        async def fetch(refused: str) -> str:
            return await self._tickets(key, refused)

        return fetch

    def share_out(
        self, wanted: Sequence[str], firm: Sequence[str], sessions: Mapping[LinkId, Session], at: Millis
    ) -> dict[LinkId, tuple[Channel, ...]]:
        """What each connection should carry now."""
        slots = dict.fromkeys(range(len(self.berths)), self._spec.slots)
        slots |= {number: session.room(at) for number, session in sessions.items()}
        rooms = {
            number: room(self.berths[number], self._spec, free, self.hts_id, self._details)
            for number, free in slots.items()
        }
        return self._slots.seat(firm, wanted, rooms, at)

    @property
    def cut(self) -> tuple[str, ...]:
        """Symbols that are wanted and have no place, best first: only the scan sees them."""
        return self._slots.cut

    @property
    def lingering(self) -> frozenset[str]:
        """Symbols that are not wanted any more and keep their place for a while."""
        return self._slots.lingering
