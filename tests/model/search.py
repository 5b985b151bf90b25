"""Breadth-first over every state that a stage can reach, so that what it finds is the shortest way there."""

from __future__ import annotations

from collections import deque

import msgspec

from tests.model.actors import Point, Reply
from tests.model.settle import settled
from tests.model.system import ENCODER, Choice, Machine, Stage, State_, begin
from tests.model.table import Rows


class Found(msgspec.Struct, frozen=True):
    """`states` and `steps` that were looked at; `broken` is the first invariant that did not hold, and the way there.

    limit  the search was stopped at that many states
    """

    states: int
    steps: int
    endings: int
    broken: tuple[int, str] | None = None
    way: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    limit: bool = False

    def __str__(self) -> str:
        if self.broken is None:
            return f"{self.states:,} states, {self.steps:,} steps, {self.endings:,} endings: every invariant holds"
        number, what = self.broken
        lines = "\n".join(f"  {place}. {words}" for place, words in enumerate(self.way, 1))
        return f"invariant {number} does not hold after {self.states:,} states: {what}\n{lines}"


class Names:
    """A short key for each state: equal rows, orders and points are equal numbers."""

    def __init__(self, *, merged: bool) -> None:
        self._merged = merged
        self._numbers: dict[bytes, int] = {}
        self._items: dict[int, tuple[object, int]] = {}

    def key(self, state: State_) -> tuple[object, ...]:
        return (
            state.now, self.rows(state.rows), tuple(order_id for order_id, _ in state.log), state.tasks,
            tuple(map(self._point, state.points)), state.ghost, state.crashes, state.losses,
        )  # fmt: skip

    def rows(self, rows: Rows) -> tuple[object, ...]:
        return tuple((key, self._number(rows[key])) for key in sorted(rows))

    def _point(self, point: Point | None) -> object:
        """Where a task stands. Merged: two that were told the same at other times, and go on alike, are one."""
        if point is None or not self._merged:
            return id(point)
        return self._number(point.future)

    def _number(self, item: object) -> int:
        """By identity first: items are never changed in place, and most are the same object from state to state."""
        known = self._items.get(id(item))
        if known is None:
            number = self._numbers.setdefault(ENCODER.encode(item), len(self._numbers))
            known = self._items[id(item)] = (item, number)
        return known[1]


class Search:
    """One walk over everything. `limit` bounds the states; a walk that meets it says so.

    merged  states that differ only in when a task came to know what it knows are one: far fewer, and the same endings
            (test_merging_equal_futures_loses_no_ending)
    """

    def __init__(self, stage: Stage, limit: int = 10**7, *, merged: bool = True) -> None:
        self.machine, self.stage, self.limit = Machine(stage), stage, limit
        self.names = Names(merged=merged)
        self.back: dict[tuple[object, ...], tuple[tuple[object, ...], str, Choice] | None] = {}
        self.endings: dict[tuple[object, ...], bytes] = {}
        self.steps = 0

    def run(self) -> Found:
        first = begin(self.stage)
        key = self.names.key(first)
        self.back[key] = None
        waiting = deque([(key, first)])
        while waiting and len(self.back) < self.limit:
            key, state = waiting.popleft()
            performed: dict[int, tuple[Reply, State_]] = {}
            for choice in self.machine.choices(state):
                step = self.machine.take(state, choice, performed)
                self.steps += 1
                if step.broken:
                    return self._found(key, step.words, choice, step.broken[0])
                after = self.names.key(step.after)
                if after in self.back:
                    continue
                self.back[after] = (key, step.words, choice)
                if broken := self._ended(step.after):
                    return self._found(key, step.words, choice, broken)
                waiting.append((after, step.after))
        return Found(len(self.back), self.steps, len(self.endings), limit=bool(waiting))

    def _ended(self, state: State_) -> tuple[int, str] | None:
        """Where everybody is done or dead, what is left must come right by itself."""
        if any(number < len(tasks) for number, tasks in zip(state.tasks, self.stage.workers, strict=True)):
            return None
        ending = (self.names.rows(state.rows), tuple(order_id for order_id, _ in state.log))
        if ending in self.endings:
            return None
        self.endings[ending] = ENCODER.encode(sorted(state.rows.items()))
        wrong = settled(state, self.machine)
        return next((each for each in wrong if each[0] not in self.stage.ignored), None)

    def _found(self, key: tuple[object, ...], words: str, choice: Choice, broken: tuple[int, str]) -> Found:
        way = [(words, choice)]
        while (link := self.back[key]) is not None:
            key, *step = link
            way.append((step[0], step[1]))
        told, choices = zip(*reversed(way), strict=True)
        return Found(len(self.back), self.steps, len(self.endings), broken, told, choices)
