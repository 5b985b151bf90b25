"""E3, E5, E8: one signal carried out on memory books, and every answer that a lock can give."""

from decimal import Decimal

import pytest

from core.adapters.memory.books import MemoryBooks
from core.app.desk import Ending, declined, insist
from core.app.ports import Reserved
from core.app.trade import handle
from core.domain.errors import LockAcquisitionError
from core.domain.leases import Barrier, Busy, Flat, Held, Repeated, Unclear
from core.domain.orders import State, order_id
from core.domain.values import Market, Millis, Side
from core.domain.workers import Status
from tests.app.world import Table, take
from tests.fakes import AAA, Counting, buy, desk_of, sell


@pytest.fixture
def table():
    return Table()


def test_a_buy_signal_becomes_one_order_and_a_position_owned_by_a_worker_at_hold(table):  # E3
    verdict = table.buy()

    assert verdict.outcome is Ending.BOUGHT
    assert table.lock.position.quantity == verdict.order.filled
    assert table.lock.owner == ""
    assert table.lock.intent is None
    worker = table.worker(table.lock.position.worker)
    assert (worker.status, worker.symbol) == (Status.HOLD, "KRW-AAA")
    assert table.order(verdict).state is State.FILLED
    assert table.account.positions == 1
    assert table.account.exposure == table.lock.position.cost + table.lock.position.fees


def test_what_a_buy_can_cost_at_worst_stays_within_the_workers_capital(table):  # E3
    verdict = table.buy()

    worst = verdict.order.quantity * verdict.order.limit * (1 + Decimal("0.0005"))
    assert verdict.order.limit == Decimal(101)
    assert Decimal(999_900) < worst <= Decimal(1_000_000)


def test_a_sell_signal_sells_all_that_is_held_and_frees_the_worker(table):  # E5
    bought = table.buy()
    table.hands.later(5)
    table.broker.price = Decimal(110)

    verdict = table.sell(price=110.0)

    assert verdict.outcome is Ending.SOLD
    assert verdict.order.quantity == bought.order.filled
    assert verdict.trip.pnl == verdict.trip.proceeds - verdict.trip.cost - verdict.trip.fees
    assert verdict.trip.exit == "stop_loss"
    assert table.lock.position is None
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert table.worker(bought.order.worker).status is Status.SCAN
    assert table.books.ledger.trips(Market.UPBIT, "2026-09-21") == [verdict.trip]


def test_people_are_told_the_figures_of_a_buy_and_the_result_of_a_sale(table):
    desk = table.desk()
    handle(buy(), desk)
    table.hands.later(5)
    table.broker.price = Decimal(110)
    handle(sell(at=table.hands.at), desk)

    bought, sold = desk.alerts.sent
    assert (bought.kind, bought.lasting, bought.name) == ("bought", False, "AAA")
    assert "x 100 =" in bought.memo
    assert sold.memo.startswith("PnL +9")
    assert sold.link == "https://example.test/KRW-AAA"


def test_a_buy_costs_two_round_trips_a_refused_lock_one_and_a_refused_check_none(table):
    books = MemoryBooks()
    desk_of(books)
    leases, ledger = Counting(books.leases), Counting(books.ledger)
    first = desk_of(books, table.broker, table.hands)
    handle(buy("KRW-BBB"), first)  # puts the workers to work, once in the life of a market
    handle(sell("KRW-BBB", at=table.hands.later(1) or table.hands.at), first)
    desk = desk_of(books, table.broker, table.hands, leases=leases, ledger=ledger)

    handle(buy(id="x1", at=table.hands.at), desk)
    assert (dict(leases.calls), dict(ledger.calls)) == ({"engage": 1, "commit": 1}, {})

    handle(buy(id="x2", at=table.hands.at), desk)
    assert leases.calls.total() == 3

    handle(buy("KRW-ZZZ", at=table.hands.at), desk)
    assert leases.calls.total() == 3


def test_a_signal_delivered_twice_buys_once(table):  # E8
    table.buy()
    assert table.buy().outcome is Ending.REPEATED
    assert len(table.broker.sent) == 1


