"""E2, E11: how a worker's life goes on and ends: retired, stopped, started again, its position handed over."""

import pytest
from msgspec.structs import replace

from core.app import crew, sweep
from core.app.crew import RETIRED, STOPPED, Staff
from core.app.trade import handle
from core.domain.errors import Transient, WorkerError, WorkerTerminationError
from core.domain.policies import WorkerPolicy
from core.domain.values import Market
from core.domain.workers import Status
from tests.app.test_by_hand import Shared
from tests.app.world import take
from tests.fakes import AAA, SYMBOLS, buy, sell
from tests.watching import Quotes


class Yard(Shared):
    """A market whose number of workers changes."""

    count = 3

    def desk(self):
        desk = super().desk()
        return replace(desk, policy=replace(desk.policy, workers=WorkerPolicy(count=self.count)))

    def workers(self):
        return {worker.id: worker for worker in self.books.ledger.workers(Market.UPBIT)}

    def staff(self):
        books, chosen = self.books, WorkerPolicy(count=self.count)
        return Staff(
            market=Market.UPBIT, policy=chosen, leases=books.leases, ledger=books.ledger, clock=self.hands.clock
        )

    def owner(self):
        return self.held().worker


def test_fewer_workers_in_the_settings_retire_those_that_hold_nothing():
    yard = Yard()
    yard.count = 1
    assert yard.run().retired == ("w-02", "w-03")
    found = yard.workers()["w-03"]
    assert (found.status, found.note) == (Status.EXIT, RETIRED)
    assert yard.run().retired == ()


def test_one_too_many_hands_its_position_over_and_retires_within_two_runs():
    yard = Yard()
    yard.bought()
    while yard.owner() == "w-01":
        handle_again(yard)
    was = yard.owner()
    yard.count = 1
    assert [(each.was, each.worker) for each in yard.run().adopted] == [(was, "w-01")]
    yard.run()
    assert (yard.owner(), yard.workers()[was].status) == ("w-01", Status.EXIT)


def handle_again(yard):
    """Another owner for the same symbol."""
    number = getattr(yard, "serial", 0) + 1
    yard.serial = number
    handle(sell(id=f"s{number}", at=yard.hands.at), yard.desk())
    handle(buy(id=f"again{number}", at=yard.hands.at), yard.desk())
    yard.hands.later(1)


def test_one_too_many_that_nobody_can_relieve_keeps_its_position_until_it_is_flat():
    yard = Yard()
    for symbol in SYMBOLS[:3]:
        handle(buy(symbol, at=yard.hands.at), yard.desk())
    yard.count = 1
    swept = yard.run()
    assert (swept.adopted, swept.retired, swept.faults) == ((), (), ())
    for symbol in SYMBOLS[:3]:
        handle(sell(symbol, at=yard.hands.at), yard.desk())
    assert yard.run().retired == ("w-02", "w-03")


def test_a_retired_worker_begins_a_new_life_once_it_is_wanted_again():
    yard = Yard()
    yard.count = 1
    yard.run()
    yard.count = 3
    yard.run()
    assert {worker.status for worker in yard.workers().values()} == {Status.SCAN}
    assert yard.workers()["w-03"].note == ""


def test_a_worker_stopped_by_hand_stays_so_until_it_is_started_by_hand():
    yard = Yard()
    assert crew.stop("w-02", yard.staff()) == ""
    yard.run()
    assert (yard.workers()["w-02"].status, yard.workers()["w-02"].note) == (Status.EXIT, STOPPED)
    assert crew.start("w-02", yard.staff())
    assert yard.workers()["w-02"].status is Status.SCAN
    assert not crew.start("w-02", yard.staff())


def test_a_stopped_workers_position_goes_to_a_free_one_first():
    yard = Yard()
    yard.bought()
    was = yard.owner()
    heir = crew.stop(was, yard.staff())
    assert heir not in ("", was)
    assert (yard.owner(), yard.workers()[was].status) == (heir, Status.EXIT)
    assert (yard.run().adopted, yard.run().freed) == ((), ())


def test_a_worker_that_says_it_holds_and_does_not_is_stopped_without_an_heir():
    yard = Yard()
    yard.books.ledger.move(yard.workers()["w-01"], Status.EXIT, yard.hands.at)
    lost = replace(yard.workers()["w-02"], status=Status.HOLD, symbol="KRW-GONE")
    yard.books.leases._books.workers[Market.UPBIT, "w-02"] = lost
    assert crew.stop("w-02", yard.staff()) == ""


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("unknown", "no such worker"),
        ("stopped", "has stopped before"),
        ("busy", "someone is at work"),
        ("alone", "nobody is free"),
        ("buying", "an order of it is under way"),
        ("moved", "moved meanwhile"),
    ],
)
def test_a_stop_that_fails_says_why_and_changes_nothing(setting, why):  # E11
    yard = Yard()
    name, staff = "w-02", yard.staff()
    match setting:
        case "unknown":
            name = "w-77"
        case "stopped":
            crew.stop("w-02", staff)
        case "busy":
            yard.bought()
            name = yard.owner()
            take(yard.desk(), sell(at=yard.hands.at))
        case "alone":
            yard.bought()
            name = yard.owner()
            for other in set(yard.workers()) - {name}:
                crew.stop(other, staff)
        case "buying":
            busy = replace(yard.workers()["w-02"], status=Status.HOLD, symbol=AAA.symbol)
            yard.books.leases._books.workers[Market.UPBIT, "w-02"] = busy
            take(yard.desk())
        case "moved":
            staff = replace(staff, ledger=Stale(yard.books.ledger))
    before = yard.workers()
    with pytest.raises(WorkerTerminationError, match=why):
        crew.stop(name, staff)
    assert yard.workers() == before


class Stale:
    """Shows workers as they were a moment ago."""

    def __init__(self, ledger):
        self.ledger = ledger

    def __getattr__(self, name):
        return getattr(self.ledger, name)

    def workers(self, market):
        return [replace(worker, heartbeat=worker.heartbeat - 1) for worker in self.ledger.workers(market)]


def test_a_worker_that_the_settings_do_not_have_is_not_started():
    with pytest.raises(WorkerError, match="no such worker"):
        crew.start("w-09", Yard().staff())


def test_workers_in_order_have_a_heartbeat_and_one_whose_exits_nobody_can_watch_has_not():
    yard = Yard()
    yard.bought()
    owner, before = yard.owner(), yard.workers()
    assert {worker.heartbeat for name, worker in before.items() if name != owner} != {yard.hands.at}
    yard.run()
    assert {worker.heartbeat for worker in yard.workers().values()} == {yard.hands.at}
    blind = Quotes(*SYMBOLS)
    blind.trouble["tickers"] = Transient("no connection")
    yard.hands.later(60)
    sweep.run(yard.desk(), blind)
    beats = {name: worker.heartbeat for name, worker in yard.workers().items()}
    assert beats.pop(owner) < yard.hands.at
    assert set(beats.values()) == {yard.hands.at}
