"""The one broker for real accounts: it runs a venue's order flows, whether the venue knows client order ids or not.

    note what is sent -> send -> (the order's end) claim the venue's number

Each of them is one conditional write or one call; the claim is part of the order's end (`taking`), under the lock or
not at all. A venue that knows our ids needs none: its number is kept with the order's own row. What was never noted
never left; what was noted and has no number is looked for at the venue, by its id or in the venue's own list, and is
sent again only once it is proven that it never arrived. The log of what was sent is ours, so an id that a venue would
take a second time is not sent a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from msgspec.structs import replace

from core.adapters.named_enquiry import USED, NamedEnquiry
from core.adapters.numbers import Numbers
from core.adapters.order_line import MOST_S, OrderLine
from core.adapters.turns import VenueFares
from core.adapters.venue_enquiry import Enquiry
from core.app.evidence import from_notices
from core.app.notices import Heard
from core.app.ports import Clock, NoticeBoard, Outcome, Sendings
from core.domain.errors import IdUsed, OrderExecutionError, Transient, UnknownOutcome
from core.domain.orders import Order, State
from core.domain.phases import Phase
from core.domain.sendings import Fate, Sending, Standing, Taking, draft
from core.domain.sessions import Calendar
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.venues.ordering import Depot, Orders, Receipt
from core.venues.spec import Rules

BUY_S = 1.5
"""A buy is held against halts as it is noted, after its turn in the shared budget came; no repeat of it is later."""


class Noted(UnknownOutcome):
    """An order that was to be sent for the first time has been noted before."""


class VenueBroker:
    """Implements ports.Broker for one account. Not for several threads at once.

    depot     the account, read when it is needed: its number is a secret
    phase     what kind of trading goes on in a symbol at a moment
    """

    def __init__(
        self,
        spec: Orders,
        line: OrderLine,
        depot: Callable[[], Depot],
        sendings: Sendings,
        board: NoticeBoard,
        rules: Rules,
        days: Callable[[], Calendar],
        phase: Callable[[Instrument, Millis], Phase],
        clock: Clock,
    ) -> None:
        self._spec, self._line, self._depot = spec, line, depot
        self._sendings, self._rules, self._phase, self._clock = sendings, rules, phase, clock
        self.fares = VenueFares(spec, line, depot, phase, clock)
        self._last: Sending | None = None
        self._numbers = Numbers(sendings, spec.identity)
        self._enquiry: Enquiry | NamedEnquiry = (
            Enquiry(spec, line, depot, sendings, board, rules, days, clock)
            if spec.named is None
            else NamedEnquiry(spec.named, line, depot, sendings, clock)
        )

    def place(self, order: Order, at: Millis) -> Outcome:
        """Send an order that was never sent. One that may have been is looked for first, and is not sent blindly."""
        known = self._mine(order, Fate.UNSENT)
        if known is None and order.state is State.NOTED and not order.again:
            with suppress(Noted):
                return self._send(order, None)  # whether it was noted before is told by the note itself
            known = self._noted(order)
        known = known or self._sendings.read(order.id)
        if known is None or known.fate is Fate.UNSENT:
            return self._send(order, known)
        if known.fate is Fate.REFUSED:
            raise OrderExecutionError(known.note, order=order.id)
        try:
            found = self.find(order, at)
        except Transient as trouble:
            raise UnknownOutcome(trouble.found, order=order.id) from trouble
        return self._send(order, self._sendings.read(order.id)) if found is None else found

    def find(self, order: Order, at: Millis) -> Outcome | None:
        """None only where it is certain that the venue has never had it; nobody who began earlier sends it any more.

        Raises:
            UnknownOutcome: it may have arrived, and nothing shows it yet.
        """
        sending = self._settled(order)
        match sending:
            case None | Sending(fate=Fate.UNSENT):
                self._seal(order, sending)
                return None
            case Sending(fate=Fate.REFUSED):
                return Outcome(venue_id="", state=State.REJECTED.value, fills=(), note=sending.note)
            case _:
                return self._enquiry.known(order, sending)

    def cancel(self, order: Order, at: Millis) -> Outcome:
        """Take back what is left; what comes back is what the venue says of the order afterwards."""
        taken = self._numbers.written(order.id)
        self._last = taken or self._last
        sending = taken or self._settled(order)
        if sending is None or sending.fate is not Fate.TAKEN:
            raise OrderExecutionError("there is nothing to cancel", order=order.id)
        flow = self._spec.cancel(order, sending.venue_id, self._depot(), self._clock())
        self._line.order(flow, lambda: None)  # asked twice, a cancel does nothing more
        cancelled = replace(sending, cancelled=self._clock(), version=sending.version + 1)
        self._sendings.write(cancelled)
        self._last = cancelled
        self._enquiry.fresh(order, taken=False)
        return self._enquiry.known(order, cancelled)

    def taking(self, order: Order) -> Taking | None:
        """As ports.Broker has it. From then on the log tells, for nobody comes back to say that it was written."""
        return self._numbers.handed(order.id)

    def holdings(self, market: Market) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for held in self._enquiry.ask(self._spec.holdings(self._depot(), self._clock())):
            found[held.symbol] = found.get(held.symbol, ZERO) + held.units
        return {symbol: units for symbol, units in found.items() if units}

    def affordable(self, symbol: str, price: Decimal | None) -> Decimal:
        """Units that the account's cash buys, without credit."""
        return self._enquiry.ask(self._spec.affordable(symbol, price, self._depot(), self._clock()))

    def _settled(self, order: Order) -> Sending | None:
        """What is known of it. One of an unknown end that was shown never to have arrived may have been on its way.

        One whose first entry gave it up (`_seal`) was never noted as sent: nothing of the venue's can be it.
        """
        if taken := self._numbers.taken(order.id) or self._mine(order, Fate.TAKEN):
            return taken
        sending = self._sendings.read(order.id)
        if sending is None:
            return None
        if sending.fate is Fate.SENT and order.venue_id and self._spec.named is not None:
            return replace(sending, fate=Fate.TAKEN, venue_id=order.venue_id)
        if sending.fate is Fate.SENT:
            return self._enquiry.sought(order, sending)
        doubted = sending.fate is Fate.UNSENT and order.state is State.UNKNOWN and sending.version > 1
        return (self._enquiry.late(order, sending) or sending) if doubted else sending

    def _mine(self, order: Order, fate: Fate) -> Sending | None:
        """This process's own last word on the order, where it was that one."""
        last = self._last
        return last if last is not None and (last.order, last.fate) == (order.id, fate) else None

    def _noted(self, order: Order) -> Sending | None:
        """What somebody else noted of an order that was to be sent for the first time.

        Raises:
            UnknownOutcome: he made sure that nobody sends it who began earlier, and that is us.
        """
        known = self._sendings.read(order.id)
        if known is not None and known.fate is Fate.UNSENT:
            raise UnknownOutcome("someone else has settled this order", order=order.id)
        return known

    def _seal(self, order: Order, last: Sending | None) -> None:
        """Take the log's next entry: who read the one before it, and was paused since, cannot note and send any more.

        Raises:
            UnknownOutcome: somebody took it first, to send the order.
        """
        version = last.version + 1 if last else 1
        sealed = replace(last or draft(order, None, None), fate=Fate.UNSENT, version=version)
        if not self._sendings.write(sealed):
            raise UnknownOutcome("someone is at work on this order right now", order=order.id)
        self._last = sealed

    def _send(self, order: Order, last: Sending | None) -> Outcome:
        depot, at = self._depot(), self._clock()
        drafted = draft(order, self._before(order), last)
        noted: list[Sending] = []

        def note() -> None:
            sending = replace(drafted, at=self._clock())
            if not self._sendings.write(sending):
                doubt = Noted if last is None else UnknownOutcome
                raise doubt("this order is being sent by someone else", order=order.id)
            noted.append(sending)

        flow = self._spec.place(order, depot, self._phase(order.instrument, at), at)
        try:
            receipt = self._line.order(flow, note, BUY_S if order.side is Side.BUY else MOST_S)
        except IdUsed:
            return self._had(order, noted)
        except OrderExecutionError as refused:
            self._mark(noted, Fate.REFUSED, refused.found)
            raise
        except Transient:
            self._mark(noted, Fate.UNSENT, "")
            raise
        return self._taken(order, noted[0], receipt)

    def _had(self, order: Order, noted: list[Sending]) -> Outcome:
        """The venue has had this id before: what it has under it is the answer, and where that is nothing, nobody knows
        yet."""
        self._mark(noted, Fate.SENT, USED)
        found = self.find(order, self._clock())
        if found is None:
            raise UnknownOutcome("the venue has had this id before, and shows no order under it", order=order.id)
        return found

    def _before(self, order: Order) -> Standing | None:
        """What is held before an order. Raises Transient where nobody says: nothing was sent yet."""
        try:
            return self._enquiry.before(order)
        except UnknownOutcome as silence:
            raise Transient(silence.found, **silence.facts) from silence

    def _mark(self, noted: list[Sending], fate: Fate, note: str) -> None:
        """What cannot be noted stays SENT: it costs a proof of absence later, and nothing else."""
        for sending in noted:
            try:
                self._sendings.write(replace(sending, fate=fate, note=note, version=sending.version + 1))
            except Transient:
                return

    def _taken(self, order: Order, sending: Sending, receipt: Receipt) -> Outcome:
        try:
            taken = self._enquiry.receipted(sending, receipt.id)
        except Transient as trouble:
            raise UnknownOutcome("the venue took it, and its number is not noted", order=order.id) from trouble
        if taken is None:
            raise UnknownOutcome("the venue's number belongs to another order of ours", order=order.id)
        if taking := self._enquiry.taking(taken):
            self._numbers.keep(taking)
        else:
            self._last = taken
        self._enquiry.fresh(order, taken=True)
        return from_notices(order, taken, Heard(), self._rules)
