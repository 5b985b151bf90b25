"""E8: a process ended by SIGKILL, for real, before every kind of step of a buy and of a sale, on the embedded AWS.

`test_matrix.py` dies before every single step, in this process; here it is the operating system that ends one, with
requests of botocore under way to another process. Books and venue are tables; what is left is settled by the sweep.
"""

import multiprocessing
import os
import signal as signals
import time

import pytest
from msgspec.structs import replace

from core.app import sweep
from core.app.crew import enlist
from core.app.trade import handle
from core.domain.orders import DONE
from core.domain.values import Market, Side
from core.domain.workers import Status
from tests.adapters.dynamo.couriers import LEASES, Odds, Time, Venue, courier, symbols
from tests.adapters.dynamo.test_deliveries import signal
from tests.crash.grounds import Steps, Watched
from tests.fakes import AT
from tests.watching import Quotes

SYMBOLS = 12
MOMENTS = {
    Side.BUY: ["engage", "place", "commit", "send", "commit"],  # as many as there are sales
    Side.SELL: ["grant", "note", "place", "commit", "send"],
}


def kill(name):
    os.kill(os.getpid(), signals.SIGKILL)


class Before(Steps):
    """Ends the process before the first step of that name."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def take(self, name):
        if name == self.name:
            kill(name)


def deliver(tables, now, given, moment):
    """One delivery by a process that does not outlive it."""
    desk, venue = courier(tables, now, f"{given.id}/{moment}", Odds(), SYMBOLS)
    steps = Before(moment)
    handle(given, replace(
        desk, leases=Watched(desk.leases, steps, LEASES), broker=Watched(venue, steps, {"place", "find"}),
        alerts=Watched(desk.alerts, steps, {"send"}),
    ))  # fmt: skip


def killed(tables, now, given, moment):
    process = multiprocessing.get_context("spawn").Process(target=deliver, args=(tables, now, given, moment))
    process.start()
    return process


@pytest.mark.cloud
@pytest.mark.slow
def test_a_process_that_the_system_ends_before_any_kind_of_step_leaves_one_order(tables):
    now = Time(time.time(), AT)
    desk, _ = courier(tables, now, "start", Odds(), SYMBOLS)
    enlist(desk, now.clock())
    for side in (Side.BUY, Side.SELL):
        given = [signal(name, side, now.clock()) for name in symbols(len(MOMENTS[side]))]
        running = [killed(tables, now, each, moment) for each, moment in zip(given, MOMENTS[side], strict=True)]
        for process in running:
            process.join(120)
            assert process.exitcode == -signals.SIGKILL
        desk, venue = courier(tables, now, f"next-{side}", Odds(), SYMBOLS)
        settled(desk, given)
        assert len([order for order in venue.log() if order.side is side]) == len(given)
        books_are_the_venues(desk, venue)
    assert {worker.status for worker in desk.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def settled(desk, given):
    """The queue delivers again and the sweep runs, until nothing is open; within a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        sweep.run(desk, Quotes())
        outcomes = [handle(each, desk).outcome.value for each in given]
        if "busy" not in outcomes and not any(lock.owner or lock.intent for lock in desk.leases.locks()):
            return
    raise AssertionError("something stays open")


def books_are_the_venues(desk, venue: Venue):
    units = {name: held for name, held in venue.holdings(Market.UPBIT).items() if held}
    ours = {lock.instrument.symbol: lock.position.quantity for lock in desk.leases.locks() if lock.position}
    assert ours == units
    assert all(desk.ledger.order(order.id).state in DONE for order in venue.log())
    assert desk.ledger.open_orders(Market.UPBIT) == []
