"""E1, E8, B2: a process that shares the venue's limit takes the symbol first, and looks at the venue in its turns."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.app.crew import enlist
from core.app.desk import Ending, Unshared
from core.app.trade import handle, resume
from core.domain.errors import Transient
from core.domain.events import MarketState
from core.domain.orders import State
from core.domain.turns import Fare, Stretch
from core.domain.values import Market, Millis
from core.domain.workers import Status
from core.feed.pace import stretches
from tests.app.test_crashes import settled
from tests.app.world import World, take
from tests.fakes import AAA, Died, Dying, Steps, buy


class Poor:
    """No call goes without a turn that is taken with the symbol."""

    def __init__(self):
        self.looked, self.taken = [], []

    def unasked(self, order, at):
        return False

    def wanted(self, order, at, *, looked):
        self.looked.append(looked)
        return stretches(Market.UPBIT, [Fare("ticker", 8.0)], at)

    def took(self, stretches):
        self.taken += stretches


class Venue:
    """A world whose looks and steps are listed in their order; `turns` says when it may be looked at."""

    def __init__(self, turns=None, budget=None):
        self.world, self.turns, self.done = World(), turns or Poor(), []
        self.world.books = MemoryBooks(budget)
        self.price, self.state, self.cash = 100.0, None, Decimal(10**9)
        self.during = lambda: None
        self.world.desk = self.desk
        plain = World.desk
        self.plain = lambda: plain(self.world)
        enlist(self.plain(), self.world.hands.at)

    def desk(self):
        desk = self.plain()
        place, engage = desk.broker.place, desk.leases.engage

        class Broker:
            def __getattr__(self, name):
                return getattr(desk.broker, name)

            def place(_, order, at):
                self.done.append("place")
                return place(order, at)

            def affordable(_, symbol, price):
                return self.look("cash", self.cash)

        class Leases:
            def __getattr__(self, name):
                return getattr(desk.leases, name)

            def engage(_, *args):
                self.done.append("engage")
                return engage(*args)

        return replace(
            desk, broker=Broker(), leases=Leases(), turns=self.turns,
            last_price=lambda symbol: self.look("price", self.price), state=lambda symbol: self.look("state", self.state),
        )  # fmt: skip

    def look(self, name, answer):
        self.done.append(name)
        self.during()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def buy(self, **more):
        return handle(buy(at=self.world.hands.at, **{"expires_s": 600, **more}), self.desk())

    def nothing_is_left(self):
        account, workers = self.world.account, self.world.books.ledger.workers(Market.UPBIT)
        lock = self.world.lock
        return (
            (account.exposure, account.positions, self.world.broker.sent) == (0, 0, [])
            and {worker.status for worker in workers} == {Status.SCAN}
            and (lock.owner, lock.intent, lock.position) == ("", None, None)
        )


def test_who_can_look_for_nothing_looks_before_the_lock_and_who_cannot_after_it_and_before_the_order():
    rich, poor = Venue(Unshared()), Venue()
    assert (rich.buy().outcome, poor.buy().outcome) == (Ending.BOUGHT, Ending.BOUGHT)
    assert rich.done == ["price", "state", "cash", "engage", "place"]
    assert poor.done == ["engage", "price", "state", "cash", "place"]
    assert poor.turns.looked == [False]


def test_what_the_lock_refuses_is_not_looked_at():
    venue = Venue()
    venue.world.books.ledger.halt("all", "news", venue.world.hands.at)
    assert venue.buy().outcome is Ending.REFUSED
    assert venue.done == ["engage"]


OBJECTIONS = [
    ({"price": 105.0}, "price moved"),
    ({"state": MarketState(instrument=AAA, halted=True, interrupted=False, code="58", seen=Millis(0))}, "standstill"),
    ({"cash": Decimal(0)}, "cash"),
]


@pytest.mark.parametrize(("says", "why"), OBJECTIONS, ids=[why for _, why in OBJECTIONS])
def test_what_the_venue_says_against_it_ends_a_buy_that_was_never_sent(says, why):
    venue = Venue()
    vars(venue).update(says)
    verdict = venue.buy()
    assert (verdict.outcome, verdict.order.state) == (Ending.REFUSED, State.REJECTED)
    assert (verdict.limit, verdict.detail.startswith(f"never sent: {why}, ")) == (why, True)
    assert venue.nothing_is_left()
    assert venue.buy().outcome is Ending.REPEATED
    rich = Venue(Unshared())
    vars(rich).update(says)
    assert (rich.buy().limit, rich.done.count("engage")) == (why, 0)


def test_a_venue_that_does_not_answer_undoes_what_was_taken_and_stops_who_took_nothing():
    poor, rich = Venue(), Venue(Unshared())
    poor.price = rich.price = Transient("no connection")
    verdict = poor.buy()
    assert (verdict.outcome, verdict.detail) == (Ending.REFUSED, "never sent: not looked at, no connection")
    assert poor.nothing_is_left()
    with pytest.raises(Transient):
        rich.buy()
    assert "engage" not in rich.done


def test_a_look_that_takes_long_is_not_repeated_and_a_halt_that_came_meanwhile_is_heeded():  # E10
    venue = Venue()

    def slowly():
        venue.world.hands.later(0.6)
        venue.world.books.ledger.halt("all", "stop", venue.world.hands.at)

    venue.during = slowly
    verdict = venue.buy()
    assert verdict.detail == "never sent: halted, stop"
    assert venue.done == ["engage", "price", "state", "cash"]
    assert venue.nothing_is_left()


@pytest.mark.parametrize(("price", "ending"), [(105.0, Ending.REFUSED), (100.0, Ending.BUSY)])
def test_where_something_was_left_on_the_symbol_the_venue_is_looked_at_before_that(price, ending):
    venue = Venue()
    take(venue.plain(), buy(id="dead", expires_s=600))
    venue.world.hands.later(23)
    venue.price = price
    assert venue.buy(id="new").outcome is ending
    assert venue.done[:2] == ["engage", "price"]


STEPS = ["before engage", "after engage", "before last_price", "after last_price", "before place", "after place"]


def dies(venue, steps):
    desk = venue.world.mortal(steps)
    looks = Dying(desk, steps, {"last_price"})
    with suppress(Died):
        handle(buy(at=venue.world.hands.at, expires_s=600), replace(desk, last_price=looks.last_price))


@pytest.mark.parametrize("last", range(1, 11))
def test_a_buy_that_dies_at_any_step_is_one_order(last):  # E8
    venue, steps = Venue(), Steps(last)
    dies(venue, steps)
    assert steps.taken[:6] == STEPS[:last]
    venue.world.hands.later(23)
    handle(buy(expires_s=600), venue.world.desk())
    settled(venue.world)
    assert len(set(venue.world.broker.sent)) == len(venue.world.broker.known) <= 1


def test_one_that_died_before_it_looked_is_looked_at_by_whoever_takes_it_up():
    venue = Venue()
    dies(venue, Steps(STEPS.index("before last_price") + 1))
    venue.world.hands.later(23)
    venue.price, venue.done = 105.0, []
    assert resume(venue.world.lock, venue.desk()).detail.startswith("never sent: price moved")
    assert (venue.done, venue.nothing_is_left()) == (["price"], True)


@pytest.mark.parametrize(("ready_ms", "taken"), [(0, [0]), (300, [300]), (5_000, [])])
def test_the_turns_that_were_free_are_this_process_s(ready_ms, taken):
    budget = MemoryBudget()
    venue = Venue(budget=budget)
    at = venue.world.hands.at
    if ready_ms:
        budget.rent([Stretch(Market.UPBIT, "ticker", at, Millis(at + ready_ms))])
    assert venue.buy().outcome is Ending.BOUGHT
    assert [each.since - at for each in venue.turns.taken] == taken
