"""Alert cooldowns in the state table (F3): one conditional write for each claim, shared by all senders.

The item says when its topic was last claimed on its channel, by which alert, and whether that one went out. A claim is
granted where the cooldown is over, or to the very alert that claimed it and was not sent: a retry after a failure.
"""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.app.notify import cooldown_key, over_before
from core.domain.errors import Transient
from core.domain.messages import Delivery
from core.domain.values import Millis

KEPT_S = 86_400
"""Life of an item beyond its cooldown. DynamoDB deletes late, and the condition does not count on it."""


class DynamoCooldowns:
    """`client` is a boto3 DynamoDB client. Raises Transient where the table does not answer."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def claim(self, delivery: Delivery, cooldown_ms: int, at: Millis) -> bool:
        return self._update(
            delivery,
            update="SET since = :at, alert = :alert, sent = :no, expires = :ends",
            condition="attribute_not_exists(pk) OR since <= :over OR (alert = :alert AND sent = :no)",
            values={
                ":at": {"N": str(at)},
                ":no": {"BOOL": False},
                ":over": {"N": str(over_before(delivery, cooldown_ms, at))},
                ":ends": {"N": str((at + cooldown_ms) // 1000 + KEPT_S)},
            },
        )

    def sent(self, delivery: Delivery, at: Millis) -> None:
        """Only for the alert that holds the claim: another that took it since keeps it."""
        self._update(delivery, update="SET sent = :yes", condition="alert = :alert", values={":yes": {"BOOL": True}})

    def _update(self, delivery: Delivery, *, update: str, condition: str, values: dict[str, Any]) -> bool:
        """False where the condition does not hold."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"cooldown#{cooldown_key(delivery)}"}, "sk": {"S": delivery.channel}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues={":alert": {"S": delivery.alert.id}, **values},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the cooldowns do not answer", fault=type(fault).__name__) from fault
        return True
