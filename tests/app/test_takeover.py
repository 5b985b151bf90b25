"""E1, E8: what a dead owner left is finished first, and whoever lost the lock writes nothing."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app.closing import settle
from core.app.desk import Ending
from core.app.trade import handle, resume
from core.app.wishes import order_of
from core.domain.errors import PositionError, Transient, UnknownOutcome
from core.domain.leases import Granted, Lock
from core.domain.orders import State
from core.domain.values import Market
from core.domain.workers import Status
from tests.app.world import BROKER, Table, take
from tests.fakes import AAA, AT, Died, Dying, Steps, buy, sell


@pytest.fixture
def table():
    return Table()


def test_what_a_dead_owner_left_is_finished_first_and_ours_waits(table):  # invariant 6
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(23)

    verdict = table.buy(id="ours")

    assert verdict.outcome is Ending.BUSY
    assert verdict.signal == "KRW-AAA:ours"
    assert verdict.detail == "first finished KRW-AAA:dead: bought"
    assert table.lock.position.signal == "KRW-AAA:dead"
    assert table.buy(id="ours").outcome is Ending.HELD


def test_the_same_signal_delivered_again_goes_on_where_the_dead_owner_stopped(table):  # E8
    signal = buy(id="dead", expires_s=600)
    take(table.desk(), signal)
    table.hands.later(23)
    assert handle(signal, table.desk()).outcome is Ending.BOUGHT
    assert len(table.broker.sent) == 1


def test_a_lease_is_taken_over_only_past_its_margin(table):  # E1
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(22)
    assert resume(table.lock, table.desk()).outcome is Ending.BUSY
    table.hands.later(0.001)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_a_buy_left_behind_past_its_time_is_undone(table):
    take(table.desk(), buy(id="dead", expires_s=10))
    table.hands.later(23)
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, verdict.limit) == (Ending.EXPIRED, "expired")
    assert table.lock.intent is None
    assert table.lock.done == ("KRW-AAA:dead",)
    assert table.broker.sent == []


def test_a_buy_left_behind_is_held_against_the_checks_again(table):
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(23)
    verdict = resume(table.lock, table.desk(last_price=lambda symbol: 200.0))
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "price moved")


def test_a_reserved_buy_that_was_never_sent_is_undone_when_its_time_is_over(table):
    reserved(table, expires_s=30)
    table.hands.later(31)
    verdict = resume(table.lock, table.desk())
    assert verdict.outcome is Ending.REFUSED
    assert verdict.order.note == "never sent: expired, 1.0 s too late"
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert table.broker.known == {}


def reserved(table, expires_s=600):
    """Die between the order row of a buy and the venue."""
    desk = table.desk()
    with suppress(Died):
        handle(buy(expires_s=expires_s), replace(desk, broker=Dying(desk.broker, Steps(1), BROKER)))
    assert table.lock.intent.reserved
    assert table.broker.sent == []


@pytest.mark.parametrize(
    ("scope", "told"), [("all", "tired"), ("upbit", "tired"), ("upbit:KRW-AAA", "tired"), ("upbit:KRW-BBB", "")]
)
def test_a_reserved_buy_is_not_sent_after_a_halt(table, scope, told):  # E10
    reserved(table)
    table.books.ledger.halt(scope, "tired", AT)
    table.hands.later(23)
    verdict = resume(table.lock, table.desk())
    if not told:
        assert verdict.outcome is Ending.BOUGHT
        return
    assert (verdict.outcome, verdict.order.note) == (Ending.REFUSED, "never sent: halted, tired")
    assert table.broker.sent == []
    assert (table.account.positions, table.account.exposure) == (0, 0)
    assert {worker.status for worker in table.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def test_a_reserved_buy_is_not_sent_once_the_day_has_lost_enough(table):  # E7
    table.buy("KRW-BBB")
    table.broker.sent.clear()
    reserved(table)
    table.broker.price = Decimal(60)
    table.hands.later(23)
    assert table.sell("KRW-BBB").trip.pnl < -300_000
    table.broker.sent.clear()
    verdict = resume(table.lock, table.desk())
    assert verdict.outcome is Ending.REFUSED
    assert verdict.order.note.startswith("never sent: daily loss, -396633")
    assert table.broker.sent == []


def test_a_venue_that_cannot_be_asked_leaves_the_question_open(table):
    table.broker.after["place"] = UnknownOutcome("time-out")
    table.buy()
    table.hands.later(23)
    table.broker.before["find"] = Transient("no connection")
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "unknown: no connection")
    table.hands.later(23)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_an_intent_whose_order_row_is_gone_is_finished_from_the_intent(table):
    table.broker.after["place"] = UnknownOutcome("time-out")
    table.buy()
    table.hands.later(23)

    class Forgetful:
        def order(self, key):
            return None

    assert resume(table.lock, table.desk(ledger=Forgetful())).outcome is Ending.BOUGHT


def test_nothing_left_is_nothing_to_resume(table):
    table.buy()
    assert resume(table.lock, table.desk()).detail == "nothing was left"


class Overtaken:
    """Another owner takes the symbol over just before the named write."""

    def __init__(self, table, name):
        self.table, self.name = table, name

    def __getattr__(self, name):
        method = getattr(self.table.books.leases, name)
        if name != self.name:
            return method

        def late(*args):
            self.table.books.leases.evict(self.table.lock)
            return method(*args)

        return late


@pytest.mark.parametrize("write", ["commit", "park"])
def test_an_owner_that_lost_its_lock_cannot_write_a_buy(table, write):  # E1, invariant 2
    if write == "park":
        table.broker.after["place"] = UnknownOutcome("time-out")
    verdict = handle(buy(expires_s=600), table.desk(leases=Overtaken(table, write)))
    assert verdict.outcome is Ending.LOST
    assert table.lock.intent is not None
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT
    assert len(table.broker.known) == 1


@pytest.mark.parametrize(("write", "part"), [("note", 1), ("commit", 1), ("commit", 0)])
def test_an_owner_that_lost_its_lock_cannot_write_a_sale(table, write, part):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: part}
    verdict = handle(sell(at=table.hands.at), table.desk(leases=Overtaken(table, write)))
    assert verdict.outcome is Ending.LOST
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is (Ending.SOLD if part else Ending.REFUSED)
    assert len(table.broker.known) == 2


def test_a_buy_order_that_bought_nothing_and_lost_its_lock_is_settled_by_the_next_owner(table):
    table.broker.fills = {0: 0}
    assert handle(buy(), table.desk(leases=Overtaken(table, "commit"))).outcome is Ending.LOST
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is Ending.REFUSED
    assert table.account.positions == 0


def test_a_sale_settled_for_what_is_not_held_is_an_error(table):
    table.buy()
    table.hands.later(1)
    desk = table.desk()
    held = take(desk, sell(at=table.hands.at))
    assert isinstance(held, Granted)
    order = replace(order_of(held, desk, table.hands.at), state=State.FILLED)
    with pytest.raises(PositionError, match="for what is not held"):
        settle(replace(held, position=None), order, desk)


def test_a_lock_without_an_owner_shows_nothing_of_one():
    assert Lock(instrument=AAA, fence=0).owner == ""
