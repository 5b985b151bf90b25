"""E8 on the embedded AWS: every signal delivered four times by processes that die, stall and lose replies."""

import multiprocessing
import random
import time
from collections import Counter

import pytest
from msgspec.structs import replace

from core.app import sweep
from core.app.crew import enlist
from core.domain.orders import DONE
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from core.domain.workers import Status
from tests.adapters.dynamo.couriers import Odds, Time, courier, deliver, symbols
from tests.fakes import AT
from tests.watching import Quotes

PROCESSES = 4
SYMBOLS = 100
BAD = Odds(die=0.03, stall=0.004, lose=0.05)
LIVES = 2
"""A process is killed this often, each time some steps further on."""


def signal(symbol, side, at):
    rule = "fall" if side is Side.BUY else "take_profit"
    return Signal(
        id=f"{symbol}-{side}", instrument=Instrument(Market.UPBIT, symbol), side=side, rule=rule, price=100.0,
        value=0.0, threshold=0.0, at=at, seen=at, expires=Millis(at + 10**9),
    )  # fmt: skip


def deliver_badly(tables, now, signals, name):
    """Four processes hand over every signal; one that was killed is started again behind the delivery it died on."""
    spawn = multiprocessing.get_context("spawn")
    killed, running = 0, []

    def start(number, life, progress, order):
        clock = Time(now.began, now.base, offset=(number - 1) * 600)
        odds = replace(BAD, kill=31 + 10 * number + life if life < LIVES else 0)
        given = (tables, clock, f"{name}-{number}-{life}", odds, SYMBOLS, order, progress)
        process = spawn.Process(target=deliver, args=given)
        process.start()
        return process, number, life, progress, order

    for number in range(PROCESSES):
        order = signals.copy()
        random.Random(number).shuffle(order) if number else None
        running.append(start(number, 0, spawn.Value("i", 0), order))
    while running:
        process, number, life, progress, order = running.pop(0)
        process.join(240)
        assert process.exitcode in (0, -9)
        if process.exitcode:
            killed += 1
            running.append(start(number, life + 1, progress, order))
    return killed


def settle(tables, now):
    """Sweep until nothing is open, within a minute."""
    desk, venue = courier(tables, now, f"sweep-{time.time()}", Odds(), SYMBOLS)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        sweep.run(desk, Quotes())
        if not any(lock.owner or lock.intent for lock in desk.leases.locks()):
            break
    return desk, venue


def books_equal_the_venue(desk, venue):
    held = Counter()
    for order in venue.log():
        held[order.instrument.symbol] += order.filled if order.side is Side.BUY else -order.filled
    ours = {lock.instrument.symbol: lock.position.quantity for lock in desk.leases.locks() if lock.position}
    assert ours == {symbol: units for symbol, units in held.items() if units}
    assert desk.ledger.open_orders(Market.UPBIT) == []
    assert all(desk.ledger.order(order.id).state in DONE for order in venue.log())


@pytest.mark.cloud
@pytest.mark.slow
def test_two_hundred_signals_delivered_four_times_by_dying_processes_are_one_order_each(tables):
    now = Time(time.time(), AT)
    desk, _ = courier(tables, now, "start", Odds(), SYMBOLS)
    enlist(desk, now.clock())

    killed = deliver_badly(tables, now, [signal(name, Side.BUY, now.clock()) for name in symbols(SYMBOLS)], "buy")
    desk, venue = settle(tables, now)

    bought = Counter(order.signal for order in venue.log())
    assert bought == {f"{name}-buy": 1 for name in symbols(SYMBOLS)}
    books_equal_the_venue(desk, venue)
    positions = [lock.position for lock in desk.leases.locks()]
    account = desk.ledger.account(Market.UPBIT, "any")
    assert account.exposure == sum(position.cost + position.fees for position in positions)
    assert account.positions == SYMBOLS
    assert len({position.worker for position in positions}) == SYMBOLS

    at = Millis(now.clock() + 5_000)
    killed += deliver_badly(tables, now, [signal(name, Side.SELL, at) for name in symbols(SYMBOLS)], "sell")
    desk, venue = settle(tables, now)

    sold = Counter(order.signal for order in venue.log() if order.side is Side.SELL)
    assert sold == {f"{name}-sell": 1 for name in symbols(SYMBOLS)}
    books_equal_the_venue(desk, venue)
    account = desk.ledger.account(Market.UPBIT, "any")
    assert (account.exposure, account.positions) == (0, 0)
    assert {worker.status for worker in desk.ledger.workers(Market.UPBIT)} == {Status.SCAN}
    assert killed == 2 * LIVES * PROCESSES  # the test did what it says
