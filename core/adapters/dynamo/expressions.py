"""Requests of the low-level client as values: every `#name` in an expression is resolved, every `:value` is typed."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import msgspec

from core.adapters.dynamo.items import Item, to_wire

Request = dict[str, Any]
NAME = re.compile(r"#(\w+)")


def expressed(
    table: str, key: Item, *, update: str = "", condition: str = "", values: dict[str, object] | None = None
) -> Request:
    """The part that an update, a check and a delete share; a refusal gives the item as it stood (ALL_OLD)."""
    request: Request = {"TableName": table, "Key": key}
    if update:
        request["UpdateExpression"] = update
    if condition:
        request["ConditionExpression"] = condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request | _names(update + condition) | _values(values)


def asked(table: str, condition: str, values: dict[str, object]) -> Request:
    """A query by key condition."""
    return {"TableName": table, "KeyConditionExpression": condition} | _names(condition) | _values(values)


def put(table: str, item: Item, condition: str = "") -> Request:
    request: Request = {"TableName": table, "Item": item}
    if condition:
        request["ConditionExpression"] = condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def digest(value: object) -> str:
    """36 characters that stand for a request: the longest that a ClientRequestToken may be."""
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:36]


def _names(expression: str) -> Request:
    found = sorted(set(NAME.findall(expression)))
    return {"ExpressionAttributeNames": {f"#{name}": name for name in found}} if found else {}


def _values(values: dict[str, object] | None) -> Request:
    if not values:
        return {}
    return {"ExpressionAttributeValues": {f":{name}": to_wire(value) for name, value in values.items()}}
