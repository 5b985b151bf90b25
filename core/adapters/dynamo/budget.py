"""The shared budget of calls, in the state table: one item for each group, one conditional write for each call.

budget#MARKET#GROUP  calls  ready = when the next call may go; a buy takes a whole stretch (leases.engage)
spare#MARKET         calls  owner of what is kept free of the limits, until when
"""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.dynamo.calls import MET
from core.app.ports import Claim
from core.domain.errors import Transient
from core.domain.values import Market, Millis
from core.feed.pace import HELD_MS, SKEW_MS, step_ms, wait_ms

MET_MS = 20
"""Somebody takes a stretch of the same row in this very moment, in a transaction: it is asked again after that."""

KEPT_S = 3_600
"""An item that nobody has used for this long is swept by the table's TTL."""


class DynamoBudget:
    """Budget of everyone who shares the table, on whatever machine. `client` is a boto3 DynamoDB client.

    The item says when the next call may go (`ready`, epoch ms). Clocks that differ by some ms move single calls by as
    much, never the average.
    """

    def __init__(self, table: str, client: Any) -> None:
        self._table, self._client = table, client

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        """Take one call of `group`; 0 where it may go at once, else ms to wait before asking again.

        Raises:
            Transient: the table does not answer; nothing was taken, or a turn was taken and is lost.
        """
        step = step_ms(limit)
        try:
            self._client.update_item(**take_request(self._table, market, group, step, at))
        except ClientError as refused:
            if refused.response["Error"]["Code"] in MET:
                return MET_MS
            if refused.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise Transient("The shared budget does not answer", fault=type(refused).__name__) from refused
            held: Any = refused.response
            return max(1, wait_ms(int(held["Item"]["ready"]["N"]), step, at))
        except BotoCoreError as fault:
            raise Transient("The shared budget does not answer", fault=type(fault).__name__) from fault
        return 0


def take_request(table: str, market: Market, group: str, step: int, at: Millis) -> dict[str, Any]:
    """The one UpdateItem as a value: move the next free moment on, if it has come (or cannot be true)."""
    return {
        "TableName": table,
        "Key": {"pk": {"S": f"budget#{market.value}#{group}"}, "sk": {"S": "calls"}},
        "UpdateExpression": "SET #ready = :next, #expires = :expires",
        "ConditionExpression": "attribute_not_exists(#ready) OR #ready <= :at OR #ready > :wrong",
        "ExpressionAttributeNames": {"#ready": "ready", "#expires": "expires"},
        "ExpressionAttributeValues": {
            ":at": {"N": str(at)},
            ":next": {"N": str(at + step)},
            ":wrong": {"N": str(at + step + SKEW_MS)},
            ":expires": {"N": str(at // 1000 + KEPT_S)},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


class DynamoSpare:
    """Implements `ports.Spare`. `client` is a boto3 DynamoDB client, which may ask again: a claim is its owner's."""

    def __init__(self, table: str, client: Any) -> None:
        self._table, self._client = table, client

    def claim(self, market: Market, owner: str, at: Millis) -> Claim:
        try:
            self._client.update_item(**claim_request(self._table, market, owner, at))
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise Transient("The shared budget does not answer", fault=type(refused).__name__) from refused
            held: Any = refused.response
            return Claim(mine=False, until=Millis(int(held["Item"]["until"]["N"])))
        except BotoCoreError as fault:
            raise Transient("The shared budget does not answer", fault=type(fault).__name__) from fault
        return Claim(mine=True, until=Millis(at + HELD_MS))


def claim_request(table: str, market: Market, owner: str, at: Millis) -> dict[str, Any]:
    """The one UpdateItem as a value. Another's claim is over once it is so by any clock, or where it cannot be true."""
    return {
        "TableName": table,
        "Key": {"pk": {"S": f"spare#{market.value}"}, "sk": {"S": "calls"}},
        "UpdateExpression": "SET #owner = :owner, #until = :until, #expires = :expires",
        "ConditionExpression": "attribute_not_exists(#until) OR #owner = :owner OR #until < :late OR #until > :wrong",
        "ExpressionAttributeNames": {"#owner": "owner", "#until": "until", "#expires": "expires"},
        "ExpressionAttributeValues": {
            ":owner": {"S": owner},
            ":until": {"N": str(at + HELD_MS)},
            ":late": {"N": str(at - SKEW_MS)},
            ":wrong": {"N": str(at + HELD_MS + SKEW_MS)},
            ":expires": {"N": str((at + HELD_MS) // 1000 + KEPT_S)},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
