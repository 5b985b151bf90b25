"""DynamoDB as a value: the requests of the adapters, answered from a dictionary that can be copied in microseconds.

One call is one step and nothing comes between: what the service promises for one item and for one transaction. A retry
with the same ClientRequestToken is not recognised, as after the ten minutes for which the service remembers one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.model.expressions import Item, condition, parted, plain, update

Key = tuple[str, ...]
Rows = dict[Key, Item]
"""(table, partition key, sort key) -> item; never changed in place."""

KEYS = ("key", "pk", "sk")
INDEXES = {"by_open": "open", "by_day": "day"}


def key_of(table: str, item: Item) -> Key:
    return (table, *(item[name]["S"] for name in KEYS if name in item))


def refused(code: str, name: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {}, **more}, name)  # type: ignore[arg-type]


class Table:
    """A client of the low-level API. `rows` may be taken and put back at any time."""

    def __init__(self, rows: Rows | None = None) -> None:
        self.rows: Rows = rows if rows is not None else {}

    def get_item(self, **request: Any) -> Item:
        found = self.rows.get(key_of(request["TableName"], request["Key"]))
        return {"Item": found} if found is not None else {}

    def put_item(self, **request: Any) -> Item:
        return self._written("PutItem", "Put", request)

    def update_item(self, **request: Any) -> Item:
        self._written("UpdateItem", "Update", request)
        if request.get("ReturnValues") != "ALL_NEW":
            return {}
        return {"Attributes": self.rows[key_of(request["TableName"], request["Key"])]}

    def delete_item(self, **request: Any) -> Item:
        return self._written("DeleteItem", "Delete", request)

    def transact_write_items(self, **request: Any) -> Item:
        legs = [next(iter(leg.items())) for leg in request["TransactItems"]]
        reasons = [_reason(leg, self._before(leg)) for _, leg in legs]
        if any(reason["Code"] != "None" for reason in reasons):
            raise refused("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        rows = dict(self.rows)
        for act, leg in legs:
            _apply(act, leg, rows)
        self.rows = rows
        return {}

    def query(self, **request: Any) -> Item:
        values, text = request["ExpressionAttributeValues"], request["KeyConditionExpression"]
        holds, name = condition(text), parted(text.split()[0])[0]
        assert name in ("pk", INDEXES.get(request.get("IndexName", ""))), text
        return {"Items": [row for row in self._all(request["TableName"]) if holds(row, values)]}

    def scan(self, **request: Any) -> Item:
        return {"Items": list(self._all(request["TableName"]))}

    def _all(self, table: str) -> Iterator[Item]:
        return (item for key, item in sorted(self.rows.items()) if key[0] == table)

    def _before(self, leg: Item) -> Item | None:
        return self.rows.get(key_of(leg["TableName"], leg.get("Key") or leg["Item"]))

    def _written(self, name: str, act: str, request: Item) -> Item:
        before = self._before(request)
        reason = _reason(request, before)
        if reason["Code"] != "None":
            item = {"Item": reason["Item"]} if "Item" in reason else {}
            raise refused("ConditionalCheckFailedException", name, **item)
        rows = dict(self.rows)
        _apply(act, request, rows)
        self.rows = rows
        return {}


def _reason(leg: Item, before: Item | None) -> Item:
    """Why a leg does not go through, as the service words it."""
    if condition(leg.get("ConditionExpression", ""))(before or {}, leg.get("ExpressionAttributeValues", {})):
        return {"Code": "None"}
    shown = before is not None and leg.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return {"Code": "ConditionalCheckFailed", **({"Item": before} if shown else {})}


def _apply(act: str, leg: Item, rows: Rows) -> None:
    key = key_of(leg["TableName"], leg.get("Key") or leg["Item"])
    match act:
        case "Put":
            rows[key] = leg["Item"]
        case "Delete":
            rows.pop(key, None)
        case "Update":
            before = rows.get(key) or leg["Key"]
            rows[key] = update(leg["UpdateExpression"])(before, leg.get("ExpressionAttributeValues", {}))


def same(one: Item | None, other: Item | None) -> bool:
    """Equal items, numbers by value."""
    if one is None or other is None:
        return one is other
    return one.keys() == other.keys() and all(plain(one[name]) == plain(other[name]) for name in one)
