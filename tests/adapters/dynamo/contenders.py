"""What a contending process does, importable by it: races for locks, deliveries that die. Run by `multiprocessing`."""

import threading
import time
from decimal import Decimal

from core.adapters.dynamo.leases import DynamoLeases
from core.domain.leases import Ask, Busy, Granted, Intent
from core.domain.values import Instrument, Market, Millis, Side


def symbol(number):
    return Instrument(Market.UPBIT, f"KRW-R{number:03d}")


def race(tables, process, threads, rounds, start, results):
    """`threads` clients of this process ask for the same symbol in every round, all at once."""
    client = tables.client()
    barrier = threading.Barrier(threads)
    answers = [[None] * rounds for _ in range(threads)]

    def contend(thread):
        leases = DynamoLeases(tables.locks, tables.ledger, client)
        for number in range(rounds):
            if barrier.wait() == 0:
                start.wait()
            barrier.wait()
            answers[thread][number] = describe(leases.grant(wanted(number, f"p{process}t{thread}"), now()))

    run = [threading.Thread(target=contend, args=(thread,)) for thread in range(threads)]
    for each in run:
        each.start()
    for each in run:
        each.join()
    results.put(answers)


def wanted(number, owner):
    at = now()
    intent = Intent(
        order=f"hoga-{owner}-{number}", side=Side.BUY, signal=f"{owner}-{number}", leg=0, worker="",
        quantity=Decimal(1), reference=Decimal(1), reason="fall", at=at,
    )  # fmt: skip
    return Ask(
        instrument=symbol(number), owner=owner, nonce=f"{owner}-{number}", intent=intent, at=at,
        ends=Millis(at + 600_000),
    )  # fmt: skip


def describe(answer):
    match answer:
        case Granted(owner=owner, fence=fence):
            return ("granted", owner, fence)
        case Busy(holder=holder, fence=fence):
            return ("busy", holder, fence)
        case other:
            return (type(other).__name__, "", 0)


def now():
    return Millis(time.time_ns() // 1_000_000)
