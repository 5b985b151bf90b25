"""Fakes for whatever trades: a venue that counts what it is sent, a desk with hands of its own, deaths on order."""

import threading
from collections import Counter
from decimal import Decimal
from itertools import count

import msgspec

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.app.desk import Desk
from core.app.ports import Outcome
from core.domain.errors import OrderExecutionError
from core.domain.levels import SafeSet
from core.domain.orders import Fill, State
from core.domain.policies import ExitPolicy, MarketPolicy, RestPolicy, RiskPolicy, StreamPolicy, WorkerPolicy
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.spec import Rules

AT = Millis(1_790_000_000_000)
SYMBOLS = ("KRW-AAA", "KRW-BBB", "KRW-CCC", "KRW-DDD", "KRW-EEE", "KRW-FFF")
AAA = Instrument(Market.UPBIT, "KRW-AAA")
PRICE = 100.0
FEE = Decimal("0.0005")

RULES = Rules(
    tick=lambda symbol, price, at: Decimal("0.01"),
    floor_price=lambda symbol, price, side, at: price.quantize(Decimal("0.01"), "ROUND_FLOOR" if side is Side.BUY else "ROUND_CEILING"),
    lot=lambda symbol: Decimal("0.0001"),
    minimum=lambda symbol: Decimal(5000),
    maximum=lambda symbol: Decimal(1_000_000_000),
    fee=lambda symbol, side, at: FEE,
    tax=lambda symbol, side, at: Decimal(0),
    link=lambda symbol: f"https://example.test/{symbol}",
)  # fmt: skip


class Hands:
    """A clock that moves only when told to, or when something pauses; `monotonic` runs beside it, in seconds."""

    def __init__(self, at=AT):
        self.at = at

    def clock(self):
        return self.at

    def monotonic(self):
        return self.at / 1000

    def pause(self, seconds):
        self.at = Millis(self.at + int(seconds * 1000))

    def later(self, seconds):
        self.pause(seconds)


class CountingBroker:
    """A venue: knows every client order id for ever, refuses one that it knows, fills at `price` what `fills` says.

    sent     every id that `place` was called with, refused or not
    fills    by leg: the part of an order that is filled; 1 where nothing is said
    after    what the next call of that name raises instead of answering, by name, once it has done its work
    before   the same, before any work
    resting  what is not filled stays open until it is cancelled, instead of being cancelled at once
    """

    def __init__(self, price=Decimal(100), hands=None):
        self.price, self.hands = price, hands or Hands()
        self.sent, self.known, self.fills = [], {}, {}
        self.before, self.after = {}, {}
        self.resting = False
        self.guard = threading.Lock()

    def place(self, order, at):
        with self.guard:
            self.sent.append(order.id)
            self._raise(self.before, "place")
            if order.id in self.known:
                raise OrderExecutionError("duplicated identifier", order=order.id)
            self.known[order.id] = (order, self._outcome(order))
            self._raise(self.after, "place")
            return self.known[order.id][1]

    def find(self, order, at):
        with self.guard:
            self._raise(self.before, "find")
            return self.known[order.id][1] if order.id in self.known else None

    def cancel(self, order, at):
        with self.guard:
            self._raise(self.before, "cancel")
            sent, outcome = self.known[order.id]
            if outcome.state not in (State.OPEN, State.PARTIAL):
                raise OrderExecutionError("order not found", order=order.id)
            self.known[order.id] = (sent, msgspec.structs.replace(outcome, state=State.CANCELLED.value))
            return self.known[order.id][1]

    def taking(self, order):
        return None

    def holdings(self, market):
        held = Counter()
        for order, outcome in self.known.values():
            sign = 1 if order.side is Side.BUY else -1
            held[order.instrument.symbol] += sign * sum(fill.quantity for fill in outcome.fills)
        return {symbol: units for symbol, units in held.items() if units}

    def complete(self, order_id):
        """An open order is filled to its end."""
        order, outcome = self.known[order_id]
        fill = self._fill(order, order.quantity)
        self.known[order_id] = (order, msgspec.structs.replace(outcome, state=State.FILLED.value, fills=(fill,)))

    def _raise(self, script, name):
        if name in script:
            raise script.pop(name)

    def _outcome(self, order):
        part = Decimal(str(self.fills.get(order.leg, 1)))
        filled = (order.quantity * part).quantize(Decimal("0.0001"))
        fills = (self._fill(order, filled),) if filled else ()
        if part == 1:
            state = State.FILLED
        elif self.resting:
            state = State.PARTIAL if fills else State.OPEN
        else:
            state = State.CANCELLED
        return Outcome(venue_id=f"v-{len(self.known)}", state=state.value, fills=fills)

    def _fill(self, order, quantity):
        return Fill(
            id=f"f-{order.id}", price=self.price, quantity=quantity, fee=self.price * quantity * FEE, tax=Decimal(0),
            at=self.hands.at,
        )  # fmt: skip


