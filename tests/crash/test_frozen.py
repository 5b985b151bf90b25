"""E8: a process frozen between its last look at the clock and its request (a suspended laptop), on every venue.

Meanwhile others show that the venue never had its order, and give it up. Then it goes on, as if nothing had been. What
it may do then depends on the venue, and is listed here; in the end our books are the venue's, and nothing was doubled.
"""

import pytest

from core.app.trade import handle
from core.domain.orders import State
from core.domain.values import Side
from tests.adapters.orders.floors import BinanceFloor, Served
from tests.adapters.orders.floors_kis import KisMockFloor, PaperFloor
from tests.crash.grounds import LEASE_S, Ground, Steps
from tests.crash.test_matrix import FLOORS

pytestmark = pytest.mark.slow

NOTE = "the broker's log: write"
SWEEPS = 6


class Frozen(Steps):
    """Stops at the first step of that name while `others` act, then goes on; `dies` at the step after it, if so."""

    def __init__(self, name, others, dies):
        super().__init__()
        self.name, self.others, self.dies, self.thawed = name, others, dies, False

    def take(self, name):
        if self.thawed and self.dies and self.on:
            self.on = False
            self.die(name)
        if self.on and not self.thawed and name == self.name:
            self.on = False
            self.others()
            self.on = self.thawed = True
        super().take(name)


def request_of(floor):
    return "paper: record" if isinstance(floor, PaperFloor) else f"venue: POST {floor.path}"


def others(ground):
    """Time goes by, and the sweep with it, until nothing is open any more."""
    for _ in range(SWEEPS):
        ground.clock.sleep(LEASE_S + 5)
        ground.sweep()
    lock = ground.lock()
    assert (lock.owner, lock.intent) == ("", None)


def frozen(ground, side, name, *, dies=False):
    """One signal by a process that is frozen before the step of that name; what the venue took of that side."""
    given = ground.signal(side, "frozen", expires_s=10)
    steps = Frozen(name, lambda: others(ground), dies)
    died = ground.mortal(steps, lambda: handle(given, ground.desk()))
    assert steps.thawed
    assert died == dies
    return ground.floor.sent(side)


@pytest.fixture(params=FLOORS)
def ground(request, monkeypatch):
    with Served(FLOORS[request.param]) as floor:
        yield Ground(floor, monkeypatch)


def settled(ground):
    """While nothing is held the venue is asked what it holds in one minute of ten."""
    for _ in range(11):
        ground.clock.sleep(60)
        ground.sweep()
    assert ground.trouble() == {}


def test_who_was_frozen_before_it_noted_its_order_finds_it_given_up_and_sends_nothing(ground):
    if isinstance(ground.floor, PaperFloor):
        pytest.skip("the paper venue's own write is the order")
    assert frozen(ground, Side.BUY, NOTE) == []
    settled(ground)


@pytest.mark.parametrize("dies", [False, True], ids=["and goes on", "and dies"])
def test_a_buy_that_left_long_after_it_was_given_up_is_ours_with_its_own_fills(ground, dies):
    """Binance refuses it by its own window of 5 s. Elsewhere it is bought, and the sweep finds whose it is."""
    floor = ground.floor
    if dies and isinstance(floor, BinanceFloor | KisMockFloor):
        pytest.skip("nothing arrives at Binance; KIS's mock lists it to nobody")
    taken = frozen(ground, Side.BUY, request_of(floor), dies=dies)
    assert len(taken) == (0 if isinstance(floor, BinanceFloor) else 1)
    settled(ground)
    held = ground.lock().position
    assert (held is not None) == bool(taken)
    if held:
        [order] = ground.desk().ledger.orders(ground.on.market, ground.desk().days.day_of(ground.clock()))
        assert (order.state, order.filled, held.cost) == (State.FILLED, held.quantity, order.value)


@pytest.mark.parametrize("ground", ["kis mock"], indirect=True)
def test_on_a_venue_whose_lists_leave_orders_out_such_a_buy_is_told_until_a_person_looks(ground):
    [taken] = frozen(ground, Side.BUY, request_of(ground.floor), dies=True)
    for _ in range(11):
        ground.clock.sleep(60)
        ground.sweep()
    assert ground.lock().position is None
    told = f"our books hold 0, the venue holds {taken.quantity}"
    assert any(alert.memo.startswith(told) for alert in ground.told.sent)


def test_a_sale_that_left_long_after_others_made_it_sells_nothing_twice(ground):
    handle(ground.signal(Side.BUY, "before"), ground.desk())
    ground.clock.sleep(2)
    assert len(frozen(ground, Side.SELL, request_of(ground.floor))) == 1
    settled(ground)
    assert ground.lock().position is None
