"""The same machine on DynamoDB itself: one way is gone, step by step, and no step can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import replace

from tests.cloud import Tables
from tests.fakes import AAA
from tests.model.actors import LEDGER, LOCKS, Call, Reply
from tests.model.settle import settled
from tests.model.system import Choice, Machine, Stage, State_, begin
from tests.model.table import KEYS, Rows


class Renamed:
    """A client under whose names of tables the requests of the model are sent.

    begun  which walk it is: the service remembers tokens, and the next walk's requests may be equal to the last one's
    """

    def __init__(self, tables: Tables) -> None:
        self._client, self._names = tables.client(), {LOCKS: tables.locks, LEDGER: tables.ledger}
        self.begun = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda **request: method(**self._named(request))

    def _named(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._at(key, each) for key, each in value.items()}
            case list():
                return [self._named(each) for each in value]
        return value

    def _at(self, key: str, value: Any) -> Any:
        match key:
            case "TableName":
                return self._names[value]
            case "ClientRequestToken":
                return f"{value[:30]}{self.begun:06d}"
        return self._named(value)


class Real(Machine):
    """`client` answers every request; of the state's rows only the symbol's item is kept, as it was found there."""

    def __init__(self, stage: Stage, client: Any) -> None:
        super().__init__(stage)
        self.client = client

    def begin(self) -> State_:
        """Empty the tables, and put what the stage begins with."""
        self.client.begun += 1
        for table in (LOCKS, LEDGER):
            for item in self.client.scan(TableName=table, ConsistentRead=True)["Items"]:
                self.client.delete_item(TableName=table, Key={name: item[name] for name in KEYS if name in item})
        for (table, *_), item in self.stage.rows.items():
            self.client.put_item(TableName=table, Item=item)
        return replace(begin(self.stage), rows=self._rows({}))

    def done(self, state: State_, call: Call) -> tuple[Reply, State_]:
        if call.to == "venue":
            return super().done(state, call)
        try:
            reply = Reply(getattr(self.client, call.name)(**call.request))
        except ClientError as refused:
            reply = Reply(error=refused)
        return reply, replace(state, rows=self._rows(state.rows))

    def _reaped(self, state: State_) -> Any:
        self.client.delete_item(TableName=LOCKS, Key={"key": {"S": str(AAA)}})
        return super()._reaped(state)

    def tables(self, state: State_) -> Any:
        return self.client

    def _rows(self, before: Rows) -> Rows:
        """The item as it is; the very same object where nothing changed, as the invariants want it."""
        key = (LOCKS, str(AAA))
        found = self.client.get_item(TableName=LOCKS, Key={"key": {"S": str(AAA)}}, ConsistentRead=True).get("Item")
        if found == before.get(key):
            return before
        return {key: found} if found is not None else {}


def play(machine: Real, choices: Iterator[Choice]) -> Iterator[tuple[str, tuple[tuple[int, str], ...]]]:
    """What happens and what it breaks, for each choice that can be made; then what is wrong once everything settled."""
    state = machine.begin()
    for choice in choices:
        if choice not in set(machine.choices(state)):
            continue
        step = machine.take(state, choice)
        state = step.after
        yield step.words, step.broken
    yield "everything settles", tuple(settled(state, machine))
