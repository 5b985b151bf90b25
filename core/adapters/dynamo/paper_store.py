"""The paper venue's log in its own table: `order#ID` and, under `holdings#MARKET`, one item for each symbol."""

from decimal import Decimal
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient, UnknownOutcome
from core.domain.fills import Holding
from core.domain.orders import Order
from core.domain.values import Instrument, Market

ORDER = "order"


class DynamoPaperStore:
    """`client` is a boto3 DynamoDB client. Reads are strongly consistent: an answer decides what money does."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def order(self, id: str) -> Order | None:
        body = self._body(f"order#{id}", ORDER)
        return msgspec.json.decode(body, type=Order) if body else None

    def holding(self, instrument: Instrument) -> Holding:
        body = self._body(f"holdings#{instrument.market.value}", instrument.symbol)
        return msgspec.json.decode(body, type=Holding) if body else Holding()

    def holdings(self, market: Market) -> dict[str, Decimal]:
        """Units by symbol, zero ones left out."""
        found: dict[str, Decimal] = {}
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"holdings#{market.value}"}},
            "ConsistentRead": True,
        }
        try:
            while True:
                page = self._client.query(**request)
                for item in page["Items"]:
                    found[item["sk"]["S"]] = msgspec.json.decode(item["body"]["S"], type=Holding).units
                if "LastEvaluatedKey" not in page:
                    return {symbol: units for symbol, units in found.items() if units}
                request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the paper venue's log does not answer", fault=type(fault).__name__) from fault

    def record(self, order: Order, holding: Holding) -> bool:
        """One transaction; a lost reply that is sent again meets its own order and reads as False, which is then found.

        Raises:
            UnknownOutcome: no answer came, so it may or may not have been written.
        """
        try:
            self._client.transact_write_items(TransactItems=self._writes(order, holding))
        except self._client.exceptions.TransactionCanceledException:
            return False
        except (ClientError, BotoCoreError) as fault:
            raise UnknownOutcome("the paper venue did not say", order=order.id, fault=type(fault).__name__) from fault
        return True

    def _body(self, pk: str, sk: str) -> str:
        try:
            reply = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the paper venue's log does not answer", fault=type(fault).__name__) from fault
        text: str = reply["Item"]["body"]["S"] if "Item" in reply else ""
        return text

    def _writes(self, order: Order, holding: Holding) -> list[dict[str, Any]]:
        placed = {
            "TableName": self._table,
            "Item": {"pk": {"S": f"order#{order.id}"}, "sk": {"S": ORDER}, "body": _json(order)},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        held = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": f"holdings#{order.instrument.market.value}"},
                "sk": {"S": order.instrument.symbol},
                "body": _json(holding),
                "version": {"N": str(holding.version)},
            },
            "ConditionExpression": "version = :before OR (:before = :none AND attribute_not_exists(pk))",
            "ExpressionAttributeValues": {":before": {"N": str(holding.version - 1)}, ":none": {"N": "0"}},
        }
        return [{"Put": placed}, {"Put": held}]


def _json(value: Order | Holding) -> dict[str, str]:
    return {"S": msgspec.json.encode(value).decode()}