def test_a_signal_delivered_after_its_mark_was_forgotten_is_caught_by_its_order_row(table):  # E8
    old = buy(expires_s=3600)
    handle(old, table.desk())
    for number in range(15):
        table.hands.later(10)
        table.sell(id=f"s{number}")
        table.hands.later(10)
        table.buy(id=f"again{number}")
    table.hands.later(10)
    table.sell(id="last")
    assert old.id not in table.lock.done

    verdict = handle(old, table.desk())

    assert (verdict.outcome, verdict.limit) == (Ending.REPEATED, "order already written")
    assert table.broker.sent.count(order_id(AAA, old.id, Side.BUY, 0)) == 1
    assert table.lock.owner == ""


def test_a_second_buy_of_a_held_symbol_is_told_who_owns_it(table):
    table.buy()
    verdict = table.buy(id="b2")
    assert verdict.outcome is Ending.HELD
    assert verdict.detail == f"owned by {table.lock.position.worker}, fence {table.lock.fence}"


def test_a_sale_of_what_is_not_held_is_flat(table):
    assert table.sell().outcome is Ending.FLAT


def test_a_signal_past_its_time_is_counted_and_never_acted_on(table):
    signal = buy()
    table.hands.later(31)
    verdict = handle(signal, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.EXPIRED, "1.0 s too late")
    assert table.lock is None


def test_a_lock_that_is_held_names_its_holder_fence_and_end_and_sends_the_message_back(table):  # E1, E3
    desk = table.desk()
    granted = take(desk)

    verdict = table.buy(id="other")

    assert verdict.outcome is Ending.BUSY
    assert verdict.detail == f"held by {desk.owner}, fence 1, until {granted.ends}"
    with pytest.raises(LockAcquisitionError, match="the symbol is being worked on"):
        insist(verdict)


def test_a_verdict_that_decided_something_passes(table):
    verdict = table.buy()
    assert insist(verdict) is verdict


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (Busy(holder="x", fence=7, ends=Millis(9)), Ending.BUSY, "held by x, fence 7, until 9"),
        (Held(worker="w-01", fence=7), Ending.HELD, "owned by w-01, fence 7"),
        (Flat(fence=7), Ending.FLAT, "nothing is held"),
        (Repeated(signal="s", fence=7), Ending.REPEATED, "this signal was settled before"),
        (Unclear(reason="no reply"), Ending.UNCLEAR, "no reply"),
    ],
)
def test_every_refusal_of_a_lock_has_an_ending(answer, outcome, detail):
    verdict = declined(answer, AAA, "s")
    assert (verdict.outcome, verdict.detail) == (outcome, detail)


def test_a_granted_lock_is_not_a_refusal(table):
    with pytest.raises(ValueError, match="not a refusal"):
        declined(take(table.desk()), AAA, "s")


def test_a_store_that_does_not_answer_decides_nothing(table):
    class Silent:
        def engage(self, *asked):
            return Unclear(reason="no reply")

    assert handle(buy(), table.desk(leases=Silent())).outcome is Ending.UNCLEAR


def test_a_try_that_comes_late_takes_its_own_worker_whoever_is_tried_meanwhile(table):  # E2, E8
    """The first try was told no and is written all the same, once its worker is free: its order is that worker's."""

    class Late:
        tries = 0

        def __getattr__(self, name):
            return getattr(table.books.leases, name)

        def engage(self, *asked):
            self.tries += 1
            answer = table.books.leases.engage(*asked)
            return Reserved(refused=Barrier.WORKER_TAKEN) if self.tries == 1 else answer

    table.buy("KRW-BBB")
    leases = Late()
    verdict = handle(buy(), table.desk(leases=leases))
    assert (verdict.outcome, leases.tries) == (Ending.BOUGHT, 2)
    worker = table.worker(verdict.order.worker)
    assert (worker.status, worker.symbol, table.lock.position.worker) == (Status.HOLD, "KRW-AAA", worker.id)
