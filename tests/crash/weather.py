"""One of the storm's processes: it hands over signals while it dies, stalls, and loses replies on both sides."""

import os
import random
import signal as signals
from contextlib import suppress
from decimal import Decimal

import msgspec
from botocore.exceptions import ReadTimeoutError
from msgspec.structs import replace

from core.adapters.dynamo.ledger import DynamoLedger
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.errors import CoreError
from core.domain.policies import RiskPolicy, WorkerPolicy
from core.domain.values import Instrument, Market, Side
from tests.adapters.dynamo.couriers import Odds, courier
from tests.adapters.dynamo.test_deliveries import signal
from tests.fakes import Died

WORKERS, POSITIONS, SYMBOLS = 12, 6, 40
CAPITAL = Decimal(10**6)
TOTAL = CAPITAL * POSITIONS
"""Fewer than there are workers and symbols: the limits are reached all the time."""

STALL_S = 26
"""Past a lease of 20 s, its margin, and a clock that is 2 s behind."""

AT_STEP = 0.12
"""A fault that is due comes at the next step with this chance: it may be the first of a delivery, or its last."""

OPEN = {Ending.BUSY, Ending.UNCLEAR, Ending.LOST, Ending.UNKNOWN}
"""Not decided yet: the message comes again, or the sweep goes on with it."""

COUNTED = ("deliveries", "deaths", "stalls", "requests", "requests lost", "orders", "orders lost")


class Storm(msgspec.Struct, frozen=True):
    """Shares of all deliveries that die and that stall, of all replies that are lost; `kill`: the step of a SIGKILL."""

    die: float = 0.0
    stall: float = 0.0
    lose: float = 0.0
    kill: int = 0


class Weather:
    """Takes the place of `Steps`. `counts` outlives the process: what happened, in the order of COUNTED."""

    def __init__(self, seed, storm, now, counts):
        self.random, self.storm, self.now, self.counts = random.Random(seed), storm, now, counts
        self.due, self.taken = [], 0

    def begin(self):
        """Another delivery: now and then a fault becomes due by it."""
        self.count("deliveries")
        for fault in ("die", "stall"):
            if self.random.random() < getattr(self.storm, fault):
                self.due.append(fault)

    def take(self, name):
        self.taken += 1
        if self.taken == self.storm.kill:
            self.count("deaths")
            os.kill(os.getpid(), signals.SIGKILL)
        if not self.due or self.random.random() >= AT_STEP:
            return
        if self.due.pop(0) == "die":
            self.count("deaths")
            raise Died(name)
        self.count("stalls")
        self.now.wait(STALL_S)

    def loses(self, what="orders"):
        self.count(what)
        lost = self.random.random() < self.storm.lose
        if lost:
            self.count(f"{what} lost")
        return lost

    def count(self, what):
        self.counts[COUNTED.index(what)] += 1


class Lossy:
    """A client whose replies are lost now and then, after the request went through."""

    def __init__(self, client, weather):
        self._client, self._weather = client, weather

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def lossy(**request):
            lost = self._weather.loses("requests")
            try:
                return method(**request)
            finally:
                if lost:  # a refusal is a reply, too
                    raise ReadTimeoutError(endpoint_url="test")

        return lossy


def desk_in(tables, now, seed, storm=None, counts=None):
    """A desk in the storm, its venue, and its weather."""
    weather = Weather(seed, storm or Storm(), now, counts if counts is not None else [0] * len(COUNTED))
    desk, venue = courier(tables, now, seed, Odds(), SYMBOLS, weather)
    risk = RiskPolicy(daily_loss=Decimal(10**9), per_symbol=CAPITAL, total_exposure=TOTAL, max_positions=POSITIONS)
    workers = WorkerPolicy(count=WORKERS, capital=CAPITAL)
    lossy = Lossy(venue.client, weather)
    desk.leases._port._client = lossy
    ledger = DynamoLedger(tables.ledger, lossy)
    safety = replace(desk.policy.safety, max_age_s=10**6)  # a storm outlasts the lists that a scan would renew
    policy = replace(desk.policy, risk=risk, workers=workers, safety=safety)
    return replace(desk, policy=policy, ledger=ledger), venue, weather


def signals_of(count, at):
    """Buys and sales in turn, symbol after symbol; a sale comes some signals after its buy."""
    made = []
    for number in range(count):
        side = Side.BUY if number % 2 == 0 else Side.SELL
        lag = number // 2 - (3 if side is Side.SELL else 0)
        name = f"KRW-D{lag % SYMBOLS:03d}"
        given = signal(name, side, at)
        made.append(replace(given, id=f"{number:05d}", instrument=Instrument(Market.UPBIT, name)))
    return made


def hand_over(tables, now, seed, storm, given, progress, counts, decided):
    """Every signal from `progress` on; a death in between is a delivery that came to nothing.

    decided  by number of the signal: 1 once a delivery of it came to a decision
    """
    desk, _, weather = desk_in(tables, now, seed, storm, counts)
    while progress.value < len(given):
        number = progress.value
        progress.value += 1
        weather.begin()
        with suppress(Died, CoreError):
            if handle(given[number], replace(desk, owner=f"{desk.owner}/{number}")).outcome not in OPEN:
                decided[int(given[number].id)] = 1
