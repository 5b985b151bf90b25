"""One of the storm's processes: it hands over signals while it dies, stalls, and loses replies on both sides."""

import os
import random
import signal as signals
from contextlib import suppress

import msgspec
import requests
from botocore.exceptions import ReadTimeoutError
from msgspec.structs import replace

from core.adapters.dynamo.budget import DynamoSpare
from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.spare import SpareBudget
from core.adapters.turns import BuyTurns
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.errors import CoreError
from core.domain.levels import SafeSet
from core.domain.policies import RiskPolicy, WorkerPolicy
from core.domain.signals import Signal
from core.domain.values import Instrument, Millis, Side
from tests.adapters.dynamo.couriers import awake
from tests.crash.harbours import HARBOURS, moored
from tests.fakes import Died, Told, desk_of

WORKERS, POSITIONS, SYMBOLS = 12, 6, 40
"""Fewer positions than there are workers and symbols: the limits are reached all the time."""

STALL_S = 26
"""Past a lease of 20 s, its margin, and a clock that is 2 s behind."""

AT_STEP = 0.12
"""A fault that is due comes at the next step with this chance: it may be the first of a delivery, or its last."""

OPEN = {Ending.BUSY, Ending.UNCLEAR, Ending.LOST, Ending.UNKNOWN, Ending.RESTING}
"""Not decided yet: the message comes again, or the sweep goes on with it."""

COUNTED = ("deliveries", "deaths", "stalls", "requests", "requests lost")


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

    def loses(self):
        self.count("requests")
        lost = self.random.random() < self.storm.lose
        if lost:
            self.count("requests lost")
        return lost

    def count(self, what):
        self.counts[COUNTED.index(what)] += 1


class Lossy:
    """A client whose replies are lost now and then, after the request went through. Each request is a step."""

    def __init__(self, client, weather):
        self._client, self._weather = client, weather
        self.exceptions = client.exceptions

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def lossy(**request):
            self._weather.take(name)
            lost = self._weather.loses()
            try:
                return method(**request)
            finally:
                if lost:  # a refusal is a reply, too
                    raise ReadTimeoutError(endpoint_url="test")

        return lossy


def weathered(send, weather):
    """Each request to the venue is a step. What is lost of its answers is lost at the venue (Unlucky)."""

    def stepped(session, request, **more):
        weather.take(f"venue: {request.method}")
        return send(session, request, **more)

    return stepped


def desk_in(tables, now, seed, place, storm=None, counts=None):
    """A desk in the storm, and its weather. Only one of a process: its requests are the weather's from now on."""
    weather = Weather(seed, storm or Storm(), now, counts if counts is not None else [0] * len(COUNTED))
    lossy = Lossy(tables.client(patient=True), weather)
    if storm:
        requests.Session.send = weathered(requests.Session.send, weather)
    floor, dice = moored(place, tables, lossy, now), weather.random
    market = floor.instrument.market
    floor.budget = budget = SpareBudget(
        floor.budget, DynamoSpare(tables.state, lossy), seed, floor.policy.rest.headroom
    )
    broker = floor.broker()
    shelf, later = MemoryShelf(), Millis(now.clock() + 86_400_000)
    shelf.write(SafeSet(market=market, at=now.clock(), safe=tuple(place.prices), excluded=()))
    shelf.write(
        replace(awake(later), market=market, subscribed=tuple(place.prices), heard=dict.fromkeys(place.prices, later))
    )
    risk = RiskPolicy(
        daily_loss=place.daily_loss, per_symbol=place.capital, total_exposure=place.capital * POSITIONS,
        max_positions=POSITIONS, max_slippage=0.1,
    )  # fmt: skip
    policy = replace(
        floor.policy, risk=risk, workers=WorkerPolicy(count=WORKERS, capital=place.capital),
        safety=replace(floor.policy.safety, max_age_s=10**6),  # a storm outlasts the lists that a scan would renew
    )  # fmt: skip
    desk = desk_of(
        market=market, policy=policy, rules=floor.venue.rules, shelf=shelf,
        leases=DynamoLeases(tables.locks, tables.ledger, lossy, state=tables.state),
        ledger=DynamoLedger(tables.ledger, lossy), broker=broker,
        turns=BuyTurns(market, budget, lambda symbol: (), broker.fares), alerts=Told(), clock=now.clock, monotonic_s=now.monotonic, pause=now.wait,
        owner=f"storm/{seed}", nonce=lambda: f"{seed}/{dice.random()}",
    )  # fmt: skip
    return desk, weather


def signals_of(count, place, at):
    """Buys and sales in turn, symbol after symbol; a sale comes some signals after its buy."""
    made, names = [], list(place.prices)[:SYMBOLS]
    for number in range(count):
        side = Side.BUY if number % 2 == 0 else Side.SELL
        lag = number // 2 - (3 if side is Side.SELL else 0)
        name = names[lag % len(names)]
        made.append(
            Signal(
                id=f"{number:05d}", instrument=Instrument(HARBOURS[place.kind].instrument.market, name), side=side,
                rule="fall" if side is Side.BUY else "take_profit", price=place.prices[name], value=0.0, threshold=0.0,
                at=at, seen=at, expires=Millis(at + 10**9),
            )
        )  # fmt: skip
    return made


def hand_over(tables, now, seed, place, storm, given, progress, counts, decided):
    """Every signal from `progress` on; a death in between is a delivery that came to nothing.

    decided  by number of the signal: 1 once a delivery of it came to a decision
    """
    desk, weather = desk_in(tables, now, seed, place, storm, counts)
    while progress.value < len(given):
        number = progress.value
        progress.value += 1
        weather.begin()
        with suppress(Died, CoreError):
            if handle(given[number], replace(desk, owner=f"{desk.owner}/{number}")).outcome not in OPEN:
                decided[int(given[number].id)] = 1
