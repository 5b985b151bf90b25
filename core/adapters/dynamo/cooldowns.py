"""Alert cooldowns in the state table (F3): one conditional write for each claim, shared by all senders.

The item says when its topic was last claimed on its channel, by which alert, and whether that one went out. A claim is
granted where the cooldown is over, or to the very alert that claimed it and was not sent: a retry after a failure,
which has `freed` it, or after a death, which has not.
"""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.dynamo.items import Item
from core.app.notify import HOLD_MS, cooldown_key, on_its_way, over_before
from core.domain.errors import Transient
from core.domain.messages import Delivery
from core.domain.values import Millis

CLAIM = "SET since = :at, alert = :alert, sent = :no, freed = :no, expires = :ends"
FREE = (
    "attribute_not_exists(pk) OR since <= :over OR (alert = :alert AND sent = :no AND (freed = :yes OR since <= :held))"
)
KEPT_S = 86_400
"""Life of an item beyond its cooldown. DynamoDB deletes late, and the condition does not count on it."""


class DynamoCooldowns:
    """`client` is a boto3 DynamoDB client. Raises Transient where the table does not answer."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def claim(self, delivery: Delivery, cooldown_ms: int, at: Millis) -> bool:
        values = {
            ":at": {"N": str(at)},
            ":no": {"BOOL": False},
            ":yes": {"BOOL": True},
            ":over": {"N": str(over_before(delivery, cooldown_ms, at))},
            ":held": {"N": str(at - HOLD_MS)},
            ":ends": {"N": str((at + cooldown_ms) // 1000 + KEPT_S)},
        }
        refused = self._update(delivery, update=CLAIM, condition=FREE, values=values)
        if refused is not None and refused["alert"]["S"] == delivery.alert.id and not refused["sent"]["BOOL"]:
            raise on_its_way(delivery)
        return refused is None

    def sent(self, delivery: Delivery, at: Millis) -> None:
        """Only for the alert that holds the claim: another that took it since keeps it."""
        self._update(delivery, update="SET sent = :yes", condition="alert = :alert", values={":yes": {"BOOL": True}})

    def free(self, delivery: Delivery) -> None:
        self._update(delivery, update="SET freed = :yes", condition="alert = :alert", values={":yes": {"BOOL": True}})

    def _update(self, delivery: Delivery, *, update: str, condition: str, values: dict[str, Any]) -> Item | None:
        """None where it was written; where the condition does not hold, the item that is there ({} for none)."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"cooldown#{cooldown_key(delivery)}"}, "sk": {"S": delivery.channel}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues={":alert": {"S": delivery.alert.id}, **values},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            item: Item = refused.response.get("Item", {})
            return item
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the cooldowns do not answer", fault=type(fault).__name__) from fault
        return None
