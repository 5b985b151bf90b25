"""Asking a venue that knows our client order ids what became of an order: by the id, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from core.adapters.claims import asked, claimed
from core.adapters.order_line import OrderLine
from core.app.evidence import ARRIVES, from_trades
from core.app.ports import Clock, Outcome, Sendings
from core.domain.errors import UnknownOutcome
from core.domain.orders import Order
from core.domain.sendings import Fate, Sending, Standing, Taking
from core.venues.flow import Flow
from core.venues.ordering import Depot, Row

T = TypeVar("T")

Named = Callable[..., Flow[Row | None]]

USED = "the id was used before"
"""Noted of a sending that the venue answered so. An id that is used and has no order can never have one."""


class NamedEnquiry:
    """One account's questions. Every method raises UnknownOutcome where the answer is open, and Transient."""

    def __init__(
        self,
        named: Named,
        line: OrderLine,
        depot: Callable[[], Depot],
        sendings: Sendings,
        clock: Clock,
    ) -> None:
        self._named, self._line, self._depot = named, line, depot
        self._sendings, self._clock = sendings, clock

    def ask(self, flow: Flow[T]) -> T:
        return asked(self._line, flow)

    def fresh(self, order: Order, *, taken: bool) -> None:
        """Nothing to remember: an order is asked for by its id each time."""

    def before(self, order: Order) -> Standing | None:
        """Nothing has to be noted before an order: its id tells."""
        return None

    def claimed(self, sending: Sending, venue_id: str) -> Sending | None:
        """The sending with the venue's number; None where someone was quicker.

        It is claimed under our own id, which the venue has it under: a number may come twice, on a testnet that begins
        anew each month, or there and on the real exchange.
        """
        return claimed(self._sendings, sending, venue_id, sending.order)

    def receipted(self, sending: Sending, venue_id: str) -> Sending | None:
        """The sending with the number that the venue answered the order with.

        It is not written: the venue finds the order by our id as well, and no other order of ours can have that.
        """
        return replace(sending, fate=Fate.TAKEN, venue_id=venue_id)

    def taking(self, taken: Sending) -> Taking | None:
        """Nothing is left to write of an order that the venue knows by our id."""
        return None

    def sought(self, order: Order, sending: Sending) -> Sending:
        """One that was sent and has no number: TAKEN with its number, UNSENT where it never arrived.

        An id that is not known at once proves nothing: it may be on its way, and venues read from copies that lag.
        After ARRIVES it does, and where the venue had said that the id is used up it is REFUSED for good.
        """
        row = self._row(order, "")
        if row is not None:
            if taken := self.claimed(sending, row.id):
                return taken
            raise UnknownOutcome("the venue's order belongs to another of ours", order=order.id)
        if self._clock() - sending.at <= ARRIVES:
            raise UnknownOutcome("the venue does not know its id yet", order=order.id, sent=sending.at)
        fate = Fate.REFUSED if sending.note == USED else Fate.UNSENT
        settled = replace(sending, fate=fate, version=sending.version + 1)
        if not self._sendings.write(settled):
            raise UnknownOutcome("someone else is settling this order", order=order.id)
        return settled

    def late(self, order: Order, sending: Sending) -> Sending | None:
        """One that was shown never to have arrived, TAKEN with its number where the venue has it after all."""
        row = self._row(order, "")
        return self.claimed(sending, row.id) if row is not None else None

    def known(self, order: Order, sending: Sending) -> Outcome:
        row = self._row(order, sending.venue_id)
        if row is None:
            raise UnknownOutcome("the venue took it and does not show it", order=order.id, venue_id=sending.venue_id)
        return from_trades(order, row)

    def _row(self, order: Order, venue_id: str) -> Row | None:
        return self.ask(self._named(order, venue_id, self._depot(), self._clock()))
