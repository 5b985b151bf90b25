"""E5, E8: whatever a venue answers, or does not answer, is settled once."""

from decimal import Decimal
from math import nan

import pytest
from msgspec.structs import replace

from core.app.desk import Ending
from core.app.trade import handle, resume
from core.domain.errors import OrderExecutionError, PositionError, Transient, UnknownOutcome
from core.domain.exits import check, holding
from core.domain.exits import sell as exit_signal
from core.domain.orders import State
from core.domain.policies import ExitPolicy
from core.domain.values import DAY, Market, Millis
from core.domain.workers import Status
from tests.app.world import Table
from tests.fakes import AAA, AT, RULES, buy, sell


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


@pytest.mark.parametrize(("where", "ending"), [("before", Ending.REFUSED), ("after", Ending.BOUGHT)])
def test_a_buy_whose_outcome_is_unknown_keeps_the_intent_and_is_sent_once_in_all(table, where, ending):  # E8
    getattr(table.broker, where)["place"] = UnknownOutcome("time-out")
    verdict = table.buy(expires_s=600)
    assert verdict.outcome is Ending.UNKNOWN
    assert table.order(verdict).state is State.UNKNOWN
    assert table.lock.intent.order == verdict.order.id
    assert table.books.ledger.open_orders(Market.UPBIT) == [table.order(verdict)]

    table.hands.later(30)
    again = resume(table.lock, table.desk())

    assert again.outcome is ending
    assert len(table.broker.sent) == 1
    assert table.books.ledger.open_orders(Market.UPBIT) == []
    assert table.account.positions == (1 if ending is Ending.BOUGHT else 0)


def test_a_buy_that_the_venue_never_had_gives_worker_and_exposure_back(table):  # E8
    table.broker.before["place"] = UnknownOutcome("time-out")
    table.buy(expires_s=3600)
    for _ in range(4):
        table.hands.later(30)
        resume(table.lock, table.desk())
    order = table.books.ledger.orders(Market.UPBIT, "2026-09-21")[0]
    assert (order.state, order.note) == (State.REJECTED, "the venue never had it, and it is not sent again")
    assert len(table.broker.sent) == 1
    assert table.account.exposure == 0
    assert {worker.status for worker in table.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def test_a_sale_that_the_venue_never_had_is_sent_again_a_few_times_with_growing_pauses(table):  # E5, E8
    table.buy()
    table.hands.later(1)
    began = table.hands.at
    sent, outcomes = [], []
    for second in range(0, 600, 10):
        table.hands.at = Millis(began + second * 1000)
        table.broker.before["place"] = UnknownOutcome("time-out")
        before = len(table.broker.sent)
        answer = resume(table.lock, table.desk()) if second else table.sell()
        outcomes.append(answer.outcome)
        sent += [second] * (len(table.broker.sent) - before)
        if table.lock.intent is None:
            break
    assert sent == [0, 30, 90, 330]
    assert len(set(table.broker.sent[1:])) == 1
    assert outcomes[-1] is Ending.REFUSED
    assert table.lock.position is not None
    table.broker.before.clear()
    assert table.sell(id="next").outcome is Ending.SOLD


def test_a_sale_that_is_not_sent_again_yet_says_when(table):
    table.buy()
    table.hands.later(1)
    for act in (table.sell, lambda: resume(table.lock, table.desk())):
        table.broker.before["place"] = UnknownOutcome("time-out")
        act()
        table.hands.later(23)
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, verdict.detail) == (
        Ending.UNKNOWN,
        "unknown: the venue never had it; sent again in 37 s",
    )


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_was_filled_counts_though_the_venue_forgot_the_order(table, side):
    if side == "sell":
        table.buy()
        table.hands.later(1)
    table.broker.resting = True
    table.broker.fills = {0: 0.25}
    table.broker.before["cancel"] = UnknownOutcome("time-out")
    order = getattr(table, side)().order
    table.hands.later(30)
    del table.broker.known[order.id]

    verdict = resume(table.lock, table.desk())

    assert verdict.order.state is State.CANCELLED or side == "sell"
    assert table.books.ledger.order(order.id).state is State.CANCELLED
    assert table.broker.sent.count(order.id) == 1
    trips = table.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert sum(trip.quantity for trip in trips if trip.id == order.id) == (order.filled if side == "sell" else 0)


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


def test_a_remainder_below_the_least_order_is_written_off_and_told(table):  # E5
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.996}
    desk = table.desk()
    verdict = handle(sell(at=table.hands.at), desk)
    assert verdict.outcome is Ending.SOLD
    assert verdict.trip.exit == "stop_loss"
    assert (table.lock.position, table.lock.intent) == (None, None)
    assert desk.alerts.kinds == ["sold", "unsold"]
    flat_and_whole(table)
    trips = {trip.exit: trip for trip in table.books.ledger.trips(Market.UPBIT, "2026-09-21")}
    assert trips.keys() == {"stop_loss", "dust"}
    assert (trips["dust"].proceeds, trips["dust"].pnl) == (0, -trips["dust"].cost - trips["dust"].fees)


