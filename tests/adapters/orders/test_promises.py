"""One suite for every broker (E8, E9): paper, KIS real and mock, Upbit, Binance and its testnet, over real sockets.

What trading relies on, whoever carries the orders out; after each test our ledger and the venue's books agree to the
share and to the last decimal of money.
"""

import random
from decimal import Decimal as D

import pytest

from core.app.placing import told
from core.domain.errors import OrderExecutionError, Transient, UnknownOutcome
from core.domain.orders import DONE, State
from core.domain.values import Side
from core.simulators.faults import Kind
from tests.adapters.orders.floors import BinanceFloor, PracticeFloor, Served, UpbitFloor
from tests.adapters.orders.floors_kis import KisFloor, KisMockFloor, PaperFloor

FLOORS = {
    "paper": PaperFloor, "kis": KisFloor, "kis mock": KisMockFloor, "upbit": UpbitFloor, "binance": BinanceFloor,
    "testnet": PracticeFloor,
}  # fmt: skip


class Ledger:
    """What our side believes: units and money of every order that it saw end."""

    def __init__(self, floor):
        self.floor, self.began, self.orders = floor, floor.cash, []

    def add(self, order):
        assert order.state in DONE
        self.orders.append(order)
        return order

    def check(self):
        units = sum((o.filled if o.side is Side.BUY else -o.filled for o in self.orders), D(0))
        spent = sum(((o.value if o.side is Side.BUY else -o.value) + o.fees + o.taxes for o in self.orders), D(0))
        assert units == self.floor.units
        assert spent == self.began - self.floor.cash
        ours = [order for order in self.orders if order.venue_id or order.fills]  # mock may never tell a number
        assert len(self.floor.sent(Side.BUY) + self.floor.sent(Side.SELL)) == len(ours)


@pytest.fixture(params=FLOORS)
def floor(request):
    with Served(FLOORS[request.param]) as made:
        made.broker().holdings(made.instrument.market)  # a token, where there is one, is not what a fault shall hit
        yield made


@pytest.fixture
def ledger(floor):
    kept = Ledger(floor)
    yield kept
    kept.check()


def lossy(floor):
    if not floor.loses:
        pytest.skip("nothing is sent anywhere")


def test_what_was_never_placed_is_not_found_and_cannot_be_cancelled(floor, ledger):
    broker, order = floor.broker(), floor.order()
    assert broker.find(order, floor.clock()) is None
    with pytest.raises(OrderExecutionError):
        broker.cancel(order, floor.clock())


def test_a_buy_is_held_and_a_sale_of_it_leaves_nothing_that_could_be_sold(floor, ledger):
    bought = ledger.add(floor.finish(floor.order(limit=floor.worst(Side.BUY))))
    assert (bought.state, bool(bought.venue_id), bought.fees > 0) == (State.FILLED, True, True)
    assert floor.broker().holdings(floor.instrument.market) == {floor.instrument.symbol: bought.filled}
    floor.clock.sleep(2)

    sold = ledger.add(floor.finish(floor.order(Side.SELL, floor.sellable(), signal="out")))
    assert (sold.state, floor.sellable()) == (State.FILLED, 0)


def test_what_the_book_cannot_give_is_cancelled_and_the_rest_is_ours(floor, ledger):
    if isinstance(floor, KisMockFloor):
        pytest.skip("KIS mock has no order that gives its rest back, and tells sums instead of executions")
    part = ledger.add(floor.finish(floor.scarce()))
    assert part.state in (State.CANCELLED, State.EXPIRED)
    assert 0 < part.filled < part.quantity
    floor.ample()


def test_the_same_order_from_three_processes_is_one_order(floor, ledger):
    order = floor.order(limit=floor.worst(Side.BUY))
    first = ledger.add(floor.finish(order))
    floor.clock.sleep(2)
    for _ in range(2):
        again = floor.broker().place(order, floor.clock())
        assert (again.state, again.venue_id, again.fills) == (first.state, first.venue_id, first.fills)
    assert len(floor.sent()) == 1