class Told:
    """Alerts, remembered."""

    def __init__(self):
        self.sent = []

    def send(self, alerts):
        self.sent += alerts

    @property
    def kinds(self):
        return [alert.kind.value for alert in self.sent]


class Died(BaseException):
    """The process is gone: nothing below catches it, as nothing catches SIGKILL."""


class Dying:
    """Wraps a port; `steps` is shared by all wrappers of one desk. Dies before (even) or after (odd) the n-th write."""

    def __init__(self, port, steps, names):
        self._port, self._steps, self._names = port, steps, names

    def __getattr__(self, name):
        method = getattr(self._port, name)
        if name not in self._names:
            return method

        def mortal(*args, **kwargs):
            self._steps.take(f"before {name}")
            answer = method(*args, **kwargs)
            self._steps.take(f"after {name}")
            return answer

        return mortal


class Steps:
    """Counts the moments between two steps; dies at the `last`."""

    def __init__(self, last=None):
        self.last, self.taken = last, []

    def take(self, name):
        self.taken.append(name)
        if self.last is not None and len(self.taken) == self.last:
            raise Died(name)


class Counting:
    """Wraps a port and counts the calls of each of its methods."""

    def __init__(self, port):
        self._port, self.calls = port, Counter()

    def __getattr__(self, name):
        method = getattr(self._port, name)

        def counted(*args, **kwargs):
            self.calls[name] += 1
            return method(*args, **kwargs)

        return counted


def policy(**changes):
    base = MarketPolicy(
        rest=RestPolicy(url="http://rest.test"),
        stream=StreamPolicy(url="ws://stream.test"),
        workers=WorkerPolicy(count=3, capital=Decimal(1_000_000)),
        risk=RiskPolicy(
            daily_loss=Decimal(300_000), per_symbol=Decimal(1_000_000), total_exposure=Decimal(4_000_000),
            max_positions=3, max_slippage=0.01,
        ),
        exits=ExitPolicy(stop_loss=0.03, take_profit=0.05),
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def shelf_of(at=AT, safe=SYMBOLS):
    shelf = MemoryShelf()
    shelf.write(SafeSet(market=Market.UPBIT, at=at, safe=tuple(safe), excluded=()))
    return shelf


owners = count(1)


def desk_of(books=None, broker=None, hands=None, **changes):
    """A desk on memory books: its own owner, fresh nonces, a 20 s lease."""
    hands = hands or Hands()
    books = books or MemoryBooks()
    owner, nonces = f"worker/{next(owners)}", count(1)
    desk = Desk(
        market=Market.UPBIT,
        policy=policy(),
        rules=RULES,
        shelf=shelf_of(),
        leases=books.leases,
        ledger=books.ledger,
        broker=broker if broker is not None else CountingBroker(hands=hands),
        alerts=Told(),
        clock=hands.clock,
        monotonic_s=hands.monotonic,
        pause=hands.pause,
        owner=owner,
        nonce=lambda: f"{owner}/{next(nonces)}",
        deadline_ms=Millis(20_000),
        name=lambda symbol: symbol.removeprefix("KRW-"),
        last_price=lambda symbol: None,
    )
    return msgspec.structs.replace(desk, **changes)


def buy(symbol="KRW-AAA", id="b1", at=AT, price=PRICE, expires_s=30):
    return _signal(symbol, id, at, price, expires_s, Side.BUY, "fall")


def sell(symbol="KRW-AAA", id="s1", at=AT, price=PRICE, expires_s=600, rule="stop_loss"):
    return _signal(symbol, id, at, price, expires_s, Side.SELL, rule)


def _signal(symbol, id, at, price, expires_s, side, rule):
    return Signal(
        id=f"{symbol}:{id}", instrument=Instrument(Market.UPBIT, symbol), side=side, rule=rule, price=price,
        value=-0.1, threshold=-0.08, at=at, seen=at, expires=Millis(at + expires_s * 1000),
    )  # fmt: skip
