"""Workers, tables, a venue and time as one state, and every step that there can be from it.

A worker does its tasks one after the other, each as a fresh call of a function. At each of its requests it may be
answered, be answered in vain (the reply is lost), or die before or after. Time goes on whenever it likes, so a worker
that is not stepped is a worker that is paused. Only an order is never sent once the lease has ended: the function that
wanted to has been ended by its host (a Lambda function's lease is a second longer than its time).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from botocore.exceptions import ClientError
from msgspec.structs import replace

from core.adapters.dynamo.items import lock_of
from core.app.ports import Outcome
from core.domain.errors import CoreError, OrderExecutionError
from core.domain.orders import Fill, Order, State
from core.domain.values import Millis
from tests.fakes import AAA, FEE
from tests.model import invariants
from tests.model.actors import LEASE_MS, LOCKS, LOST_REPLY, Call, Point, Reply, Task
from tests.model.expressions import Item
from tests.model.invariants import Ghost
from tests.model.table import Rows, Table

Choice = tuple[int, str]
"""A worker and what happens to it; -1 for what happens to everybody."""

Accepted = tuple[tuple[str, Order], ...]
"""The venue's log: every order that it ever took, oldest first."""


class Stage(msgspec.Struct, frozen=True):
    """A set-up. `workers` are lists of tasks; `ticks` the moments that time may reach, ms.

    crashes, losses  how many there may be in one run
    fills            part of an order that the venue fills, by leg; 1 where nothing is said
    reaped           free items may vanish at any time (a variant: no TTL, no clean-up may do that)
    believed         whether two who believe that they may act break anything (8); clocks that are too far off allow it
    ignored          invariants that are not looked for, to see what else a variant breaks
    """

    name: str
    workers: tuple[tuple[Task, ...], ...]
    rows: Rows
    ticks: tuple[int, ...]
    crashes: int = 1
    losses: int = 1
    fills: dict[int, str] = {}
    reaped: bool = False
    believed: bool = True
    log: Accepted = ()
    ignored: frozenset[int] = frozenset()


class State_(msgspec.Struct, frozen=True):
    """`points` is where each worker's present task stands, None where it has not begun; `tasks` its number."""

    now: int
    rows: Rows
    log: Accepted
    tasks: tuple[int, ...]
    points: tuple[Point | None, ...]
    ghost: Ghost = Ghost()
    crashes: int = 0
    losses: int = 0


class Step(msgspec.Struct, frozen=True):
    """What happened, in words; the state afterwards; the invariants that it broke."""

    words: str
    after: State_
    broken: tuple[tuple[int, str], ...] = ()


def begin(stage: Stage) -> State_:
    nothing, item = (None,) * len(stage.workers), lock_item(stage.rows)
    lock = lock_of(item) if item else None
    settled = frozenset(order.signal for _, order in stage.log)
    ghost = Ghost(lock.fence, lock.fence, lock.fence, settled) if lock else Ghost()
    return State_(stage.ticks[0], stage.rows, stage.log, (0,) * len(stage.workers), nothing, ghost)


class Machine:
    """All steps from a state. `done` and `tables` are where the tables are: here a value, in `real.py` a service."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._seen: dict[tuple[int, ...], tuple[Call, Rows, Reply, Rows]] = {}

    def choices(self, state: State_) -> Iterator[Choice]:
        """What may happen next, and to whom; `take` makes it happen."""
        for worker, (number, point) in enumerate(zip(state.tasks, state.points, strict=True)):
            if number == len(self.stage.workers[worker]):
                continue
            if point is None:
                yield worker, "begin"
            elif self._ended_by_host(state, point):
                yield worker, "die"
            else:
                yield from self._faced(state, worker, point)
        if any(tick > state.now for tick in self.stage.ticks):
            yield -1, "time"
        if self.stage.reaped and (item := lock_item(state.rows)) is not None and "own" not in item:
            yield -1, "reap"

    def _faced(self, state: State_, worker: int, point: Point) -> Iterator[Choice]:
        yield worker, "answer"
        if state.losses < self.stage.losses:
            yield worker, "lose"
        if state.crashes < self.stage.crashes:
            if point.answers:
                yield worker, "die before"
            yield worker, "die after"

    def _ended_by_host(self, state: State_, point: Point) -> bool:
        sending = point.call is not None and point.call.name == "place"
        return sending and point.asked is not None and state.now >= point.asked[1] + LEASE_MS

    def take(self, state: State_, choice: Choice, performed: dict[int, tuple[Reply, State_]] | None = None) -> Step:
        """One step. `performed` keeps what a worker's request did, for its other outcomes."""
        worker, kind = choice
        match kind:
            case "time":
                return self._later(state)
            case "reap":
                return self._reaped(state)
            case "begin":
                return self._begun(state, worker)
        point = state.points[worker]
        assert point is not None
        assert point.call is not None
        match kind:
            case "die":
                return Step(f"{point.task} is ended by its host", self._next(state, worker))
            case "die before":
                dead = self._next(replace(state, crashes=state.crashes + 1), worker)
                return Step(f"{point.task} dies before it {named(point.call)}", dead)
        performed = {} if performed is None else performed
        if worker not in performed:
            performed[worker] = self.done(state, point.call)
        return self._performed(state, choice, point, *performed[worker])

    def _performed(self, state: State_, choice: Choice, point: Point, reply: Reply, changed: State_) -> Step:
        worker, kind = choice
        assert point.call is not None
        what = f"{point.task} {named(point.call)}: {shown(reply)}"
        match kind:
            case "answer":
                return self._answered(what, state, changed, worker, reply)
            case "lose":
                lost, silent = replace(changed, losses=state.losses + 1), Reply(error=LOST_REPLY[point.call.to])
                return self._answered(f"{what}, and the reply is lost", state, lost, worker, silent)
        dead = self._next(replace(changed, crashes=state.crashes + 1), worker)
        return self._after(f"{what}, and it dies", state, dead, point, None)

    def _begun(self, state: State_, worker: int) -> Step:
        task = self.stage.workers[worker][state.tasks[worker]]
        point = self.root(task, state.now)
        return self._judged(f"{task} begins", self._at(state, worker, point), point)

    def root(self, task: Task, now: int) -> Point:
        key = (task.owner, task.signal.id if task.signal else "", task.offset, now)
        if key not in ROOTS:
            ROOTS[key] = Point(task, (), now)
        return ROOTS[key]

    def _later(self, state: State_) -> Step:
        now = next(tick for tick in self.stage.ticks if tick > state.now)
        return Step(f"it is {(now - self.stage.ticks[0]) / 1000:g} s", replace(state, now=now))

    def _reaped(self, state: State_) -> Step:
        item = lock_item(state.rows)
        rows = {key: each for key, each in state.rows.items() if each is not item}
        return Step("the free item is removed", replace(state, rows=rows))

    def _answered(self, words: str, before: State_, changed: State_, worker: int, reply: Reply) -> Step:
        point = before.points[worker]
        assert point is not None
        told = self.told(changed, point, reply)
        if told.call is not None:
            return self._after(words, before, self._at(changed, worker, told), point, told)
        words = f"{words}; ends: {told.verdict.outcome.value if told.verdict else told.fault}"
        return self._after(words, before, self._next(changed, worker), point, told)

    def tables(self, state: State_) -> Any:
        """A client of the tables as they are."""
        return Table(state.rows)

    def done(self, state: State_, call: Call) -> tuple[Reply, State_]:
        if call.to == "venue":
            return self._venue(state, call)
        this = (id(call), *map(id, state.rows.values()))  # neither requests nor items are ever changed in place
        if this not in self._seen:
            self._seen[this] = (call, state.rows, *self._asked(Table(state.rows), call))
        *_, reply, rows = self._seen[this]
        return reply, replace(state, rows=rows)

    def _asked(self, table: Table, call: Call) -> tuple[Reply, Rows]:
        try:
            reply = Reply(getattr(table, call.name)(**call.request))
        except ClientError as refused:
            reply = Reply(error=refused)
        return reply, table.rows

    def _venue(self, state: State_, call: Call) -> tuple[Reply, State_]:
        order: Order = call.request["order"]
        known = dict(state.log).get(order.id)
        if call.name != "place":
            return Reply(outcome(known) if known else None), state
        if known is not None:
            return Reply(error=OrderExecutionError("duplicated identifier", order=order.id)), state
        taken = self._filled(order, state.now)
        return Reply(outcome(taken)), replace(state, log=(*state.log, (order.id, taken)))

    def _filled(self, order: Order, now: int) -> Order:
        part = Decimal(self.stage.fills.get(order.leg, "1"))
        units = (order.quantity * part).quantize(Decimal("0.0001"))
        fill = Fill(
            id=f"f-{order.id}", price=Decimal(100), quantity=units, fee=100 * units * FEE, tax=Decimal(0),
            at=Millis(self.stage.ticks[0]),
        )  # fmt: skip
        return replace(order, state=State.FILLED if part == 1 else State.CANCELLED, fills=(fill,), venue_id="v")

    def told(self, state: State_, point: Point, reply: Reply) -> Point:
        return point.told(state.now, self._number(reply), reply)

    def _number(self, reply: Reply) -> int:
        """Equal answers have equal numbers."""
        error = reply.error
        facts = getattr(error, "response", None) or (str(error) if error else reply.value)
        return NUMBERS.setdefault(ENCODER.encode((type(error).__name__, facts)), len(NUMBERS))

    def _after(self, words: str, before: State_, after: State_, point: Point, told: Point | None) -> Step:
        was, now = lock_item(before.rows), lock_item(after.rows)
        now = was if now == was else now  # a write that changes nothing did nothing
        after = replace(after, ghost=invariants.stepped(point, was, now, before.ghost))
        broken = (*invariants.written(point, was, now, before.ghost), *invariants.owned(now))
        return self._judged(words, after, told, broken)

    def _judged(self, words: str, after: State_, told: Point | None, broken: tuple[tuple[int, str], ...] = ()) -> Step:
        more = (*invariants.answered(told), *invariants.sent(told)) if told else ()
        orders = invariants.one_each([order for _, order in after.log])
        overlap = invariants.believers(after.points, after.now) if self.stage.believed else ()
        found = (*broken, *more, *orders, *overlap)
        return Step(words, after, tuple(each for each in found if each[0] not in self.stage.ignored))

    def _at(self, state: State_, worker: int, point: Point | None) -> State_:
        return replace(state, points=(*state.points[:worker], point, *state.points[worker + 1 :]))

    def _next(self, state: State_, worker: int) -> State_:
        tasks = (*state.tasks[:worker], state.tasks[worker] + 1, *state.tasks[worker + 1 :])
        return self._at(replace(state, tasks=tasks), worker, None)


ROOTS: dict[tuple[str, str, int, int], Point] = {}
"""Emptied whenever the code under test is changed: what a task does is remembered here."""

NUMBERS: dict[bytes, int] = {}
"""Of the answers that any task was ever given."""

ENCODER = msgspec.json.Encoder(order="deterministic")


def outcome(order: Order) -> Outcome:
    return Outcome(venue_id=order.venue_id, state=order.state.value, fills=order.fills)


def lock_item(rows: Rows) -> Item | None:
    return rows.get((LOCKS, str(AAA)))


def named(call: Call) -> str:
    """A request in a few words."""
    values = call.values
    if invariants.grants(call):
        return "asks for the lock"
    if call.name == "transact_write_items":
        return "commits" if values & {":done", ":next"} else "notes its order" if ":intent" in values else "parks"
    if call.name == "update_item":
        return "gives the lock back" if ":done" in values else "renews"
    return {"place": "sends its order", "find": "asks for its order"}.get(call.name, call.name)


def shown(reply: Reply) -> str:
    match reply.error:
        case None:
            return "done"
        case ClientError():
            return "refused"
        case CoreError() as fault:
            return fault.found
        case other:
            return type(other).__name__
