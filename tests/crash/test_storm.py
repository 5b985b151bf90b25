"""E1, E7, E8: 8 processes, every signal delivered four times, deaths, stalls past the lease, lost replies, wrong clocks.

Decisions, orders and limits are read from the venue's log, not from our tables. STORM in the environment is the number
of signals (`STORM=2000` is the size that issue 4 asks for); the suite takes fewer. Every deadline is there to end a test
that hangs, and no assertion depends on how fast the machine is: where it is slow, more leases end before their owner.
"""

import multiprocessing
import os
import random
import time
from collections import Counter

import pytest

from core.app import sweep
from core.app.crew import enlist
from core.app.trade import handle
from core.domain.orders import DONE
from core.domain.values import Market, Side
from tests.adapters.dynamo.couriers import Time
from tests.crash.weather import CAPITAL, COUNTED, OPEN, POSITIONS, TOTAL, Storm, desk_in, hand_over, signals_of
from tests.fakes import AT
from tests.watching import Quotes

PROCESSES, COPIES = 8, 4
SIGNALS = int(os.environ.get("STORM", "80"))
BAD = Storm(die=0.05, stall=0.05, lose=0.05)
SKEW_MS = (-2_000, -1_500, -1_000, -300, 300, 1_000, 1_500, 2_000)
SPEED = 10
"""Of our time against the wall's: a lease of 20 s lasts 2 s."""

PATIENCE_S = 600 + 2 * SIGNALS
"""Ends a test that hangs; the storm of 2,000 took six minutes on a machine five times too busy."""
SWEEP_EVERY_S = 5


def share(given, number):
    """This process's deliveries: each signal is in the hands of COPIES of them, and nearby ones change places."""
    mine = [each for place, each in enumerate(given) if (place + number) % PROCESSES < COPIES]
    dice = random.Random(number)
    return [each for _, each in sorted((place + dice.uniform(0, 12), each) for place, each in enumerate(mine))]


def blow(tables, now, given, desk, decided):
    """Every process hands over its share; each is killed once, for real, and another goes on. What happened, counted.

    Meanwhile the sweep comes by, as it does each minute of our time.
    """
    spawn = multiprocessing.get_context("spawn")
    running, counts, killed = [], [], 0

    def start(number, life, progress):
        clock = Time(now.began, now.base, SKEW_MS[number], SPEED)
        storm = Storm(BAD.die, BAD.stall, BAD.lose, kill=11 + 3 * number if life == 0 else 0)
        counts.append(spawn.RawArray("q", len(COUNTED)))
        args = (tables, clock, f"storm-{number}-{life}", storm, share(given, number), progress, counts[-1], decided)
        process = spawn.Process(target=hand_over, args=args)
        process.start()
        running.append((process, number, life, progress))

    for number in range(PROCESSES):
        start(number, 0, spawn.RawValue("i", 0))
    deadline = time.monotonic() + PATIENCE_S
    while running:
        assert time.monotonic() < deadline
        process, number, life, progress = running.pop(0)
        process.join(SWEEP_EVERY_S)
        if process.exitcode is None:
            running.append((process, number, life, progress))
            sweep.run(desk, Quotes())
            continue
        assert process.exitcode in (0, -9)
        if process.exitcode:
            killed += 1
            start(number, life + 1, progress)
    return killed, dict(zip(COUNTED, map(sum, zip(*counts, strict=True)), strict=True))


def settle(desk):
    """Sweep until nothing is open."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        sweep.run(desk, Quotes())
        if not any(lock.owner or lock.intent for lock in desk.leases.locks()):
            return
        desk.pause(3)
    raise AssertionError("the sweep does not come to an end")


def delivered_again(given, decided, desk):
    """What no delivery in the storm decided comes again until it is decided, as from a queue."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(decided) and time.monotonic() < deadline:
        for each in given:
            if not decided[int(each.id)]:
                decided[int(each.id)] = handle(each, desk).outcome not in OPEN
        settle(desk)


def limits_at_every_moment(log):
    """The most symbols held at once, the most money in them, and the most in one, as the venue saw it."""
    held, most, dearest, largest = Counter(), 0, 0, 0
    for order in log:
        symbol = order.instrument.symbol
        if order.side is Side.BUY:
            held[symbol] += order.value
        else:
            held.pop(symbol, None)
        most, dearest = max(most, len(held)), max(dearest, sum(held.values()))
        largest = max(largest, held[symbol]) if symbol in held else largest
    return most, dearest, largest


def books_are_the_venues(desk, venue):
    held = Counter()
    for order in venue.log():
        held[order.instrument.symbol] += order.filled if order.side is Side.BUY else -order.filled
    ours = {lock.instrument.symbol: lock.position.quantity for lock in desk.leases.locks() if lock.position}
    assert ours == {symbol: units for symbol, units in held.items() if units}
    assert desk.ledger.open_orders(Market.UPBIT) == []
    assert all(desk.ledger.order(order.id).state in DONE for order in venue.log())


def it_was_as_bad_as_it_says(happened):
    """Realised shares are about 5 %: within four standard deviations of what the dice may do."""
    pairs = [
        ("deaths", "deliveries"),
        ("stalls", "deliveries"),
        ("requests lost", "requests"),
        ("orders lost", "orders"),
    ]
    for what, of in pairs:
        total = happened[of]
        spread = 4 * (0.05 * 0.95 * total) ** 0.5 + PROCESSES
        assert abs(happened[what] - 0.05 * total) <= spread, (what, happened)


@pytest.mark.cloud
@pytest.mark.slow
def test_a_storm_leaves_one_decision_for_each_signal_and_breaks_no_limit(tables):
    now, began = Time(time.time(), AT, 0, SPEED), time.monotonic()
    desk, venue, _ = desk_in(tables, now, "calm")
    enlist(desk, now.clock())
    given = signals_of(SIGNALS, now.clock())

    decided = multiprocessing.get_context("spawn").RawArray("b", SIGNALS)
    killed, happened = blow(tables, now, given, desk, decided)
    settle(desk)
    in_the_storm = sum(decided)
    delivered_again(given, decided, desk)
    orders = Counter(order.signal for order in venue.log())
    most, dearest, largest = limits_at_every_moment(venue.log())
    print(
        f"\n{SIGNALS} signals, {sum(decided)} decided, {in_the_storm} of them at once, {len(orders)} orders, {happened},"
        f" {killed} killed, most held {most} of {POSITIONS}, most money {dearest} of {TOTAL}, {time.monotonic() - began:.0f} s"
    )

    assert killed == PROCESSES
    it_was_as_bad_as_it_says(happened)
    assert sum(decided) == SIGNALS
    assert set(orders.values()) == {1}  # no signal has two orders
    assert most <= POSITIONS
    assert dearest <= TOTAL
    assert largest <= CAPITAL
    books_are_the_venues(desk, venue)
    for each in given:
        handle(each, desk)
    assert set(Counter(order.signal for order in venue.log()).values()) == {1}  # nor after all come once more
