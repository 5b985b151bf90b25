"""E5, E8: whatever a venue answers, or does not answer, is settled once."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app.desk import Ending
from core.app.trade import handle, resume
from core.domain.errors import OrderExecutionError, Transient, UnknownOutcome
from core.domain.orders import State
from core.domain.values import Market, Millis
from core.domain.workers import Status
from tests.app.world import Table
from tests.fakes import AT, RULES, buy, sell


@pytest.fixture
def table():
    return Table()


def test_a_refused_order_gives_worker_and_exposure_back_and_is_written(table):
    table.broker.before["place"] = OrderExecutionError("not enough money")
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "venue", "not enough money")
    assert table.order(verdict).state is State.REJECTED
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert {worker.status for worker in table.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def test_a_refusal_of_an_id_that_the_venue_knows_is_settled_by_what_it_holds(table):  # E8
    table.broker.after["place"] = OrderExecutionError("duplicated identifier")
    assert table.buy().outcome is Ending.BOUGHT


def test_an_order_that_was_not_sent_is_undone(table):
    table.broker.before["place"] = Transient("no connection")
    verdict = table.buy()
    assert (verdict.outcome, verdict.detail) == (Ending.REFUSED, "not sent: no connection")
    assert table.account.exposure == 0


def test_a_sale_that_was_not_sent_waits_for_the_sweep(table):
    table.buy()
    table.hands.later(1)
    table.broker.before["place"] = Transient("no connection")
    verdict = table.sell()
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "noted: no connection")
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.SOLD
    assert len(table.broker.known) == 2


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_unknown_outcome_keeps_the_intent_and_is_never_sent_again_blindly(table, where):  # E8
    getattr(table.broker, where)["place"] = UnknownOutcome("time-out")
    verdict = table.buy(expires_s=600)
    assert verdict.outcome is Ending.UNKNOWN
    assert table.order(verdict).state is State.UNKNOWN
    assert table.lock.intent.order == verdict.order.id
    assert table.books.ledger.open_orders(Market.UPBIT) == [table.order(verdict)]

    table.hands.later(30)
    again = resume(table.lock, table.desk())

    assert again.outcome is Ending.BOUGHT
    assert len(table.broker.known) == 1
    assert len(table.broker.sent) == (2 if where == "before" else 1)
    assert table.books.ledger.open_orders(Market.UPBIT) == []


def test_an_order_that_rests_is_looked_at_until_it_fills(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}
    desk = table.desk(pause=lambda seconds: table.broker.complete(next(iter(table.broker.known))))
    assert handle(buy(), desk).outcome is Ending.BOUGHT


def test_an_order_that_rests_too_long_is_cancelled_and_what_was_filled_is_kept(table):
    table.broker.resting = True
    table.broker.fills = {0: 0.25}
    verdict = table.buy()
    assert verdict.outcome is Ending.BOUGHT
    assert verdict.order.state is State.CANCELLED
    assert table.lock.position.quantity == verdict.order.filled < verdict.order.quantity
    assert table.account.exposure == table.lock.position.cost + table.lock.position.fees


def test_an_order_that_rests_and_cannot_be_cancelled_is_left_to_the_sweep(table):
    table.broker.resting = True
    table.broker.fills = {0: 0.25}
    table.broker.before["cancel"] = UnknownOutcome("time-out")
    verdict = table.buy()
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "partial")
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_an_order_filled_while_it_is_cancelled_counts_as_filled(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}
    looks = []

    class Racing:
        def __getattr__(self, name):
            return getattr(table.broker, name)

        def cancel(self, order, at):
            table.broker.complete(order.id)
            looks.append(order.id)
            return table.broker.cancel(order, at)

    assert handle(buy(), table.desk(broker=Racing())).outcome is Ending.BOUGHT
    assert len(looks) == 1


def test_a_venue_that_stumbles_while_an_order_rests_is_asked_again(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}

    def stumble(seconds):
        table.broker.before["find"] = Transient("busy")
        table.hands.later(seconds)

    verdict = handle(buy(), table.desk(pause=stumble))
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "venue")
    assert table.account.positions == 0


def test_a_sale_filled_in_part_goes_on_with_the_next_leg_while_there_is_time(table):  # E5
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.5, 1: 0.5}
    desk = table.desk()
    verdict = handle(sell(at=table.hands.at), desk)
    assert verdict.outcome is Ending.SOLD
    assert table.lock.position is None
    assert table.lock.intent is None
    trips = table.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert len(trips) == 3
    assert len({trip.id for trip in trips}) == 3
    assert table.account.exposure == 0
    assert table.account.realised == sum(trip.pnl for trip in trips)
    assert desk.alerts.kinds == ["sold"] * 3


def test_a_remainder_below_the_least_order_is_told_and_stays(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.996}
    desk = table.desk()
    verdict = handle(sell(at=table.hands.at), desk)
    assert verdict.outcome is Ending.SOLD
    assert table.lock.position.quantity * 100 < 5000
    assert table.lock.intent is None
    assert desk.alerts.kinds == ["sold", "unsold"]


def test_a_sale_that_sells_nothing_leaves_the_position_and_is_told(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0}
    desk = table.desk()
    before = table.lock.position
    verdict = handle(sell(at=table.hands.at), desk)
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "venue")
    assert table.lock.position == before
    assert desk.alerts.kinds == ["unsold"]


def test_a_next_leg_that_sells_nothing_is_told_with_what_was_sold(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.5, 1: 0}
    verdict = table.sell()
    assert verdict.outcome is Ending.SOLD
    assert "; the rest: refused, cancelled" in verdict.detail
    assert table.lock.position is not None


def test_a_holding_above_the_largest_order_is_sold_in_legs(table):
    table.buy()
    table.hands.later(1)
    table.changes = {"rules": replace(RULES, maximum=lambda symbol: Decimal(400_000))}
    assert table.sell().outcome is Ending.SOLD
    assert table.lock.position is None
    assert len(table.broker.sent) == 4


def test_a_sale_decided_before_the_position_was_opened_does_not_sell_it(table):  # E8
    late = sell(at=Millis(AT - 1_000))
    table.buy()
    verdict = handle(late, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.FLAT, "it was opened after the decision to sell")
    assert table.lock.position is not None
    assert table.lock.owner == ""


def test_no_order_is_sent_after_our_own_deadline(table):  # invariant 12
    class Slow:
        def __getattr__(self, name):
            return getattr(table.books.leases, name)

        def reserve(self, *args):
            answer = table.books.leases.reserve(*args)
            table.hands.later(19)
            return answer

    verdict = handle(buy(expires_s=600), table.desk(leases=Slow()))
    assert (verdict.outcome, verdict.detail) == (
        Ending.LOST,
        "the lease ended before the order was sent; the sweep goes on",
    )
    assert table.broker.sent == []
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT
