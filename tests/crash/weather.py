"""One of the storm's processes: it hands over signals while it dies, stalls, and loses replies on both sides."""

import time
from contextlib import suppress
from decimal import Decimal

from msgspec.structs import replace

from core.app.trade import handle
from core.domain.errors import CoreError
from core.domain.policies import RiskPolicy, WorkerPolicy
from core.domain.values import Instrument, Market, Millis, Side
from tests.adapters.dynamo.couriers import Odds, Time, Venue, courier
from tests.adapters.dynamo.test_deliveries import signal
from tests.fakes import Died

WORKERS, POSITIONS, SYMBOLS = 12, 8, 40
CAPITAL = Decimal(10**6)
TOTAL = CAPITAL * 6
"""Less than POSITIONS of them: both limits are reached."""

LOG = "log"


class Stamped(Venue):
    """A venue that also writes when it took an order, by one clock for all."""

    def place(self, order, at):
        began = time.time_ns()
        try:
            return super().place(order, at)
        finally:
            row = {"pk": {"S": LOG}, "sk": {"S": order.id}, "began": {"N": str(began)}}
            self.client.put_item(TableName=self.table, Item=row)

    def stamps(self):
        """When each order was on its way, ns; every one that was ever tried."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table, KeyConditionExpression="pk = :log", ExpressionAttributeValues={":log": {"S": LOG}}
        )
        return {item["sk"]["S"]: int(item["began"]["N"]) for page in pages for item in page["Items"]}

    def log(self):
        from core.adapters.dynamo.items import read
        from core.domain.orders import Order

        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [read(item["body"], Order) for page in pages for item in page["Items"] if "body" in item]


def desk_in(tables, now, seed, odds):
    """A desk in the storm, and its venue."""
    desk, venue = courier(tables, now, seed, odds, SYMBOLS)
    stamped = Stamped(tables, venue.client, venue.dice, now)
    desk.broker._port = stamped
    risk = RiskPolicy(daily_loss=Decimal(10**9), per_symbol=CAPITAL, total_exposure=TOTAL, max_positions=POSITIONS)
    workers = WorkerPolicy(count=WORKERS, capital=CAPITAL)
    return replace(desk, policy=replace(desk.policy, risk=risk, workers=workers)), stamped


def signals(count, at):
    """Buys and sales in turn, symbol after symbol; a sale comes some signals after its buy."""
    made = []
    for number in range(count):
        side = Side.BUY if number % 2 == 0 else Side.SELL
        lag = number // 2 - (3 if side is Side.SELL else 0)
        name = f"KRW-D{lag % SYMBOLS:03d}"
        given = signal(name, side, at)
        made.append(replace(given, id=f"{number:05d}", instrument=Instrument(Market.UPBIT, name)))
    return made


def hand_over(tables, now, seed, odds, given, progress):
    """Every signal from `progress` on; a death in between is a delivery that came to nothing."""
    desk, _ = desk_in(tables, now, seed, odds)
    while progress.value < len(given):
        number = progress.value
        progress.value += 1
        with suppress(Died, CoreError):
            handle(given[number], replace(desk, owner=f"{desk.owner}/{number}"))


__all__ = ["Millis", "Odds", "Time"]
