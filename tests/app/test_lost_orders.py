"""E8 at a venue that knows no client order id: whatever is lost and whoever dies, one order for each decision."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.app import sweep
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.levels import SafeSet
from core.domain.values import Market
from core.domain.workers import Status
from tests.adapters.orders.scripted import MOCK, REAL, SAMSUNG, Bench
from tests.app.test_crashes import at_every
from tests.app.world import BROKER, LEASES, LEDGER
from tests.fakes import Died, Dying, Steps, Told, desk_of
from tests.fakes import buy as a_signal
from tests.fakes import sell as a_sell_signal
from tests.watching import Quotes

POSTS = {"order-cash"}


def whole_shares(symbol):
    return Decimal(1)


def quotes():
    """A price that gives no reason to leave: the sweep watches positions where no streamer does."""
    found = Quotes("005930")
    found.prices["005930"] = 70_000.0
    return found


class World:
    """Books and a scripted account that outlive every process; one broker for each process."""

    def __init__(self, environment=REAL, notices=False, empty=False):
        self.books, self.told = MemoryBooks(), Told()
        self.bench = Bench(environment, notices=notices)
        self.bench.kis.empty, self.bench.sendings = empty, self.books.sendings
        self.hands = self.bench.hands
        self.kis = self.bench.kis

    def desk(self):
        desk = desk_of(self.books, self.bench.broker(), self.hands)
        return replace(
            desk, market=Market.KRX, rules=replace(desk.rules, lot=whole_shares), shelf=self._shelf(), alerts=self.told
        )

    def _shelf(self):
        shelf = MemoryShelf()
        shelf.write(SafeSet(market=Market.KRX, at=self.hands.at, safe=("005930",), excluded=()))
        return shelf

    def mortal(self, steps):
        desk = self.desk()
        return replace(
            desk,
            leases=Dying(desk.leases, steps, LEASES),
            broker=Dying(desk.broker, steps, BROKER),
            ledger=Dying(desk.ledger, steps, LEDGER),
        )

    def buy(self, id="b1", desk=None, expires_s=600):
        signal = replace(a_signal(id=id, at=self.hands.at, price=70_000.0, expires_s=expires_s), instrument=SAMSUNG)
        return handle(signal, desk or self.desk())

    def sell(self, id="s1", desk=None):
        return handle(
            replace(a_sell_signal(id=id, at=self.hands.at, price=70_000.0), instrument=SAMSUNG), desk or self.desk()
        )

    def sweep(self):
        self.hands.later(60)
        return sweep.run(self.desk(), quotes())

    @property
    def lock(self):
        return self.books.leases.lock(SAMSUNG)

    @property
    def bought(self):
        return sum(order["filled"] for order in self.kis.orders.values() if order["side"] == "buy")

    def settled(self):
        """Books and account say the same, and nothing is open. Returns the units held."""
        for _ in range(4):
            self.sweep()
        assert self.books.ledger.open_orders(Market.KRX) == []
        lock = self.lock
        assert lock is None or (lock.owner, lock.intent) == ("", None)
        held = lock.position.quantity if lock and lock.position else 0
        assert self.kis.held["005930"] == held
        holding = [w.symbol for w in self.books.ledger.workers(Market.KRX) if w.status is Status.HOLD]
        assert holding == (["005930"] if held else [])
        return held


ways = pytest.mark.parametrize(
    "way",
    [
        pytest.param({"environment": REAL}, id="real"),
        pytest.param({"environment": REAL, "notices": True}, id="real with notices"),
        pytest.param({"environment": MOCK}, id="mock"),
        pytest.param({"environment": MOCK, "empty": True}, id="mock without rows"),
        pytest.param({"environment": MOCK, "empty": True, "notices": True}, id="mock, notices only"),
    ],
)


@ways
def test_a_buy_and_its_sale(way):
    world = World(**way)
    assert world.buy().outcome is Ending.BOUGHT
    world.hands.later(5)
    assert world.sell().outcome is Ending.SOLD
    assert world.settled() == 0
    assert len(world.kis.posts) == 2


@ways
def test_a_time_out_of_a_buy_that_did_go_through_is_one_buy(way):
    world = World(**way)
    world.kis.lost = ["reply"]
    first = world.buy(expires_s=30)
    assert first.outcome in (Ending.UNKNOWN, Ending.BOUGHT)
    assert world.settled() == 14
    assert len(world.kis.orders) == len(world.kis.posts) == 1


@ways
def test_a_time_out_of_a_buy_that_did_not_go_through_is_no_buy_once_it_is_too_late(way):
    world = World(**way)
    world.kis.lost = ["request"]
    assert world.buy(expires_s=30).outcome is Ending.UNKNOWN
    assert world.settled() == 0
    assert (len(world.kis.posts), world.kis.orders) == (1, {})


@ways
def test_a_time_out_of_a_buy_that_did_not_go_through_is_over_once_that_is_proven(way):
    world = World(**way)
    world.kis.lost = ["request"]
    assert world.buy(expires_s=3600).outcome is Ending.UNKNOWN
    assert world.settled() == 0
    assert (len(world.kis.posts), len(world.kis.orders)) == (1, 0)


@ways
@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_time_out_of_a_sale_sells_once(way, lost):
    world = World(**way)
    world.buy()
    world.hands.later(5)
    world.kis.lost = [lost]
    assert world.sell().outcome is Ending.UNKNOWN
    assert world.settled() == 0
    sold = [order for order in world.kis.orders.values() if order["side"] == "sell"]
    assert len(sold) == 1


@ways
@pytest.mark.parametrize("lost", ["request", "reply"])
def test_while_an_outcome_is_unknown_no_delivery_and_no_sweep_sends_again(way, lost):
    world = World(**way)
    world.kis.lost = [lost]
    world.buy(id="same")
    for _ in range(5):
        world.hands.later(8)
        world.buy(id="same")
        sweep.run(world.desk(), quotes())
    assert len(world.kis.posts) == 1


def steps_of(act):
    world, steps = World(), Steps()
    act(world, steps)
    return steps.taken


def a_buy(world, steps):
    world.buy(desk=world.mortal(steps), expires_s=3600)


def a_sale(world, steps):
    world.buy()
    world.hands.later(5)
    world.sell(desk=world.mortal(steps))


BUY, SALE = steps_of(a_buy), steps_of(a_sale)


@at_every(BUY)
@pytest.mark.parametrize("lost", ["", "reply", "request"])
@pytest.mark.parametrize("empty", [False, True], ids=["real", "mock without rows"])
def test_a_buy_that_dies_at_any_step_is_one_order_whatever_is_lost(last, lost, empty):
    world = World(MOCK if empty else REAL, empty=empty)
    world.kis.lost = [lost]
    with suppress(Died):
        a_buy(world, Steps(last))
    world.hands.later(25)
    world.buy(expires_s=3600)

    assert world.settled() in (0, 14)
    assert len(world.kis.orders) <= 1
    assert world.bought <= 14


@at_every(SALE)
@pytest.mark.parametrize("lost", ["", "reply", "request"])
def test_a_sale_that_dies_at_any_step_sells_all_once_whatever_is_lost(last, lost):
    world = World()
    world.kis.lost = ["", lost]
    with suppress(Died):
        a_sale(world, Steps(last))
    for _ in range(3):
        world.sweep()
    world.sell(id="again")

    assert world.settled() == 0
    sold = [order for order in world.kis.orders.values() if order["side"] == "sell"]
    assert sum(order["filled"] for order in sold) == 14
    assert len(sold) == 1


def test_a_rest_that_is_not_filled_is_cancelled_and_what_was_is_held():
    world = World(MOCK)
    world.kis.fills = world.kis.fills / 2
    verdict = world.buy()
    assert (verdict.outcome, verdict.order.state.value, verdict.order.filled) == (Ending.BOUGHT, "cancelled", 7)
    assert world.settled() == 7


def test_a_refused_buy_is_settled_at_once_without_a_question():
    world = World()
    world.kis.answers = [(200, {"rt_cd": "7", "msg_cd": "APBK0919", "msg1": "주문가능금액을 초과"})]
    verdict = world.buy()
    assert (verdict.outcome, set(world.kis.calls)) == (Ending.REFUSED, {*POSTS, "inquire-psbl-order"})
    assert world.settled() == 0
