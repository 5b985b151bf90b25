"""E1, E7, E8: 8 processes, every signal delivered four times, deaths, stalls past the lease, lost replies, wrong clocks.

The venues are the strict simulators over real sockets: orders are signed, and an answer is lost where the venue has
carried the order out. Decisions, orders, limits and money are read from the venue's own log, not from our tables.
`make storm` is the size that issue 4 asks for (STORM=2000; VENUE=upbit, binance or kis); the suite takes fewer signals.
Every deadline is there to end a test that hangs, and no assertion depends on how fast the machine is: where it is slow,
more leases end before their owner.
"""

import multiprocessing
import os
import random
import sys
import time
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from core.app import sweep
from core.app.crew import enlist
from core.app.trade import handle
from core.domain.values import ZERO, Side
from tests.adapters.dynamo.couriers import Time
from tests.adapters.orders.floors import Served
from tests.crash.harbours import HARBOURS, MORNING, at
from tests.crash.weather import COUNTED, OPEN, POSITIONS, Storm, desk_in, hand_over, signals_of
from tests.reckoning import differences, named, ours
from tests.watching import Quotes

PROCESSES, COPIES = 8, 4
SIGNALS = int(os.environ.get("STORM", "32"))
VENUES = os.environ.get("VENUE", "upbit").split(",")
BAD = Storm(die=0.05, stall=0.05, lose=0.05)
SKEW_MS = (-2_000, -1_500, -1_000, -300, 300, 1_000, 1_500, 2_000)

LOSS = Decimal("0.0003") * SIGNALS
"""The day's loss that stops buys, in parts of one position: a round trip loses some tenths of a percent, so that it is
reached before the storm is over."""

PATIENCE_S = 600 + 3 * SIGNALS
"""Ends a test that hangs; the storm of 2,000 took six minutes on a machine five times too busy."""
SWEEP_EVERY_S = 5


def share(given, number):
    """This process's deliveries: each signal is in the hands of COPIES of them, and nearby ones change places."""
    mine = [each for place, each in enumerate(given) if (place + number) % PROCESSES < COPIES]
    dice = random.Random(number)
    return [each for _, each in sorted((place + dice.uniform(0, 12), each) for place, each in enumerate(mine))]


def blow(tables, now, place, given, desk, decided):
    """Every process hands over its share; each is killed once, for real, and another goes on. What happened, counted.

    Meanwhile the sweep comes by, as it does each minute of our time.
    """
    spawn = multiprocessing.get_context("forkserver")  # imports once for all of them, in a process without threads
    spawn.set_forkserver_preload(["tests.crash.weather"])
    running, counts, killed = [], [], 0

    def start(number, life, progress):
        clock = Time(now.began, now.base, SKEW_MS[number], now.speed)
        storm = Storm(BAD.die, BAD.stall, BAD.lose, kill=5 + 2 * number if life == 0 else 0)
        counts.append(spawn.RawArray("q", len(COUNTED)))
        seed, mine = f"storm-{number}-{life}", share(given, number)
        args = (tables, clock, seed, place, storm, mine, progress, counts[-1], decided)
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
            tell(decided, counts)
            continue
        assert process.exitcode in (0, -9)
        if process.exitcode:
            killed += 1
            start(number, life + 1, progress)
    return killed, dict(zip(COUNTED, map(sum, zip(*counts, strict=True)), strict=True))


def tell(decided, counts):
    """A line for whoever watches (`make storm`)."""
    happened = Counter(deliveries=sum(each[0] for each in counts), deaths=sum(each[1] for each in counts))
    print(f"\r{sum(decided)} of {SIGNALS} decided, {dict(happened)}   ", end="", file=sys.stderr, flush=True)


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


