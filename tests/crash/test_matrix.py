"""E8: a process that dies between any two steps of a buy, a sale, a liquidation or a sweep, on every simulated venue.

The steps are listed by a dry run. After each death the signal is delivered again and the sweep runs: then there is one
order for each decision, our books are the venue's, and no lock is held.
"""

from contextlib import suppress

import pytest

from core.app import liquidate, sweep
from core.app.trade import handle
from core.domain.errors import CoreError
from core.domain.values import Side
from core.simulators.faults import Kind
from tests.adapters.orders.floors import BinanceFloor, Served, UpbitFloor
from tests.adapters.orders.floors_kis import KisFloor, KisMockFloor, PaperFloor
from tests.crash.grounds import LEASE_S, Ground, Steps
from tests.watching import Quotes

FLOORS = {
    "paper": PaperFloor, "kis": KisFloor, "kis mock": KisMockFloor, "upbit": UpbitFloor, "binance": BinanceFloor,
}  # fmt: skip
SWEEPS = 6


class Until(Steps):
    """Dies before the n-th step of that name: the second transaction of a buy is its commit."""

    def __init__(self, name, count):
        super().__init__()
        self.name, self.count = name, count

    def take(self, name):
        self.count -= self.on and name == self.name
        if not self.count:
            self.last = len(self.taken) + 1
        super().take(name)


class Flow:
    """What a process was doing. `begin` is done before it, undisturbed; `orders` are those that there may be at most."""

    orders = (1, 0)

    def begin(self, ground):
        """Nothing is needed before."""

    def again(self, ground):
        """What comes to the same end by itself: the queue delivers again, the schedule fires again."""
        handle(self.signal, ground.desk())


class Buy(Flow):
    def begin(self, ground):
        self.signal = ground.signal(Side.BUY)

    def act(self, ground):
        handle(self.signal, ground.desk())


class Refused(Buy):
    """A halt refuses it: the lock is given back (release)."""

    orders = (0, 0)

    def begin(self, ground):
        super().begin(ground)
        ground.desk().ledger.halt("all", "a test", ground.clock())


class Unknown(Buy):
    """The venue's reply is lost (park), and what became of the order is found out later."""

    def begin(self, ground):
        super().begin(ground)
        if ground.floor.loses:
            ground.floor.cause(Kind.LOST_REPLY)


class Sale(Flow):
    orders = (1, 1)

    def begin(self, ground):
        handle(ground.signal(Side.BUY, "before"), ground.desk())
        ground.clock.sleep(2)
        self.signal = ground.signal(Side.SELL)

    def act(self, ground):
        handle(self.signal, ground.desk())


class Liquidation(Sale):
    def act(self, ground):
        liquidate.run(ground.desk(**ground.day()))

    def again(self, ground):
        ground.liquidate()


class Sweep(Buy):
    """It finds what a dead buy left after its order was sent."""

    def begin(self, ground):
        super().begin(ground)
        assert ground.mortal(Until("transact_write_items", 2), lambda: handle(self.signal, ground.desk()))
        ground.clock.sleep(LEASE_S + 5)

    def act(self, ground):
        sweep.run(ground.desk(), Quotes(ground.on.symbol))


FLOWS = {each.__name__.lower(): each for each in (Buy, Refused, Unknown, Sale, Liquidation, Sweep)}


def live(floor, flow, patch, last):
    """One life of a process; its steps, and the ground as it was left once everything else had its turn."""
    with patch.context() as local:
        ground = Ground(floor, local)
        run = flow()
        run.begin(ground)
        steps = Steps(last)
        died = ground.mortal(steps, lambda: run.act(ground))
        assert died == (last is not None and last <= len(steps.taken))
        ground.clock.sleep(3)
        for _ in range(SWEEPS):
            ground.clock.sleep(LEASE_S + 3)
            with suppress(CoreError):  # the message goes back to its queue, the schedule fires again
                ground.sweep()
                run.again(ground)
            if not ground.trouble():
                break
        assert ground.trouble() == {}, (last, steps.taken[-3:])
        ground.clock.sleep(30)
        ground.sweep()
        assert ground.untold() == set(), (last, steps.taken[-3:])
        bought, sold = len(floor.sent(Side.BUY)), len(floor.sent(Side.SELL))
        assert bought <= run.orders[0]
        assert sold <= run.orders[1]
        return steps.taken


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("venue", FLOORS)
def test_whoever_dies_at_any_step_leaves_one_order_and_books_that_are_the_venues(venue, flow, monkeypatch):
    with Served(FLOORS[venue]) as floor:
        listed = live(floor, FLOWS[flow], monkeypatch, None)
    print(f"\n{venue} {flow}: {len(listed)} steps: {listed}")
    for last in range(1, len(listed) + 1):
        with Served(FLOORS[venue]) as floor:
            live(floor, FLOWS[flow], monkeypatch, last)
