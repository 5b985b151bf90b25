"""E7 with real processes on the embedded AWS: the day's loss is never passed by more than what was under way, read from
the venue's own log."""

import multiprocessing
import time
from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app.crew import enlist
from core.app.trade import handle
from core.domain.values import Market, Side
from tests.adapters.dynamo.couriers import Odds, Time, courier, symbols
from tests.adapters.dynamo.test_deliveries import signal
from tests.crash.test_killed import books_are_the_venues
from tests.fakes import AT, FEE

PROCESSES, EACH = 3, 8
CAPITAL = Decimal(10**6)
LIMIT = Decimal(8_000)
"""A round trip at an unchanged price loses its two fees, close to 1,000: some eight of them end the day."""


def trader(tables, now, number, names):
    """Buys and sells one symbol after the other, each time at a loss; what it was told of each buy is its exit."""
    desk, _ = courier(tables, now, f"trader-{number}", Odds(), PROCESSES * EACH)
    risk = replace(desk.policy.risk, daily_loss=LIMIT)
    listed = replace(desk.policy, risk=risk, workers=replace(desk.policy.workers, count=PROCESSES))
    desk = replace(desk, policy=listed)
    for name in names:
        if handle(signal(name, Side.BUY, now.clock()), desk).outcome == "bought":
            assert handle(signal(name, Side.SELL, now.clock()), desk).outcome == "sold"


def losses(log):
    """(buys accepted once the day had lost its limit, what it lost in all), by the venue's own order of things."""
    paid, lost, late = {}, Decimal(0), 0
    for order in log:
        worth = sum(fill.price * fill.quantity for fill in order.fills)
        fees = sum(fill.fee for fill in order.fills)
        if order.side is Side.BUY:
            paid[order.instrument] = worth + fees
            late += lost >= LIMIT
        else:
            lost += paid.pop(order.instrument) - (worth - fees)
    return late, lost


@pytest.mark.cloud
@pytest.mark.slow
def test_the_days_loss_stops_the_buys_of_all_processes_but_those_under_way(tables):
    now = Time(time.time(), AT, speed=1)
    desk, venue = courier(tables, now, "owner", Odds(), PROCESSES * EACH)
    enlist(desk, now.clock())
    spawn, names = multiprocessing.get_context("spawn"), symbols(PROCESSES * EACH)
    share = [names[number::PROCESSES] for number in range(PROCESSES)]
    running = [spawn.Process(target=trader, args=(tables, now, n, share[n])) for n in range(PROCESSES)]
    for process in running:
        process.start()
    for process in running:
        process.join(240)
        assert process.exitcode == 0
    late, lost = losses(venue.log())
    day = desk.days.day_of(now.clock())
    assert desk.ledger.account(Market.UPBIT, day).realised == -lost
    assert late <= PROCESSES - 1
    assert LIMIT <= lost <= LIMIT + PROCESSES * CAPITAL * 2 * FEE
    books_are_the_venues(desk, venue)
    print(f"\nlost {lost} of {LIMIT}, {late} buys were under way, {len(venue.log()) // 2} round trips")