@pytest.mark.parametrize("wrong", ["too much", "too little", "nothing held"])
def test_what_the_venue_refuses_is_refused_in_words_and_leaves_no_trace(floor, ledger, wrong):
    broker = floor.broker()
    match wrong:
        case "too much":
            order = floor.order(quantity=floor.quantity * 10**7, limit=floor.worst(Side.BUY))
        case "too little":
            order = floor.order(quantity=D("0.00000001"), limit=floor.worst(Side.BUY))
        case _:
            order = floor.order(Side.SELL, limit=floor.worst(Side.SELL))
    with pytest.raises(OrderExecutionError) as caught:
        broker.place(order, floor.clock())
    assert len(caught.value.found) > 10
    found = floor.broker().find(order, floor.clock())
    assert found is None or found.state == "rejected"


@pytest.mark.parametrize("lost", [Kind.LOST_REPLY, Kind.LOST_REQUEST, Kind.HTTP])
def test_an_unknown_outcome_is_one_order_however_often_it_is_asked_for(floor, ledger, lost):
    """Nobody knows, nobody sends again; once the venue has said what it has, there is exactly one."""
    lossy(floor)
    order = floor.order(limit=floor.worst(Side.BUY))
    floor.cause(lost, status=503)
    with pytest.raises(UnknownOutcome):
        floor.broker().place(order, floor.clock())
    arrived = lost is Kind.LOST_REPLY
    assert len(floor.sent()) == arrived
    if not arrived:
        with pytest.raises(UnknownOutcome):
            floor.broker().place(order, floor.clock())
        assert floor.sent() == []
    floor.clock.sleep(70)
    broker = floor.broker()  # who has made sure that it was not sent is who may send it
    assert (broker.find(order, floor.clock()) is not None) == arrived
    ledger.add(floor.finish(order, broker))
    assert len(floor.sent()) == 1


def test_a_venue_that_is_too_busy_has_taken_nothing_and_takes_it_later(floor, ledger):
    lossy(floor)
    order = floor.order(limit=floor.worst(Side.BUY))
    floor.cause(Kind.HTTP, status=429)
    try:
        placed = floor.finish(order, looks=False)
    except Transient:
        assert floor.sent() == []
        broker = floor.broker()
        assert broker.find(order, floor.clock()) is None
        placed = floor.finish(order, broker, looks=False)
    ledger.add(floor.watch(placed))
    assert len(floor.sent()) == 1


def test_an_outage_in_the_middle_of_looking_loses_nothing(floor, ledger):
    lossy(floor)
    order = floor.order(limit=floor.worst(Side.BUY))
    placed = floor.finish(order, looks=False)
    floor.cause(Kind.REFUSE, any=True)
    ledger.add(floor.watch(placed))


@pytest.mark.parametrize("seed", [1, 2])
def test_any_history_of_orders_and_losses_ends_with_equal_books(floor, ledger, seed):
    """A dozen decisions, a third of the calls lost one way or the other, every one asked for until it is known."""
    dice = random.Random(seed)
    for number in range(12):
        side = Side.SELL if floor.sellable() and dice.random() < 0.5 else Side.BUY
        quantity = floor.sellable() if side is Side.SELL else None
        order = floor.order(side, quantity, limit=floor.worst(side), signal=f"n{number}")
        if floor.loses and dice.random() < 0.35:
            floor.cause(dice.choice([Kind.LOST_REPLY, Kind.LOST_REQUEST]))
        try:
            order = floor.finish(order, looks=False)
        except UnknownOutcome:
            floor.clock.sleep(70)
            found = floor.broker().find(order, floor.clock())
            if found is None:
                continue
            order = told(order, found)
        ledger.add(floor.watch(order))
        floor.clock.sleep(3)
    assert len(ledger.orders) > 4
