"""The set-ups that are searched: who is there, what they are told to do, and how much may go wrong."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from core.adapters.dynamo.ledger import DynamoLedger
from core.domain.values import Market, Millis
from core.domain.workers import Status, Worker
from tests.fakes import buy, sell
from tests.model.actors import BLANK, LEDGER, Task, instant
from tests.model.system import Accepted, Machine, Stage, begin
from tests.model.table import Rows, Table

TICKS = tuple(instant(seconds) for seconds in (0, 4.5, 9, 13.5))
"""With a lease of 6 s: while it is believed in, after it may be taken over, and the same once more."""

FAR = 10**6


def workers(count: int) -> Rows:
    table = Table()
    ledger = DynamoLedger(LEDGER, table)
    for number in range(1, count + 1):
        ledger.register(
            Worker(id=f"w-{number:02d}", market=Market.UPBIT, status=Status.SCAN, capital=BLANK.policy.workers.capital)
        )
    return table.rows


def offset(tasks: tuple[Task, ...], ms: int) -> tuple[Task, ...]:
    return tuple(replace(task, offset=ms) for task in tasks)


def pair(first: Any, second: Any, ms: int = 1_000) -> tuple[tuple[Task, ...], ...]:
    """Two workers whose clocks are `ms` fast and slow; the second's second task is a sweep's."""
    one = (Task("A1", first), Task("A2", first))
    two = (Task("B1", second), Task("B2", None))
    return offset(one, -ms), offset(two, ms)


B0, B1, B2 = buy(id="b0", expires_s=FAR), buy(id="b1", expires_s=FAR), buy(id="b2", expires_s=FAR)
S1, S2 = sell(id="s1", expires_s=FAR), sell(id="s2", expires_s=FAR)


def duplicates(ms: int = 1_000, **changes: Any) -> Stage:
    """One buy, delivered to both and once more."""
    return Stage(f"one buy, clocks +-{ms} ms", pair(B1, B1, ms), workers(3), TICKS, **changes)


def rivals(ms: int = 1_000, **changes: Any) -> Stage:
    """Two buys of one symbol."""
    return Stage(f"two buys, clocks +-{ms} ms", pair(B1, B2, ms), workers(3), TICKS, **changes)


def mistaken(ms: int = 1_000, **changes: Any) -> Stage:
    """Two sales that mean a position which is not there any more: whoever is granted gives the lock back."""
    rows, log = held()
    one, other = replace(S1, position="another"), replace(S2, position="another")
    return Stage(
        f"two sales of another position, clocks +-{ms} ms", pair(one, other, ms), rows, TICKS, log=log, **changes
    )


def halted(ms: int = 1_000, **changes: Any) -> Stage:
    """Two buys that a halt refuses: nobody takes the lock."""
    table = Table(workers(3))
    DynamoLedger(LEDGER, table).halt("all", "a test", Millis(0))
    return Stage(f"two buys in a halt, clocks +-{ms} ms", pair(B1, B2, ms), table.rows, TICKS, **changes)


def redelivered(ms: int = 1_000, **changes: Any) -> Stage:
    """A position is sold, and its buy is delivered once more."""
    rows, log = held()
    return Stage(f"a buy after its own sale, clocks +-{ms} ms", pair(S1, B0, ms), rows, TICKS, log=log, **changes)


def held() -> tuple[Rows, Accepted]:
    """Books and venue after a buy."""
    machine = Machine(Stage("", (), workers(3), TICKS))
    state = begin(machine.stage)
    point = machine.root(Task("H", B0), TICKS[0])
    while point.call is not None:
        reply, state = machine.done(state, point.call)
        point = machine.told(state, point, reply)
    return state.rows, state.log


def sales(second: Any = None, ms: int = 1_000, **changes: Any) -> Stage:
    """A position, and two sales of it, or a sale and another buy."""
    rows, log = held()
    return Stage(
        f"a sale beside another order, clocks +-{ms} ms", pair(S1, second or S2, ms), rows, TICKS, log=log, **changes
    )


def in_two_legs(ms: int = 1_000, **changes: Any) -> Stage:
    """A sale that the venue fills by half: the rest is a second leg under the same lock."""
    rows, log = held()
    workers_ = pair(S1, S1, ms)
    return Stage(f"a sale in two legs, clocks +-{ms} ms", workers_, rows, TICKS, log=log, fills={0: "0.5"}, **changes)
