"""Asking a venue what became of an order of ours, where it knows no client order id.

An order without a number is looked for among the venue's orders; that it never arrived is a finding, never a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from core.adapters.claims import asked, claimed
from core.adapters.order_line import OrderLine
from core.app.evidence import (
    ARRIVES,
    LISTED,
    SKEW,
    candidates,
    from_notices,
    from_row,
    from_sums,
    noticed,
    outcome,
    split,
    untouched,
)
from core.app.notices import Heard, heard
from core.app.ports import Clock, NoticeBoard, Outcome, Sendings
from core.domain.errors import Misconfigured, UnknownOutcome
from core.domain.orders import Order, State
from core.domain.sendings import Fate, Sending, Standing, Taking
from core.domain.sessions import SETTLE, Calendar
from core.domain.values import SECOND, ZERO, Millis, Side
from core.venues.flow import Flow
from core.venues.ordering import Depot, Held, Listed, Orders, Row, Sought
from core.venues.spec import Rules

T = TypeVar("T")

ASKED_EVERY = SECOND
"""An order's row is asked for at most this often by one process; its notices are looked at every time."""


class Enquiry:
    """One account's questions. Every method raises UnknownOutcome where the answer is open, and Transient."""

    def __init__(
        self,
        spec: Orders,
        line: OrderLine,
        depot: Callable[[], Depot],
        sendings: Sendings,
        board: NoticeBoard,
        rules: Rules,
        days: Callable[[], Calendar],
        clock: Clock,
    ) -> None:
        self._spec, self._line, self._depot = spec, line, depot
        self._sendings, self._board, self._rules, self._days = sendings, board, rules, days
        self._clock = clock
        self._asked: dict[str, Millis] = {}
        self._seen: dict[str, Millis] = {}
        self._unseen = ""

    def ask(self, flow: Flow[T]) -> T:
        return asked(self._line, flow)

    def fresh(self, order: Order, *, taken: bool) -> None:
        """A buy just taken is looked for in the list first, where that leaves none out; what was cancelled at once.

        A sale is first heard of by its notices: that is no call, and before a close all calls are for sales.
        """
        self._asked[order.id] = self._clock() if taken else Millis(0)
        self._unseen = order.id if taken and order.side is Side.BUY and not self._shy else ""

    def claimed(self, sending: Sending, venue_id: str) -> Sending | None:
        """The sending with its number, and the number ours; None where it is another's, or someone was quicker."""
        return claimed(self._sendings, sending, venue_id, self._spec.identity(venue_id))

    def receipted(self, sending: Sending, venue_id: str) -> Sending | None:
        """The same for the number that the venue answered the order with: ours with the order's end (`taking`).

        Where lists leave orders out it is written at once: there, who dies before that is hard to find again.
        """
        if self._shy:
            return self.claimed(sending, venue_id)
        return replace(sending, fate=Fate.TAKEN, venue_id=venue_id, version=sending.version + 1)

    def taking(self, taken: Sending) -> Taking | None:
        """What the end of an order that was just taken has to write of it; None where all of it is written."""
        return None if self._shy else Taking(sending=taken, identity=self._spec.identity(taken.venue_id))

    @property
    def _shy(self) -> bool:
        return self._depot().environment in self._spec.shy

    def before(self, order: Order) -> Standing | None:
        """What is held before an order; None where the venue's list alone proves enough."""
        at = self._clock()
        return self._summed(order, self._listed(order, at), self._depot(), at) if self._shy else None

    # ---- looking for an order -----------------------------------------------------------------------------------

    def sought(self, order: Order, sending: Sending) -> Sending:
        """One that was sent and has no number: TAKEN with its number, UNSENT where it never arrived, or SHOWN."""
        at, depot = self._clock(), self._depot()
        listed = self._listed(order, sending.at)
        if found := self._match(sending, listed.rows):
            return found
        if at - sending.at <= LISTED:
            raise UnknownOutcome("the venue does not show it yet", order=order.id, sent=sending.at)
        waiting = self.ask(self._spec.standing(_about(order, sending.at), depot, at))
        if found := self._match(sending, waiting or ()):
            return found
        if self._shy:
            return self._by_holdings(order, sending, self._summed(order, listed, depot, at), at)
        if not listed.whole or self._traded(order, depot, at) > listed.filled:
            raise UnknownOutcome("the venue's list is behind what it adds up", order=order.id)
        return self._noted(replace(sending, fate=Fate.UNSENT, version=sending.version + 1))

    def late(self, order: Order, sending: Sending) -> Sending | None:
        """One that was shown never to have arrived, TAKEN where a row of later on can be it and is not another's.

        A number of the last minute may be that of an order that is under way, whose end is to write it.
        """
        since, until = sending.at - SKEW, self._clock() - LISTED
        rows = [row for row in self._listed(order, sending.at).rows if since <= (row.at or sending.at) <= until]
        ids = [row.id for row in rows if candidates(replace(sending, at=row.at or sending.at), [row])]
        return next((taken for venue_id in ids if (taken := self.claimed(sending, venue_id))), None)

    def _match(self, sending: Sending, rows: Iterable[Row]) -> Sending | None:
        """The first row, else the first notice, that can be ours and is not another's."""
        board = self._board.about(sending.instrument, Millis(sending.at - SKEW))
        ids = [row.id for row in candidates(sending, rows)]
        ids += [self._spec.noticed(notice) for notice in noticed(sending, board)]
        return next((taken for venue_id in ids if (taken := self.claimed(sending, venue_id))), None)

    def _by_holdings(self, order: Order, sending: Sending, now: Standing, at: Millis) -> Sending:
        """Where lists leave orders out: nothing moved, so it never arrived; all of it moved, so it was filled."""
        version = sending.version + 1
        if untouched(sending, now):
            return self._noted(replace(sending, fate=Fate.UNSENT, version=version))
        units, value = from_sums(sending, now)
        over = sending.at < self._days().closed(at) <= at - SETTLE
        if sending.before is None or (units < order.quantity and not over):
            raise UnknownOutcome("no list shows it, and something moved", order=order.id)
        return self._noted(replace(sending, fate=Fate.SHOWN, filled=units, value=value, version=version))

    def _noted(self, sending: Sending) -> Sending:
        if not self._sendings.write(sending):
            raise UnknownOutcome("someone else is settling this order", order=sending.order)
        return sending

    # ---- what it came to ----------------------------------------------------------------------------------------

    def known(self, order: Order, sending: Sending) -> Outcome:
        """By its notices where they add up, else by its row, else by what moved."""
        if sending.fate is Fate.SHOWN:
            return self._shown(order, sending)
        at = self._clock()
        if self._unseen == order.id:
            return self._at_first(order, sending, at)
        told = self._heard(order, sending)
        if told.state is None and at - self._asked.get(order.id, Millis(0)) >= ASKED_EVERY:
            self._asked[order.id] = at
            return self._by_row(order, sending, told, at)
        return from_notices(order, sending, told, self._rules)

    def _at_first(self, order: Order, sending: Sending, at: Millis) -> Outcome:
        """By the list alone. Where that is behind, or leaves anything open, every later look hears the notices too."""
        self._unseen, self._asked[order.id] = "", at
        row = self._row(sending, self._listed(order, sending.at, sending.venue_id))
        if row is None or not row.whole:
            return from_notices(order, sending, Heard(), self._rules)
        return from_row(order, sending, row, Heard(), self._rules)

    def _row(self, sending: Sending, listed: Listed) -> Row | None:
        identity = self._spec.identity(sending.venue_id)
        return next((row for row in listed.rows if self._spec.identity(row.id) == identity), None)

    def _shown(self, order: Order, sending: Sending) -> Outcome:
        value = sending.value or sending.filled * (order.limit or order.reference)
        state = State.FILLED if sending.filled >= order.quantity else State.EXPIRED
        note = "by holdings: it never had a number"
        return outcome(order, "", state, split(sending.filled, value), self._rules, sending.at, note)

    def _heard(self, order: Order, sending: Sending) -> Heard:
        notices = self._board.about(order.instrument, Millis(sending.at - SKEW))
        return heard(self._spec.number(sending.venue_id), order.side, order.quantity, notices)

    def _by_row(self, order: Order, sending: Sending, told: Heard, at: Millis) -> Outcome:
        """A list that leaves orders out is asked for all of the symbol's, because its sums may still be right."""
        listed = self._listed(order, sending.at, "" if sending.before else sending.venue_id)
        row = self._row(sending, listed)
        if row is not None and not self._unpriced(row.filled, row.value, sending, told, at):
            return from_row(order, sending, row, told, self._rules)
        if row is not None:
            return from_notices(order, sending, told, self._rules)
        if sending.before is not None:
            return self._moved(order, sending, told, self._summed(order, listed, self._depot(), at), at)
        if at - sending.at > LISTED:
            raise UnknownOutcome("the venue took it and does not list it", order=order.id, venue_id=sending.venue_id)
        return from_notices(order, sending, told, self._rules)

    def _moved(self, order: Order, sending: Sending, told: Heard, now: Standing, at: Millis) -> Outcome:
        """By holdings; a cancel that was taken ends it once the account has had time to say so."""
        units, value = from_sums(sending, now)
        if self._unpriced(units, value, sending, told, at):
            return from_notices(order, sending, told, self._rules)
        parts = told.parts if told.filled >= units else split(units, value or units * (order.limit or order.reference))
        state = State.PARTIAL if parts else State.OPEN
        if max(units, told.filled) >= order.quantity:
            state = State.FILLED
        elif sending.cancelled and at - sending.cancelled > ARRIVES:
            state = State.CANCELLED
        return outcome(order, sending.venue_id, state, parts, self._rules, sending.at, "by holdings: no list has it")

    def _unpriced(self, units: Decimal, value: Decimal, sending: Sending, told: Heard, at: Millis) -> bool:
        """Are there units whose value nobody tells yet? What is settled once keeps the price that it was settled at.

        They are waited for from when this process saw them first, and not beyond their session.
        """
        if value or units <= told.filled or sending.at < self._days().closed(at) <= at - SETTLE:
            return False
        return at - self._seen.setdefault(sending.order, at) <= LISTED

    def _listed(self, order: Order, since: Millis, venue_id: str = "") -> Listed:
        if self._spec.listed is None:
            raise Misconfigured("a venue without client ids needs a list of orders", market=self._spec.market.value)
        return self.ask(self._spec.listed(_about(order, since, venue_id), self._depot(), self._clock()))

    def _summed(self, order: Order, listed: Listed, depot: Depot, at: Millis) -> Standing:
        held = self._held(order, depot, at)
        return Standing(
            units=sum((each.units for each in held), ZERO),
            cost=sum((each.cost for each in held), ZERO),
            ordered=listed.ordered,
            filled=listed.filled,
            value=listed.value,
        )

    def _traded(self, order: Order, depot: Depot, at: Millis) -> Decimal:
        """Units of the order's side today, by the account's own count: what a list that lags does not show."""
        return sum((each.traded(order.side) for each in self._held(order, depot, at)), ZERO)

    def _held(self, order: Order, depot: Depot, at: Millis) -> list[Held]:
        return [each for each in self.ask(self._spec.holdings(depot, at)) if each.symbol == order.instrument.symbol]


def _about(order: Order, since: Millis, venue_id: str = "") -> Sought:
    return Sought(instrument=order.instrument, side=order.side, since=since, id=venue_id)
