"""Credentials in the state table: one row for each, the claim to refresh it one conditional write.

The table is encrypted at rest and its rows end by themselves; nothing of a credential is in any error or log line.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.app.tokens import Deposit
from core.domain.errors import Transient
from core.domain.values import Millis
from core.venues.spec import Issued

KEPT_S = 86_400
"""Life of a row beyond its credential."""


class DynamoVault:
    """`client` is a boto3 DynamoDB client."""

    def __init__(self, table: str, client: Any) -> None:
        self._table, self._client = table, client

    def read(self, name: str) -> Deposit:
        """Consistent: who waits for another's attempt must see its end."""
        try:
            reply = self._client.get_item(TableName=self._table, Key=key_of(name), ConsistentRead=True)
        except (ClientError, BotoCoreError) as fault:
            raise _silent(fault) from None
        return deposit_of(reply.get("Item", {}))

    def claim(self, name: str, owner: str, found: Deposit, at: Millis, until: Millis) -> bool:
        """The attempt's time is in the same write: the condition lets one of all who read the same row through.

        That one passes again: boto3 repeats a write whose reply was lost.
        """
        return self._written(
            name,
            "SET #owner = :owner, #due = :until, #expires = :expires ADD #version :none",
            "attribute_not_exists(pk) OR #owner = :owner OR (#due = :found AND #version = :version)",
            {
                ":owner": {"S": owner},
                ":until": {"N": str(until)},
                ":found": {"N": str(found.due)},
                ":version": {"N": str(found.version)},
                ":none": {"N": "0"},
                ":expires": {"N": str(max(until, found.ends) // 1000 + KEPT_S)},
            },
        )

    def finish(self, name: str, owner: str, issued: Issued | None, due: Millis) -> bool:
        kept = ", #text = :text, #ends = :ends, #expires = :expires" if issued else ""
        values: dict[str, Any] = {":owner": {"S": owner}, ":due": {"N": str(due)}, ":nobody": {"S": ""}}
        values[":one"] = {"N": "1"}
        if issued:
            values |= {":text": {"S": issued.text}, ":ends": {"N": str(issued.ends)}}
            values[":expires"] = {"N": str(issued.ends // 1000 + KEPT_S)}
        update = f"SET #owner = :nobody, #due = :due{kept} ADD #version :one"
        return self._written(name, update, "#owner = :owner", values)

    def _written(self, name: str, update: str, condition: str, values: dict[str, Any]) -> bool:
        words = ("owner", "due", "version", "expires", "text", "ends")
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_of(name),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{word}": word for word in words if f"#{word}" in update + condition},
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as fault:
            raise _silent(fault) from None
        return True


def key_of(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"credential#{name}"}, "sk": {"S": "held"}}


def deposit_of(item: dict[str, Any]) -> Deposit:
    def figure(name: str) -> int:
        return int(item.get(name, {}).get("N", "0"))

    return Deposit(
        text=item.get("text", {}).get("S", ""),
        ends=Millis(figure("ends")),
        due=Millis(figure("due")),
        owner=item.get("owner", {}).get("S", ""),
        version=figure("version"),
    )


def _silent(fault: Exception) -> Transient:
    return Transient("the credentials do not answer", fault=type(fault).__name__)
