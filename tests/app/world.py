"""One set of books and one venue that outlive every process that works on them; a table that many desks share."""

from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.app import sweep
from core.app.trade import handle
from core.app.wishes import wish
from core.domain.leases import Ask
from core.domain.values import Market, Millis
from tests.fakes import AAA, CountingBroker, Died, Dying, Hands, Told, buy, desk_of, sell
from tests.watching import Quotes

LEASES = {"engage", "grant", "reserve", "note", "commit", "park", "release"}
BROKER = {"place", "find", "cancel"}
LEDGER = {"register", "move"}
ALERTS = {"send"}


class Before:
    """Steps of a process that dies right before one of that name."""

    def __init__(self, name):
        self.name = f"before {name}"

    def take(self, name):
        if name == self.name:
            raise Died(name)


class World:
    """One set of books and one venue that outlive every process; `mortal` is a desk whose process dies at a step."""

    def __init__(self):
        self.books, self.hands = MemoryBooks(), Hands()
        self.broker = CountingBroker(hands=self.hands)
        self.told = Told()

    def desk(self):
        return replace(desk_of(self.books, self.broker, self.hands), alerts=self.told)

    def mortal(self, steps):
        desk = self.desk()
        return replace(
            desk,
            leases=Dying(desk.leases, steps, LEASES),
            broker=Dying(desk.broker, steps, BROKER),
            ledger=Dying(desk.ledger, steps, LEDGER),
            alerts=Dying(desk.alerts, steps, ALERTS),
        )

    def sweep(self, desk=None):
        self.hands.later(30)
        return sweep.run(desk or self.desk(), Quotes("KRW-AAA"))

    def bought(self):
        handle(buy(at=self.hands.at), self.desk())
        self.hands.later(1)

    @property
    def lock(self):
        return self.books.leases.lock(AAA)

    @property
    def account(self):
        return self.books.ledger.account(Market.UPBIT, "2026-09-21")


def take(desk, signal=None):
    """Grant and nothing more: what a worker leaves that dies at once."""
    signal = signal or buy(expires_s=600)
    at = desk.clock()
    ask = Ask(
        instrument=signal.instrument, owner=desk.owner, nonce=desk.nonce(), intent=wish(signal, desk, at), at=at,
        ends=Millis(at + desk.deadline_ms),
    )  # fmt: skip
    return desk.leases.grant(ask, at)


class Table:
    """Books, venue and hands shared by as many desks as a test needs."""

    def __init__(self, **changes):
        self.books, self.hands = MemoryBooks(), Hands()
        self.broker = CountingBroker(hands=self.hands)
        self.changes = changes

    def desk(self, **changes):
        return replace(desk_of(self.books, self.broker, self.hands), **{**self.changes, **changes})

    def buy(self, *args, **kwargs):
        return handle(buy(*args, at=self.hands.at, **kwargs), self.desk())

    def sell(self, *args, **kwargs):
        return handle(sell(*args, at=self.hands.at, **kwargs), self.desk())

    @property
    def lock(self):
        return self.books.leases.lock(AAA)

    @property
    def account(self):
        return self.books.ledger.account(Market.UPBIT, "2026-09-21")

    def worker(self, name):
        return next(worker for worker in self.books.ledger.workers(Market.UPBIT) if worker.id == name)

    def order(self, verdict):
        return self.books.ledger.order(verdict.order.id)
