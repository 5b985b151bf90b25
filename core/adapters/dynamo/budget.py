"""The shared budget of calls, in the state table: one item for each group, one conditional write for each call."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient
from core.domain.values import Market, Millis
from core.feed.pace import SKEW_MS, step_ms, wait_ms

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
