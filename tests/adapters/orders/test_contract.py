"""ports.Broker, held against every broker there is (E9): what trading relies on, whoever carries the orders out."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.paper import PaperBroker
from core.app.placing import told
from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.events import Book, Level
from core.domain.orders import DONE, State
from core.domain.values import Market, Side
from tests.adapters.orders.scripted import MOCK, REAL, Bench, Hands
from tests.fakes import RULES

ORDERS_OF = {"paper", "real", "mock", "real with notices", "mock without rows"}


class PaperDesk:
    """The paper venue with the same handles as a bench: what is open at a moment, and who is asked."""

    def __init__(self):
        self.hands = Hands()
        self.store = MemoryPaperStore()
        self.bench = Bench(hands=self.hands)
        self.order, self.write = self.bench.order, self.bench.write

    def broker(self):
        return PaperBroker(self, RULES, self.store, self.hands.clock)

    def books(self, symbols, depth):
        level = Level(69_900.0, 1000.0, 70_000.0, 1000.0)
        return [
            Book(instrument=self.order().instrument, levels=[level], at=self.hands.at, seen=self.hands.at)
            for symbol in symbols
            if symbol == "005930"
        ]


@pytest.fixture(params=sorted(ORDERS_OF))
def bench(request):
    match request.param:
        case "paper":
            return PaperDesk()
        case "real":
            return Bench(REAL)
        case "mock":
            return Bench(MOCK)
        case "real with notices":
            return Bench(REAL, notices=True)
        case _:
            found = Bench(MOCK)
            found.kis.empty = True
            return found


def finish(bench, broker, order):
    """Place, and look until it is finished, as core/app/placing.py does."""
    order = told(order, broker.place(order, bench.hands.at))
    for _ in range(20):
        if order.state in DONE:
            bench.write(order, broker)
            return order
        bench.hands.later(0.5)
        found = broker.find(order, bench.hands.at)
        order = order if found is None else told(order, found)
    raise AssertionError(order)


def test_what_was_never_placed_is_not_found(bench):
    assert bench.broker().find(bench.order(), bench.hands.at) is None


def test_a_buy_ends_filled_and_is_held(bench):
    broker = bench.broker()
    order = finish(bench, broker, bench.order())
    assert (order.state, order.filled, order.value) == (State.FILLED, 10, 700_000)
    assert order.fees > 0
    assert order.venue_id
    assert broker.holdings(Market.KRX) == {"005930": 10}


def test_a_sale_of_it_leaves_nothing(bench):
    broker = bench.broker()
    finish(bench, broker, bench.order())
    bench.hands.later(2)
    sold = finish(bench, broker, bench.order(Side.SELL, limit=None, signal="out"))
    assert (sold.state, sold.filled) == (State.FILLED, 10)
    assert broker.holdings(Market.KRX) == {}


def test_the_same_order_again_is_the_same_order(bench):
    broker = bench.broker()
    order = finish(bench, broker, bench.order())
    bench.hands.later(2)
    for other in (broker, bench.broker()):
        again = other.place(order, bench.hands.at)
        assert (again.state, again.venue_id, again.fills) == (order.state, order.venue_id, order.fills)
    assert broker.holdings(Market.KRX) == {"005930": 10}


def test_another_process_finds_what_one_has_placed(bench):
    order = finish(bench, bench.broker(), bench.order())
    bench.hands.later(2)
    found = bench.broker().find(bench.order(), bench.hands.at)
    assert (found.state, found.venue_id, sum(fill.quantity for fill in found.fills)) == ("filled", order.venue_id, 10)


def test_a_finished_order_is_not_cancelled(bench):
    broker = bench.broker()
    order = finish(bench, broker, bench.order())
    bench.hands.later(2)
    try:
        after = broker.cancel(order, bench.hands.at)
    except OrderExecutionError:
        after = broker.find(order, bench.hands.at)
    assert (after.state, after.fills) == ("filled", order.fills)


def test_a_fraction_of_a_share_is_refused_or_bought_but_never_left_open(bench):
    broker = bench.broker()
    order = replace(bench.order(), quantity=D("0.00001"))
    with pytest.raises(OrderExecutionError):
        broker.place(order, bench.hands.at)
    found = broker.find(order, bench.hands.at)
    assert found is None or found.state == "rejected"


def test_an_unknown_outcome_is_never_a_second_order():
    bench = Bench(REAL)
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(70)
    assert finish(bench, broker, order).filled == 10
    assert len(bench.kis.orders) == 1