class Moments:
    """The venue's executions in its own order, one after the other, and what they made of the account.

    What no order may be made of any more (commissions in coins leave it) is nobody's position.
    """

    def __init__(self, place, rules):
        self.limit, self.lot, self.least = place.daily_loss, rules.lot, rules.minimum
        self.units, self.cost = defaultdict(Decimal), defaultdict(Decimal)
        self.held = self.late = 0
        self.dearest = self.largest = self.realised = ZERO

    def take(self, deal, part):
        on = deal.symbol
        if deal.side is Side.BUY:
            self.units[on] += part.units
            self.cost[on] += part.value + part.fee + part.tax
        else:
            share = self.cost[on] * part.units / self.units[on]
            self.realised += part.value - part.fee - part.tax - share
            self.units[on] -= part.units
            self.cost[on] -= share
            assert self.units[on] >= 0, deal
        whole = [on for on, units in self.units.items() if units >= self.lot(on) and self.cost[on] >= self.least(on)]
        self.held = max(self.held, len(whole))
        self.dearest = max(self.dearest, sum(self.cost[name] for name in whole))
        self.largest = max(self.largest, self.cost[deal.symbol])

    def walk(self, deals):
        """`late` are buys whose first execution came once the day had lost its limit."""
        begun = set()
        for deal, part in sorted(((d, p) for d in deals for p in d.parts), key=lambda pair: pair[1].place):
            if deal.number not in begun and deal.side is Side.BUY:
                self.late += self.realised <= -self.limit
            begun.add(deal.number)
            self.take(deal, part)
        return self


def decisions(deals, desk):
    """How many orders the venue has of each decision and leg; raises KeyError for one that is nobody's."""
    rows = ours(deals, desk)
    names = named(deals, rows)
    return Counter((rows[names[d.number]].signal, rows[names[d.number]].side, rows[names[d.number]].leg) for d in deals)


def it_was_as_bad_as_it_says(happened):
    """Realised shares are about 5 %: within four standard deviations of what the dice may do."""
    pairs = [
        ("deaths", "deliveries"),
        ("stalls", "deliveries"),
        ("requests lost", "requests"),
        ("answers lost", "answers"),
    ]
    for what, of in pairs:
        total = happened[of]
        spread = 4 * (0.05 * 0.95 * total) ** 0.5 + PROCESSES
        assert abs(happened[what] - 0.05 * total) <= spread, (what, happened)


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.parametrize("venue", VENUES)
def test_a_storm_leaves_one_decision_for_each_signal_and_breaks_no_limit(venue, tables):
    kind, began = HARBOURS[venue], time.monotonic()
    now = Time(time.time(), MORNING, 0, kind.speed)
    with Served(at(kind, now)) as floor:
        place = floor.place(LOSS * kind.capital)
        desk, _ = desk_in(tables, now, "calm", place)
        enlist(desk, now.clock())
        given = signals_of(SIGNALS, place, now.clock())
        decided = multiprocessing.RawArray("b", SIGNALS)
        killed, happened = blow(tables, now, place, given, desk, decided)
        luck = floor.sim.faults
        luck.on = False
        happened |= {"answers": luck.calls, "answers lost": luck.lost}
        settle(desk)
        in_the_storm = sum(decided)
        delivered_again(given, decided, desk)
        deals = floor.deals()
        moments, orders = Moments(place, desk.rules).walk(deals), decisions(deals, desk)
        print(
            f"\n{venue}: {SIGNALS} signals, {sum(decided)} decided, {in_the_storm} of them at once, {len(deals)} orders,"
            f" {happened}, {killed} killed, most held {moments.held} of {POSITIONS}, most money {moments.dearest:.0f} of"
            f" {POSITIONS * place.capital}, largest {moments.largest:.0f} of {place.capital}, lost {-moments.realised:.0f}"
            f" of {place.daily_loss:.0f}, {moments.late} buys were under way then, {time.monotonic() - began:.0f} s"
        )

        assert killed == PROCESSES
        it_was_as_bad_as_it_says(happened)
        assert sum(decided) == SIGNALS
        assert set(orders.values()) == {1}  # no leg of a decision has two orders
        assert {leg for _, side, leg in orders if side is Side.BUY} == {0}
        assert moments.held <= POSITIONS
        assert moments.dearest <= POSITIONS * place.capital
        assert moments.largest <= place.capital
        assert moments.late <= PROCESSES + POSITIONS
        assert differences(deals, desk) == {}
        for each in given:
            handle(each, desk)
        assert set(decisions(floor.deals(), desk).values()) == {1}  # nor after all come once more
