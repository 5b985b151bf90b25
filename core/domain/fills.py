"""Paper fills: what an order would have got from the book that everyone could see, and nothing better.

A paper order takes the visible levels from the best one on, at their own prices, whole lots only, never past its
limit or the day's price limits; what the book cannot give is cancelled at once, as a venue does with a market order.
What was taken from one book is remembered until the book changes, so a second order cannot take it again.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, localcontext

import msgspec

from core.domain.charges import Booked, charges, unrounded
from core.domain.events import Book, Level
from core.domain.orders import Fill, Order, State
from core.domain.results import EXACT
from core.domain.values import ZERO, Millis, Side


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's order rules for one symbol and side at one moment.

    snap      (price, side) -> nearest legal price that does not cross further: down for a buy, up for a sell
    lot       quantity step; `minimum`, `maximum` of an order in quote currency
    fee, tax  fractions of the traded value
    lowest, highest  the day's price limits, None where the venue has none
    booked    what is booked for an order's exact fee or tax
    """

    snap: Callable[[Decimal, Side], Decimal]
    lot: Decimal
    minimum: Decimal
    maximum: Decimal
    fee: Decimal
    tax: Decimal
    lowest: Decimal | None = None
    highest: Decimal | None = None
    booked: Booked = unrounded


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What the paper venue keeps of one symbol: units owned, and what was taken from each side of its newest book."""

    units: Decimal = ZERO
    book: Millis = Millis(0)
    asks_taken: Decimal = ZERO
    bids_taken: Decimal = ZERO

    def taken(self, book: Millis) -> tuple[Decimal, Decimal]:
        """What is gone from the asks and the bids of this book: nothing of one that is not the last one taken from."""
        return (self.asks_taken, self.bids_taken) if self.book == book else (ZERO, ZERO)


def moved(order: Order) -> Decimal:
    """Units that a finished order changed what is held by."""
    return order.filled if order.side is Side.BUY else -order.filled


def refusal(order: Order, book: Book, holding: Holding, terms: Terms) -> str:
    """Why the venue would not take this order; "" where it would.

    The value is judged at the order's limit, else at the price on the other side, else at the decision's price.
    """
    price = order.limit or exact(_other_side(book.levels[0], order.side)[0]) or order.reference
    with localcontext(EXACT):
        value = price * order.quantity
        if order.quantity <= 0 or order.quantity % terms.lot:
            return f"the quantity {order.quantity:f} is not a whole number of lots of {terms.lot:f}"
        if order.limit is not None and terms.snap(order.limit, order.side) != order.limit:
            return f"the limit {order.limit:f} is not a legal price; {terms.snap(order.limit, order.side):f} is"
    if order.limit is not None and _outside(order.limit, terms):
        return f"the limit {order.limit:f} is outside of the day's prices of {terms.lowest:f} to {terms.highest:f}"
    if value < terms.minimum:
        return f"{value:f} is under the least order of {terms.minimum:f}"
    if value > terms.maximum:
        return f"{value:f} is over the largest order of {terms.maximum:f}"
    if order.side is Side.SELL and order.quantity > holding.units:
        return f"{order.quantity:f} to sell, but only {holding.units:f} held"
    return ""


def fill(order: Order, book: Book, holding: Holding, terms: Terms, at: Millis) -> tuple[Order, Holding]:
    """Carry a legal order out against a book: the finished order, and what is then held.

    The order ends FILLED, or CANCELLED with what the book could give, which may be nothing.
    """
    seen = _seen(holding, book)
    taken = seen.asks_taken if order.side is Side.BUY else seen.bids_taken
    with localcontext(EXACT):
        steps = list(_walk(order, book, taken, terms))
        fills = tuple(_fills(order, steps, terms, at))
        filled = sum((quantity for _, quantity in steps), ZERO)
        after = _after(seen, order.side, filled)
    whole = filled == order.quantity
    note = "" if whole else f"the book had {filled:f} of {order.quantity:f}"
    state = State.FILLED if whole else State.CANCELLED
    return msgspec.structs.replace(order, state=state, fills=fills, note=note, venue_id=f"paper-{order.id}"), after


def exact(figure: float) -> Decimal:
    """A float as the decimal that it is written as: 0.1 is 0.1.

    >>> exact(0.1), exact(163248000.0)
    (Decimal('0.1'), Decimal('163248000'))
    """
    return Decimal(int(figure)) if figure.is_integer() else Decimal(repr(figure))


def _walk(order: Order, book: Book, taken: Decimal, terms: Terms) -> Iterator[tuple[Decimal, Decimal]]:
    """(price, quantity) of each step, best first, after `taken` units that are gone from the top already."""
    left = order.quantity
    for level in book.levels:
        price, size = map(exact, _other_side(level, order.side))
        size -= size % terms.lot
        gone = min(taken, size)
        taken -= gone
        quantity = min(left, size - gone)
        if not price or quantity <= 0:
            continue
        price = terms.snap(price, Side.SELL if order.side is Side.BUY else Side.BUY)  # off the step: the worse way
        if _beyond(price, order, terms):
            return
        yield price, _plain(quantity)
        left -= quantity
        if not left:
            return


def _outside(limit: Decimal, terms: Terms) -> bool:
    return terms.lowest is not None and terms.highest is not None and not terms.lowest <= limit <= terms.highest


def _plain(figure: Decimal) -> Decimal:
    """Without the zeros that lot arithmetic leaves behind: 11.00000000 is 11, 1.50 is 1.5."""
    whole = figure.to_integral_value()
    return whole if figure == whole else figure.normalize()


def _other_side(level: Level, side: Side) -> tuple[float, float]:
    return (level.ask, level.ask_size) if side is Side.BUY else (level.bid, level.bid_size)


def _beyond(price: Decimal, order: Order, terms: Terms) -> bool:
    buying = order.side is Side.BUY
    limits = (order.limit, terms.highest if buying else terms.lowest)
    return any(limit is not None and (price > limit if buying else price < limit) for limit in limits)


def _fills(order: Order, steps: Sequence[tuple[Decimal, Decimal]], terms: Terms, at: Millis) -> Iterator[Fill]:
    values = [price * quantity for price, quantity in steps]
    fees, taxes = charges(values, terms.fee, terms.booked), charges(values, terms.tax, terms.booked)
    for number, ((price, quantity), fee, tax) in enumerate(zip(steps, fees, taxes, strict=True)):
        yield Fill(id=f"{order.id}-{number}", price=price, quantity=quantity, fee=fee, tax=tax, at=at)


def _seen(holding: Holding, book: Book) -> Holding:
    """A book newer than the one last taken from has all of its depth."""
    asks, bids = holding.taken(book.at)
    return msgspec.structs.replace(holding, book=book.at, asks_taken=asks, bids_taken=bids)


def _after(holding: Holding, side: Side, filled: Decimal) -> Holding:
    if side is Side.BUY:
        units, taken = holding.units + filled, holding.asks_taken + filled
        return msgspec.structs.replace(holding, units=units, asks_taken=taken)
    units, taken = holding.units - filled, holding.bids_taken + filled
    return msgspec.structs.replace(holding, units=units, bids_taken=taken)
