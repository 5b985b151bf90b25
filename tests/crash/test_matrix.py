"""E8: a process that SIGKILL ends between any two steps of whatever trades, on paper and on every simulated venue.

The steps are listed by a dry run. After each death the signal is delivered again and the sweep runs: then there is one
order for each decision, our books are the venue's to the share and to the last decimal, and no lock is held. `CRASH=all` in the environment ends a process
before every step there is; the suite takes every fourth, from another first one in each place.
"""

import os
from contextlib import suppress
from decimal import Decimal
from itertools import count

import pytest
from msgspec.structs import replace

from core.app import liquidate, sweep
from core.app.trade import handle
from core.domain.errors import CoreError, UnknownOutcome
from core.domain.values import Side
from core.simulators.faults import Kind
from core.simulators.kis_depth import depth
from tests.adapters.orders.floors import BinanceFloor, Served, UpbitFloor
from tests.adapters.orders.floors_kis import KisFloor, KisMockFloor, PaperFloor
from tests.crash.grounds import LEASE_S, Ground, Steps
from tests.reckoning import by_worker
from tests.watching import Quotes

FLOORS = {
    "paper": PaperFloor, "kis": KisFloor, "kis mock": KisMockFloor, "upbit": UpbitFloor, "binance": BinanceFloor,
}  # fmt: skip
SWEEPS = 6
EVERY = 1 if os.environ.get("CRASH") == "all" else 4


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
    venues = tuple(FLOORS)

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


class Release(Buy):
    """A halt refuses it: the lock is given back."""

    orders = (0, 0)

    def begin(self, ground):
        super().begin(ground)
        ground.desk().ledger.halt("all", "a test", ground.clock())


class Prepared:
    """A broker before whose order something happens at the venue."""

    def __init__(self, broker, prepare):
        self._broker, self._prepare = broker, prepare

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def place(self, order, at):
        self._prepare(order)
        return self._broker.place(order, at)


class Forgetful:
    """A paper venue's log whose first answer to a write is lost."""

    def __init__(self, store):
        self._store, self._times = store, count()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def record(self, order, before, after):
        refused = self._store.record(order, before, after)
        if next(self._times) == 0:
            raise UnknownOutcome("the paper venue did not say", order=order.id)
        return refused


class Park(Buy):
    """The venue's reply is lost: the order is written as unknown, and what became of it is found out later."""

    def begin(self, ground):
        super().begin(ground)
        if not ground.floor.loses:
            ground.floor.store._port = Forgetful(ground.floor.store._port)

    def act(self, ground):
        desk = ground.desk()
        prepare = (lambda order: ground.book.cause(Kind.LOST_REPLY)) if ground.floor.loses else (lambda order: None)
        handle(self.signal, replace(desk, broker=Prepared(desk.broker, prepare)))


class Cancel(Buy):
    """The order is not filled, or not all of it: we cancel it (KIS real and paper give back themselves what is left).

    Upbit and Binance have it in their book already, under our id, as if another make of us had sent it.
    """

    def begin(self, ground):
        floor = ground.floor
        match floor:
            case PaperFloor():
                floor.size = 3.4
            case KisFloor():
                floor.quantity = Decimal(depth(floor.sim.market.lines["005930"]).asks[0].size + 7)
                ground.slippage = 0.0
        super().begin(ground)

    def act(self, ground):
        desk = ground.desk()
        if hasattr(ground.floor, "rest"):
            desk = replace(desk, broker=Prepared(desk.broker, ground.book.rest))
        handle(self.signal, desk)


class Left(Buy):
    """Its lease ends before KIS's list shows the order: it is left open, with the number that it was answered with."""

    venues = ("kis",)

    def begin(self, ground):
        super().begin(ground)
        gateway = ground.floor.sim._gateway
        gateway._house = gateway._house._replace(limits=replace(gateway._house.limits, ccld_lag_s=30.0))

    def act(self, ground):
        handle(self.signal, replace(ground.desk(), pause=lambda seconds: ground.clock.sleep(12)))


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


FLOWS = {each.__name__.lower(): each for each in (Buy, Release, Park, Cancel, Left, Sale, Liquidation, Sweep)}


def live(floor, flow, patch, last):
    """One life of a process; its steps, and the ground as it was left once everything else had its turn."""
    with patch.context() as local:
        ground = Ground(floor, local)
        run = flow()
        run.begin(ground)
        steps = Steps(last)
        died = ground.killed(steps, lambda: run.act(ground))
        assert died == (last is not None)
        ground.clock.sleep(3)
        for _ in range(SWEEPS):
            ground.clock.sleep(LEASE_S + 3)
            with suppress(CoreError):  # the message goes back to its queue, the schedule fires again
                ground.sweep()
                run.again(ground)
            if not ground.trouble():
                break
        assert ground.trouble() == {}, (last, steps.taken[-3:])
        theirs, ours = by_worker(floor.deals(), ground.desk())
        assert theirs == ours, (last, steps.taken[-3:])
        ground.clock.sleep(30)
        ground.sweep()
        assert ground.untold() == set(), (last, steps.taken[-3:])
        bought, sold = len(floor.sent(Side.BUY)), len(floor.sent(Side.SELL))
        assert bought <= run.orders[0]
        assert sold <= run.orders[1]
        return steps.taken


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("venue", FLOORS)
def test_whoever_is_killed_at_any_step_leaves_one_order_and_books_that_are_the_venues(venue, flow, monkeypatch):
    if venue not in FLOWS[flow].venues:
        pytest.skip("nothing else happens there")
    with Served(FLOORS[venue]) as floor:
        listed = live(floor, FLOWS[flow], monkeypatch, None)
    first = 1 + (list(FLOORS).index(venue) + list(FLOWS).index(flow)) % EVERY
    ends = range(first, len(listed) + 1, EVERY)
    print(f"\n{venue} {flow}: killed before {len(ends)} of {len(listed)} steps: {listed}")
    for last in ends:
        with Served(FLOORS[venue]) as floor:
            live(floor, FLOWS[flow], monkeypatch, last)
