"""What became of an order at a venue that knows no client order id: which of its orders is ours, and what it came to.

Two rules hold everywhere. One of the venue's orders is claimed by one of ours at most. And that an order never arrived
is a finding, not a default: it needs a whole list that covers the moment it was sent, and time for it to be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext

from core.app.notices import Heard, Part
from core.app.ports import Outcome
from core.domain.charges import charges
from core.domain.events import NoticeKind, OrderNotice
from core.domain.orders import MOVES, Fill, Order, State
from core.domain.results import EXACT
from core.domain.sendings import Sending, Standing
from core.domain.values import SECOND, ZERO, Millis, Side
from core.venues.ordering import Row
from core.venues.spec import Rules

SKEW = Millis(5 * SECOND)
"""Difference of the venue's clock and ours that is tolerated; the venue's has whole seconds only."""

ARRIVES = Millis(30 * SECOND)
"""An order that was sent is at the venue within this, or never: longer than any time-out of ours."""

LISTED = Millis(60 * SECOND)
"""An order that was sent is on the venue's list within this: lists lag, and no venue says by how much."""


def candidates(sending: Sending, rows: Iterable[Row]) -> list[Row]:
    """Rows that could be this order, the one nearest in time first. A row without a time could always be."""
    matching = [row for row in rows if row.ours and _same(sending, row)]
    return sorted(matching, key=lambda row: abs((row.at or sending.at) - sending.at))


def noticed(sending: Sending, notices: Iterable[OrderNotice]) -> list[OrderNotice]:
    """Acceptances that could be this order's, in the order in which they came."""
    return [
        notice
        for notice in notices
        if notice.kind is NoticeKind.ACCEPTED
        and not notice.original
        and (notice.instrument, notice.side, notice.quantity) == (sending.instrument, sending.side, sending.quantity)
        and _priced(sending, notice.price)
        and _timely(sending, notice.at)
    ]


def _same(sending: Sending, row: Row) -> bool:
    terms = (row.instrument, row.side, row.quantity)
    if terms != (sending.instrument, sending.side, sending.quantity):
        return False
    return _priced(sending, row.price) and (row.at is None or _timely(sending, row.at))


def _priced(sending: Sending, price: Decimal) -> bool:
    """An order without a limit is listed at 0 or at whatever the venue made of it."""
    return sending.limit is None or price in (sending.limit, ZERO)


def _timely(sending: Sending, at: Millis) -> bool:
    return sending.at - SKEW <= at <= sending.at + ARRIVES


def from_row(order: Order, sending: Sending, row: Row, told: Heard, rules: Rules) -> Outcome:
    """What the list says, with the prices of the notices where both say the same; the larger where one is behind."""
    parts = told.parts if told.filled >= row.filled else split(row.filled, _value(order, row))
    filled = max(told.filled, row.filled)
    state = row.state
    if filled >= order.quantity:
        state = State.FILLED
    elif filled and state in (State.OPEN, State.REJECTED):
        state = State.PARTIAL
    return outcome(order, sending.venue_id, state, parts, rules, sending.at, row.note)


def from_trades(order: Order, row: Row) -> Outcome:
    """What a venue says that tells each execution with its own fee: nothing is estimated."""
    fills = tuple(
        Fill(id=one.id, price=one.price, quantity=one.quantity, fee=one.fee, tax=ZERO, at=one.at) for one in row.trades
    )
    return _forward(order, row.id, row.state, fills, row.note)


def from_notices(order: Order, sending: Sending, told: Heard, rules: Rules) -> Outcome:
    state = told.state or (State.PARTIAL if told.parts else State.OPEN)
    return outcome(order, sending.venue_id, state, told.parts, rules, sending.at, told.note)


def from_sums(sending: Sending, now: Standing) -> tuple[Decimal, Decimal]:
    """(units, value) that an order came to, by what is held now and was held before it; (0, 0) for nothing.

    The value is what the day's sums moved by where they moved by as many units, else what the holding's cost moved by.
    Where neither says (a sale that the sums are behind on), it is 0: not known.
    """
    before = sending.before or Standing()
    moved = now.units - before.units if sending.side is Side.BUY else before.units - now.units
    units = min(max(moved, ZERO), sending.quantity)
    if not units:
        return ZERO, ZERO
    if now.filled - before.filled == units:
        return units, now.value - before.value
    return units, max(now.cost - before.cost, ZERO) if sending.side is Side.BUY else ZERO


def untouched(sending: Sending, now: Standing) -> bool:
    """Neither the holding nor the day's sums have moved since: nothing was ordered here."""
    before = sending.before
    return before is not None and (now.units, now.ordered) == (before.units, before.ordered)


def split(quantity: Decimal, value: Decimal) -> tuple[Part, ...]:
    """Units and what they came to in all, as parts of whole prices: the sum stays exact where the average would not.

    >>> [(str(part.quantity), str(part.price)) for part in split(Decimal(10), Decimal(1003))]
    [('7', '100'), ('3', '101')]
    """
    if not quantity:
        return ()
    with localcontext(EXACT):
        price, rest = divmod(value, quantity)
        parts = (Part(quantity - rest, price), Part(rest, price + 1))
    return tuple(part for part in parts if part.quantity)


def outcome(
    order: Order, venue_id: str, state: State, parts: Sequence[Part], rules: Rules, at: Millis, note: str = ""
) -> Outcome:
    """What the broker's port says of it; never a step back from what the order was known to be."""
    fills = tuple(_fills(order, venue_id, parts, rules, at))
    return _forward(order, venue_id, state, fills, note)


def _forward(order: Order, venue_id: str, state: State, fills: tuple[Fill, ...], note: str) -> Outcome:
    if (state is not order.state and state not in MOVES[order.state]) or _less(order, fills):
        return Outcome(venue_id=venue_id, state=order.state.value, fills=order.fills, note=order.note)
    return Outcome(venue_id=venue_id, state=state.value, fills=fills, note=note)


def _less(order: Order, fills: Sequence[Fill]) -> bool:
    return order.state not in (State.NOTED, State.UNKNOWN) and sum((f.quantity for f in fills), ZERO) < order.filled


def _fills(order: Order, venue_id: str, parts: Sequence[Part], rules: Rules, at: Millis) -> Iterator[Fill]:
    symbol, side, name = order.instrument.symbol, order.side, venue_id or order.id
    with localcontext(EXACT):
        values = [part.price * part.quantity for part in parts]
    fees = charges(values, rules.fee(symbol, side, at), rules.booked)
    taxes = charges(values, rules.tax(symbol, side, at), rules.booked)
    for number, (part, fee, tax) in enumerate(zip(parts, fees, taxes, strict=True)):
        yield Fill(id=f"{name}-{number}", price=part.price, quantity=part.quantity, fee=fee, tax=tax, at=at)


def _value(order: Order, row: Row) -> Decimal:
    """A list that tells units and no value is behind itself; the decision's price stands in until it catches up."""
    return row.value or row.filled * (order.limit or order.reference)
