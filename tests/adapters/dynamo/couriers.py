"""A process that delivers signals badly: it dies, is killed, stalls past its lease, and loses replies on both sides.

Time runs SPEED times faster than the wall, so that a lease of 20 s ends within a second.
"""

import os
import random
import signal as signals
import threading
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal

import msgspec
from botocore.exceptions import ClientError, ReadTimeoutError
from msgspec.structs import replace

from core.adapters.dynamo.items import read, to_wire
from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.app.ports import Outcome
from core.app.trade import handle
from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.levels import StreamHealth
from core.domain.orders import Fill, Order, State
from core.domain.policies import RiskPolicy, WorkerPolicy
from core.domain.values import Market, Millis, Side
from tests.fakes import FEE, Died, Dying, Told, desk_of, policy, shelf_of

SPEED = 20
LEASES = {"engage", "grant", "reserve", "note", "commit", "park", "release"}


class Odds(msgspec.Struct, frozen=True):
    """Chances per step: the work dies, it stalls past its lease, a reply is lost. `kill` is the step of a SIGKILL."""

    die: float = 0.0
    stall: float = 0.0
    lose: float = 0.0
    kill: int = 0


class Time(msgspec.Struct, frozen=True):
    """A clock shared by all processes, `offset` ms off."""

    began: float
    base: int
    offset: int = 0
    speed: int = SPEED

    def clock(self):
        return Millis(self.base + int((time.time() - self.began) * 1000 * self.speed) + self.offset)

    def monotonic(self):
        return (time.monotonic_ns() / 1e9) * self.speed

    def wait(self, seconds):
        """Until that much of our time has passed."""
        threading.Event().wait(seconds / self.speed)


class Dice:
    """Takes the place of `Steps`: at each step, perhaps something happens."""

    def __init__(self, seed, odds, now):
        self.random, self.odds, self.now, self.taken = random.Random(seed), odds, now, 0

    def take(self, name):
        self.taken += 1
        if self.taken == self.odds.kill:
            os.kill(os.getpid(), signals.SIGKILL)
        roll = self.random.random()
        if roll < self.odds.die:
            raise Died(name)
        if roll < self.odds.die + self.odds.stall:
            self.now.wait(23)

    def loses(self):
        return self.random.random() < self.odds.lose


class Venue:
    """A venue in a table of its own: an id is accepted once for ever, a second use is refused. Fills at once."""

    def __init__(self, tables, client, dice, now):
        self.table, self.client, self.dice, self.now = tables.paper, client, dice, now

    def place(self, order, at):
        price = Decimal(100)
        fee = price * order.quantity * FEE
        fill = Fill(id=order.id, price=price, quantity=order.quantity, fee=fee, tax=Decimal(0), at=self.now.clock())
        row = {
            **self._key(order.id),
            "body": to_wire(replace(order, fills=(fill,))),
            "began": {"N": f"{time.time_ns()}"},
        }
        try:
            self.client.put_item(TableName=self.table, Item=row, ConditionExpression="attribute_not_exists(pk)")
        except ClientError as refused:
            raise OrderExecutionError("duplicated identifier", order=order.id) from refused
        if self.dice.loses():
            raise UnknownOutcome("the venue's reply was lost", order=order.id)
        return Outcome(venue_id="v", state=State.FILLED.value, fills=(fill,))

    def find(self, order, at):
        item = self.client.get_item(TableName=self.table, Key=self._key(order.id), ConsistentRead=True).get("Item")
        if item is None:
            return None
        return Outcome(venue_id="v", state=State.FILLED.value, fills=read(item["body"], Order).fills)

    def taking(self, order):
        return None

    def holdings(self, market):
        held = Counter()
        for order in self.log():
            sign = 1 if order.side is Side.BUY else -1
            held[order.instrument.symbol] += sign * order.filled
        return held

    def log(self):
        """Every order that was ever accepted, in the order in which they came, by one clock for all."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        rows = [item for page in pages for item in page["Items"]]
        return [read(item["body"], Order) for item in sorted(rows, key=lambda item: int(item["began"]["N"]))]

    def _key(self, order_id):
        return {"pk": {"S": order_id}, "sk": {"S": "order"}}


class Lossy:
    """A client whose replies are lost now and then, after the write went through."""

    def __init__(self, client, dice):
        self._client, self._dice = client, dice

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if name not in ("update_item", "transact_write_items"):
            return method

        def lossy(**request):
            reply = method(**request)
            if self._dice.loses():
                raise ReadTimeoutError(endpoint_url="test")
            return reply

        return lossy


def courier(tables, now, seed, odds, workers, dice=None):
    """A desk whose process is mortal."""
    client = tables.client(patient=True)
    dice = dice or Dice(seed, odds, now)
    venue = Venue(tables, client, dice, now)
    lossy = Lossy(client, dice)
    leases = Dying(DynamoLeases(tables.locks, tables.ledger, lossy), dice, LEASES)
    at = now.clock()
    shelf = shelf_of(at=at, safe=symbols(workers))
    shelf.write(awake(Millis(at + 86_400_000)))
    risk = RiskPolicy(
        daily_loss=Decimal(10**9), per_symbol=Decimal(10**6), total_exposure=Decimal(10**9), max_positions=10**4
    )
    desk = replace(
        desk_of(owner=f"courier/{seed}", nonce=lambda: f"{seed}/{dice.random.random()}"),
        policy=policy(workers=WorkerPolicy(count=workers, capital=Decimal(10**6)), risk=risk),
        leases=leases,
        ledger=DynamoLedger(tables.ledger, client),
        broker=Dying(venue, dice, {"place", "find"}),
        shelf=shelf,
        alerts=Told(),
        clock=now.clock,
        monotonic_s=now.monotonic,
        pause=now.wait,
    )
    return desk, venue


def symbols(count):
    return [f"KRW-D{number:03d}" for number in range(count)]


def awake(at):
    """A streamer that speaks, so that a sweep leaves the exits to it."""
    return StreamHealth(
        market=Market.UPBIT, at=at, host="h", started=at, last_data=at, subscribed=(), connected=True, reconnects=0,
        messages=0, surprises=0, late=0, duplicates=0, gaps=0, signals=0, latency_p50_ms=0.0, latency_p99_ms=0.0,
    )  # fmt: skip


def deliver(tables, now, seed, odds, workers, round_of, progress):
    """Hand over every signal from `progress` on; a death in between is a delivery that came to nothing."""
    desk, _ = courier(tables, now, seed, odds, workers)
    while progress.value < len(round_of):
        number = progress.value
        progress.value += 1
        with suppress(Died):
            handle(round_of[number], desk)