def flat_and_whole(table):
    """No worker, no place and no exposure is taken, and the day's result is that of its rows."""
    assert (table.account.positions, table.account.exposure) == (0, 0)
    assert {worker.status for worker in table.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}
    trips = table.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert table.account.realised == sum(trip.pnl for trip in trips)


def test_a_buy_filled_below_the_least_order_is_written_off_and_frees_its_worker(table):  # E3
    table.broker.fills = {0: 0.002}
    desk = table.desk()

    verdict = handle(buy(), desk)

    assert verdict.outcome is Ending.BOUGHT
    assert "; the rest: sold, " in verdict.detail
    assert table.lock.position is None
    assert (table.lock.owner, table.lock.intent) == ("", None)
    flat_and_whole(table)
    (trip,) = table.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert (trip.exit, trip.quantity) == ("dust", verdict.order.filled)
    assert desk.alerts.kinds == ["bought", "unsold"]
    assert "written off" in desk.alerts.sent[1].memo
    assert (desk.alerts.sent[1].rule, desk.alerts.sent[1].threshold) == ("dust", 5000.0)
    assert table.books.ledger.open_orders(Market.UPBIT) == []
    assert table.buy(id="next").outcome is Ending.BOUGHT


def test_a_holding_that_fell_below_the_least_order_is_written_off_when_it_cannot_be_sold(table):
    table.broker.fills = {0: 0.0052}
    table.buy()
    assert table.lock.position.quantity * 100 > 5000
    table.hands.later(1)
    table.broker.before["place"] = OrderExecutionError("under the least order")

    verdict = table.sell(price=90.0)

    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "venue")
    assert table.lock.position is None
    flat_and_whole(table)


def test_no_signal_can_write_a_position_off(table):
    table.buy()
    table.hands.later(1)
    assert table.sell(rule="dust").limit == "reason"
    assert table.lock.position is not None


def test_a_buy_rule_may_be_called_dust(table):
    assert handle(replace(buy(), rule="dust"), table.desk()).outcome is Ending.BOUGHT
    assert table.lock.position is not None


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


def test_a_sale_of_an_earlier_position_does_not_sell_this_one(table):  # E8
    table.buy()
    verdict = handle(replace(sell(), position="KRW-AAA:earlier"), table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.FLAT, "it is not the position that was to be sold")
    assert table.lock.position is not None
    assert table.lock.owner == ""


@pytest.mark.parametrize("position", ["", "KRW-AAA:b1"])
def test_the_clocks_of_two_hosts_do_not_keep_a_position_from_being_sold(table, position):  # E5, E8
    table.buy()
    behind = replace(sell(at=Millis(AT - 1_000)), position=position)
    assert handle(behind, table.desk()).outcome is Ending.SOLD


@pytest.mark.parametrize("part", [0, 0.5])
def test_a_stop_loss_that_did_not_sell_all_is_tried_again_by_its_next_signal(table, part):  # E4, E5
    table.buy()
    held = holding(table.lock.position, ExitPolicy(stop_loss=0.1))
    table.broker.fills = {0: part, 1: 0}
    table.broker.price = Decimal(90)
    endings = []
    for _ in range(2):  # within one minute
        table.hands.later(10)
        at = table.hands.at
        leave = check(held, 90.0, nan, DAY, ExitPolicy(stop_loss=0.1), at)
        signal = exit_signal(AAA, leave, 90.0, at, at, position=table.lock.position.signal, repeat_s=10.0)
        endings.append(handle(signal, table.desk()).outcome)
        table.broker.fills = {}
    assert endings == [Ending.SOLD if part else Ending.REFUSED, Ending.SOLD]
    assert table.lock.position is None


@pytest.mark.parametrize("kept", [True, False])
def test_alerts_that_cannot_be_sent_leave_nothing_half_done(table, kept):  # E5, F5
    class Silent:
        def send(self, alerts):
            raise Transient("the queue does not answer")

    changes = {} if kept else {"alerts": Silent()}
    bought = handle(buy(), table.desk(**changes))
    table.hands.later(1)
    table.broker.fills = {0: 0.5}
    sold = handle(sell(at=table.hands.at), table.desk(**changes))

    assert (bought.outcome, sold.outcome) == (Ending.BOUGHT, Ending.SOLD)
    assert (table.lock.position, table.lock.intent, table.lock.owner) == (None, None, "")
    told = [alert.kind.value for alert in (*bought.untold, *sold.untold)]
    assert told == ([] if kept else ["bought", "sold", "sold"])


def test_a_next_leg_that_fails_takes_nothing_from_what_was_sold(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.5}

    class Failing:
        def __getattr__(self, name):
            return getattr(table.broker, name)

        def place(self, order, at):
            if order.leg:
                raise PositionError("cannot be")
            return table.broker.place(order, at)

    desk = table.desk(broker=Failing())
    verdict = handle(sell(at=table.hands.at), desk)

    assert verdict.outcome is Ending.SOLD
    assert "; the rest: unclear, cannot be" in verdict.detail
    assert desk.alerts.kinds == ["sold"]
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.SOLD


def test_no_order_is_sent_after_our_own_deadline(table):  # invariant 12
    class Slow:
        def __getattr__(self, name):
            return getattr(table.books.leases, name)

        def engage(self, *args):
            answer = table.books.leases.engage(*args)
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
