"""Collects what a run left behind: tables, queues, the chat services' own counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from core.adapters.dynamo.paper_store import DynamoPaperStore
from core.domain.orders import Order
from core.domain.values import Instrument, Market
from core.local.cloud import Cloud
from core.local.report import Evidence, Report, report
from core.local.system import System

LETTERS = ("SignalsDeadLetters", "AlertsDeadLetters", "JobsDeadLetters")
WORK = ("SignalsQueue", "AlertsQueue", "PassesQueue")
ORDERS = "order#"


def reported(system: System, seconds: float) -> Report:
    """What the run did, in all and by market."""
    venue, held = venue_log(system.stack)
    found = Evidence(
        views=system.views,
        venue=venue,
        held=held,
        chat=system.simulators.messages() if system.simulators else {},
        letters={queue: depth(system.stack, queue) for queue in LETTERS},
        seconds=seconds,
    )
    return report(system.tally, system.tallies, found)


def waiting(cloud: Cloud) -> dict[str, int]:
    """Messages that wait in, or are being read from, the queues that carry work; empty where all is done."""
    depths = {queue: depth(cloud, queue) for queue in WORK}
    return {queue: count for queue, count in depths.items() if count}


def depth(cloud: Cloud, queue: str) -> int:
    """Messages in a queue, those being read included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = cloud.outputs[queue]
    found: dict[str, str] = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def venue_log(cloud: Cloud) -> tuple[dict[str, Order], dict[Instrument, Decimal]]:
    """The paper venue's own books: every order by client id, and every holding that is not zero."""
    client, table = cloud.client("dynamodb"), cloud.outputs["PaperTable"]
    rows = (item for item in _items(client, table) if item["pk"]["S"].startswith(ORDERS))
    orders = (msgspec.json.decode(item["body"]["S"], type=Order) for item in rows)
    store = DynamoPaperStore(table, client)
    held = {Instrument(market, symbol): units for market in Market for symbol, units in store.holdings(market).items()}
    return {order.id: order for order in orders}, held


def _items(client: Any, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        found += page["Items"]
    return found
