"""Numbers that a venue gave this process's orders, kept until something writes them: the order's end, or a cancel."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from core.adapters.claims import claimed
from core.app.ports import Sendings
from core.domain.errors import UnknownOutcome
from core.domain.sendings import NOT_OURS, Sending, Taking


class Numbers:
    """Not for several threads at once. An order is in here from the venue's answer to its end, and no longer.

    identity  a venue's number -> what tells its order from all others of all days
    """

    def __init__(self, sendings: Sendings, identity: Callable[[str], str]) -> None:
        self._sendings, self._identity = sendings, identity
        self._kept: dict[str, Taking] = {}

    def keep(self, taking: Taking) -> None:
        self._kept[taking.sending.order] = taking

    def taken(self, order: str) -> Sending | None:
        """The log's entry as it is to become; None where nothing is left to write."""
        kept = self._kept.get(order)
        return kept.sending if kept else None

    def handed(self, order: str) -> Taking | None:
        """What the order's end is to write; it is not in here any more."""
        return self._kept.pop(order, None)

    def written(self, order: str) -> Sending | None:
        """The log's entry with the number, written now by itself; None where nothing is left to write.

        Raises:
            UnknownOutcome, Transient: it is another order's, or nobody says. It stays in here, so that the order's end
                is held against it all the same: nothing is booked of what was seen of another order's number.
        """
        if (kept := self._kept.get(order)) is None:
            return None
        noted = replace(kept.sending, version=kept.sending.version - 1)
        taken = claimed(self._sendings, noted, noted.venue_id, kept.identity)
        if taken is None or self._identity(taken.venue_id) != kept.identity:
            raise UnknownOutcome(NOT_OURS, order=order)
        del self._kept[order]
        return taken
