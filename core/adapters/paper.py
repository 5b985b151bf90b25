"""The paper venue: the same port as a real one, fills from the live book, a memory of its own.

Everything that an order does is one conditional write: the finished order under its client id, what it moved of the
symbol's holding, and what it took from the book, over what was thought to be gone from that. So an id has one set of
fills whoever places it how often, and what is held equals the sum of the fills at every moment, wherever a caller dies.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from core.app.ports import Clock, Outcome
from core.domain.errors import OrderExecutionError, Refused, Transient
from core.domain.events import Book
from core.domain.fills import Holding, Terms, fill, refusal
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.sendings import Taking
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.venues.spec import Rules

DEPTH = 30  # levels asked for; the deepest that Upbit shows, and it refuses a market order that would go further
WAITED = Millis(1_000)
"""A buy that comes from its reservation to the book later than this may have met a halt (E10: within 2 s)."""

TRIES = 8  # races on one symbol's holding that an order outlives; the symbol lock makes even one rare


class Books(Protocol):
    """The part of `Quotes` that fills need."""

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]: ...


class PaperStore(Protocol):
    """The paper venue's own log."""

    def order(self, id: str) -> Order | None: ...

    def holding(self, instrument: Instrument) -> Holding: ...

    def holdings(self, market: Market) -> dict[str, Decimal]: ...

    def record(self, order: Order, before: Holding, after: Holding) -> Order | Holding | None:
        """Write both or neither: a finished order, and what it moved of what is held. None where it was written.

        What refuses it comes back as it is there: the order of that id, whatever it asked; or the holding, where not
        just what `before` says is gone from the book, or where a sale is of more than is held.
        """


class PaperBroker:
    """`rules` are the venue's; `clock` is the paper venue's clock, which its fills carry.

    phase  what kind of trading goes on in a symbol: one that stands still has a book, and nobody fills from it
    halted why buys of a symbol are stopped, "" where they are not: asked where an order had to wait for its turn
    close  the symbol's close of the day before, which the day's price limits are made of; None where nobody knows it
    """

    def __init__(
        self,
        books: Books,
        rules: Rules,
        store: PaperStore,
        clock: Clock,
        phase: Callable[[Instrument, Millis], Phase] = lambda instrument, at: Phase.REGULAR,
        close: Callable[[str, Millis], Decimal | None] = lambda symbol, at: None,
        halted: Callable[[Market, str], str] = lambda market, symbol: "",
    ) -> None:
        self._books = books
        self._rules = rules
        self._store = store
        self._clock = clock
        self._phase = phase
        self._close = close
        self._halted = halted
        self._left: dict[Instrument, Holding] = {}

    def place(self, order: Order, at: Millis) -> Outcome:
        """Fill what the book has and cancel the rest. The same id again gets the first answer, whatever it asks now.

        One write, without a look at what is held: what this process took last it knows, and nearly always nobody else
        took from the same book since. What refuses the write tells what is there, and the next one is of that.
        """
        before = assumed(order, self._left.get(order.instrument, Holding()))
        try:
            book = self._shown(order, at)
            finished, after = self._filled(order, book, before)
        except OrderExecutionError:
            if (known := self._store.order(order.id)) is None:
                raise
            return _outcome(known)
        for _ in range(TRIES):
            match self._store.record(finished, before, after):
                case Order() as known:
                    return _outcome(known)
                case Holding() as before:
                    finished, after = self._filled(order, book, before)
                case _:
                    self._left[order.instrument] = after
                    return _outcome(finished)
        raise Transient("the paper venue is busy with this symbol", order=order.id, instrument=str(order.instrument))

    def find(self, order: Order, at: Millis) -> Outcome | None:
        known = self._store.order(order.id)
        return _outcome(known) if known else None

    def cancel(self, order: Order, at: Millis) -> Outcome:
        """Nothing rests here, so a cancel finds the order finished, or not at all."""
        known = self._store.order(order.id)
        if known is None:
            raise OrderExecutionError("the paper venue has never seen this order", order=order.id)
        return _outcome(known)

    def taking(self, order: Order) -> Taking | None:
        """Nothing: its own log has the order with its end."""
        return None

    def holdings(self, market: Market) -> dict[str, Decimal]:
        return self._store.holdings(market)

    def _shown(self, order: Order, since: Millis) -> Book:
        """The book that an order is filled from, however often it has to be written."""
        if self._phase(order.instrument, self._clock()) is Phase.INTERRUPTED:
            raise OrderExecutionError("the paper venue fills nothing while the symbol stands still", order=order.id)
        book = self._book(order)
        self._hold_against_halts(order, since)
        return book

    def _filled(self, order: Order, book: Book, holding: Holding) -> tuple[Order, Holding]:
        at = self._clock()
        terms = terms_of(self._rules, order, at, self._limits(order, at))
        if reason := refusal(order, book, holding, terms):
            raise OrderExecutionError(f"the paper venue refused the order: {reason}", order=order.id)
        return fill(order, book, holding, terms, at)

    def _hold_against_halts(self, order: Order, since: Millis) -> None:
        """A buy whose book had to be waited for is looked at once more; one that had not was, when it was reserved."""
        if order.side is Side.SELL or self._clock() - since <= WAITED:
            return
        if reason := self._halted(order.instrument.market, order.instrument.symbol):
            raise OrderExecutionError(f"never sent: halted, {reason}", order=order.id)

    def _limits(self, order: Order, at: Millis) -> tuple[Decimal, Decimal] | None:
        """The day's lowest and highest price, where the venue has such limits and the close before is known."""
        symbol = order.instrument.symbol
        close = self._close(symbol, at) if self._rules.bounds else None
        return None if self._rules.bounds is None or close is None else self._rules.bounds(symbol, close, at)

    def _book(self, order: Order) -> Book:
        symbol = order.instrument.symbol
        try:
            found = self._books.books([symbol], DEPTH)
        except Refused as refused:
            raise OrderExecutionError(f"the paper venue does not know {symbol}", order=order.id) from refused
        if not found:
            raise OrderExecutionError(f"the paper venue does not know {symbol}", order=order.id)
        return found[0]


def assumed(order: Order, left: Holding) -> Holding:
    """What must be true for an order to be filled without a look: nothing taken since `left`, and units to sell."""
    return replace(left, units=order.quantity if order.side is Side.SELL else ZERO)


def terms_of(rules: Rules, order: Order, at: Millis, limits: tuple[Decimal, Decimal] | None = None) -> Terms:
    """The venue's rules, narrowed to one order at one moment; `limits` are the day's price limits."""
    symbol, side = order.instrument.symbol, order.side
    snap: Callable[..., Decimal] = lambda price, towards: rules.floor_price(symbol, price, towards, at)
    return Terms(
        snap=snap,
        lot=rules.lot(symbol),
        minimum=rules.minimum(symbol),
        maximum=rules.maximum(symbol),
        fee=rules.fee(symbol, side, at),
        tax=rules.tax(symbol, side, at),
        booked=rules.booked,
        lowest=limits[0] if limits else None,
        highest=limits[1] if limits else None,
    )


def _outcome(order: Order) -> Outcome:
    return Outcome(venue_id=order.venue_id, state=order.state.value, fills=order.fills, note=order.note)
