"""Who streams which shard, in the state table: one row for each, written only over the version that was read.

shard#MKT   n/of   version owner fence beat leaving heir waiting
"""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.dynamo.items import Item, from_wire, to_wire
from core.domain.errors import Transient
from core.domain.tenure import Shard, Tenure


class DynamoShards:
    """Implements `ports.Shards`. `client` is a boto3 DynamoDB client."""

    def __init__(self, table: str, client: Any) -> None:
        self._table, self._client = table, client

    def read(self, shard: Shard) -> Tenure:
        try:
            reply = self._client.get_item(TableName=self._table, Key=_key(shard), ConsistentRead=True)
        except (ClientError, BotoCoreError) as fault:
            raise _silent(fault) from None
        item = {name: from_wire(value) for name, value in reply.get("Item", {}).items()}
        return msgspec.convert({name: item[name] for name in Tenure.__struct_fields__ if name in item}, Tenure)

    def write(self, shard: Shard, row: Tenure) -> bool:
        """A reply that was lost and asked again is refused: the next look shows the row as it was written."""
        fresh = msgspec.structs.replace(row, version=row.version + 1)
        values = {name: to_wire(value) for name, value in msgspec.structs.asdict(fresh).items()}
        condition = "attribute_not_exists(pk)" if not row.version else "version = :before"
        before = {":before": to_wire(row.version)} if row.version else {}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={**_key(shard), **values},
                ConditionExpression=condition,
                **({"ExpressionAttributeValues": before} if before else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as fault:
            raise _silent(fault) from None
        return True


def _key(shard: Shard) -> Item:
    return {"pk": {"S": f"shard#{shard.market.value}"}, "sk": {"S": f"{shard.number}/{shard.of}"}}


def _silent(fault: Exception) -> Transient:
    return Transient("the state table did not answer", fault=type(fault).__name__)
