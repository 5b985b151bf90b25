"""E10, E2, E8 with real processes on the embedded AWS: a halt stops buys under way and reserved ones, whoever restarts;
a position whose owner was killed and whose worker has ended goes to another worker."""

import multiprocessing
import signal as signals
import time

import pytest
from msgspec.structs import replace

from core.app import flatten, sweep
from core.app.crew import enlist
from core.app.trade import handle
from core.domain.values import Market, Side
from core.domain.workers import Status
from tests.adapters.dynamo.couriers import Odds, Time, courier, symbols
from tests.adapters.dynamo.test_deliveries import signal
from tests.crash.grounds import Watched
from tests.crash.test_killed import Before, books_are_the_venues
from tests.fakes import AT
from tests.watching import Quotes

COUNT = 60
BUYERS = 2
STALL_S = 4.0
LATE_S = 10.0
"""An order may come this long after a halt at most. On an idle machine it is well under the 2 s that are promised."""


class Stalling:
    """Locks of a process that stands still once it has reserved."""

    def __init__(self, leases):
        self._leases = leases

    def __getattr__(self, name):
        return getattr(self._leases, name)

    def engage(self, *asked):
        answer = self._leases.engage(*asked)
        time.sleep(STALL_S)
        return answer


def buyer(tables, now, number, names, ready):
    """Buys one symbol after the other; the last buyer stands still between its reservation and its order."""
    desk, _ = courier(tables, now, f"buyer-{number}", Odds(), COUNT)
    if number == BUYERS:
        desk = replace(desk, leases=Stalling(desk.leases))
    ready.wait(120)
    for name in names:
        handle(signal(name, Side.BUY, now.clock()), desk)


def killed_owner(tables, now, name):
    desk, _ = courier(tables, now, "owner", Odds(), COUNT)
    handle(signal(name, Side.BUY, now.clock()), replace(desk, alerts=Watched(desk.alerts, Before("send"), {"send"})))


def until(holds):
    """Wait for a condition, a minute at most."""
    deadline = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)
    return found


@pytest.mark.cloud
@pytest.mark.slow
def test_a_halt_stops_buys_of_all_processes_and_outlives_them(tables):
    now = Time(time.time(), AT, speed=1)
    desk, venue = courier(tables, now, "owner", Odds(), COUNT)
    enlist(desk, now.clock())
    spawn = multiprocessing.get_context("spawn")
    ready, names = spawn.Barrier(BUYERS + 2), symbols(COUNT)
    share = [names[number :: BUYERS + 1] for number in range(BUYERS + 1)]
    share[BUYERS] = share[BUYERS][:1]
    running = [spawn.Process(target=buyer, args=(tables, now, n, share[n], ready)) for n in range(BUYERS + 1)]
    for process in running:
        process.start()
    ready.wait(120)
    stalled = share[BUYERS][0]
    until(
        lambda: (
            len(venue.log()) >= 3 and any(o.instrument.symbol == stalled for o in desk.ledger.open_orders(Market.UPBIT))
        )
    )
    desk.ledger.halt("all", "a test", now.clock(), sells=True)
    halted = time.time_ns()
    for process in running:
        process.join(120)
        assert process.exitcode == 0
    rows = tables.client(patient=True).scan(TableName=tables.paper, ConsistentRead=True)["Items"]
    late = max(int(row["began"]["N"]) for row in rows) - halted
    print(f"\nlast order {late / 1e9:+.3f} s after the halt, {len(rows)} of {COUNT} symbols bought")
    assert late < LATE_S * 1e9
    assert len(rows) < sum(map(len, share))
    assert stalled not in {order.instrument.symbol for order in venue.log()}
    books_are_the_venues(desk, venue)
    again, venue = courier(tables, now, "another process", Odds(), COUNT)  # nothing is left of those that ran before
    assert handle(signal("KRW-D050", Side.BUY, now.clock()), again).limit in ("halted", "")
    assert "all" in again.ledger.flattening()
    until(lambda: [each.done.outcome for each in flatten.run(again)] in (["flat"], []))
    assert not any(venue.holdings(Market.UPBIT).values())
    assert "all" in again.ledger.halts()
    assert again.ledger.flattening() == {}


@pytest.mark.cloud
@pytest.mark.slow
def test_the_position_of_a_killed_owner_whose_worker_ended_goes_to_another_worker_and_is_sold(tables):
    now = Time(time.time(), AT)
    desk, venue = courier(tables, now, "sweep", Odds(), COUNT)
    enlist(desk, now.clock())
    process = multiprocessing.get_context("spawn").Process(target=killed_owner, args=(tables, now, "KRW-D000"))
    process.start()
    process.join(120)
    assert process.exitcode == -signals.SIGKILL
    (lock,) = [lock for lock in desk.leases.locks() if lock.position]
    was = next(w for w in desk.ledger.workers(Market.UPBIT) if w.id == lock.position.worker)
    assert (was.status, was.symbol) == (Status.HOLD, "KRW-D000")
    assert desk.ledger.move(was, Status.EXIT, now.clock(), "its machine is gone")
    (adoption,) = sweep.run(desk, Quotes()).adopted
    assert adoption.worker not in ("", was.id)
    ended = handle(signal("KRW-D000", Side.SELL, now.clock()), desk)
    assert (ended.outcome, ended.trip.worker) == ("sold", adoption.worker)
    books_are_the_venues(desk, venue)
