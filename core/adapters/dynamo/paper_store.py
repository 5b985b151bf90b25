"""The paper venue's log in its own table.

order#ID         order     body = the order as it ended
holdings#MARKET  SYMBOL    units book asks_taken bids_taken version
"""

from decimal import Decimal
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.dynamo.expressions import Request, expressed
from core.adapters.dynamo.items import Item, number, read, to_wire
from core.domain.errors import Transient, UnknownOutcome
from core.domain.fills import Holding, moved
from core.domain.orders import Order
from core.domain.values import Instrument, Market, Side

ORDER = "order"
NEXT = "version = :before OR (:before = :none AND attribute_not_exists(pk))"
ENOUGH = "units >= :wanted"


class DynamoPaperStore:
    """`client` is a boto3 DynamoDB client. Reads are strongly consistent: an answer decides what money does."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def order(self, id: str) -> Order | None:
        item = self._item(f"order#{id}", ORDER)
        return msgspec.json.decode(item["body"]["S"], type=Order) if item else None

    def holding(self, instrument: Instrument) -> Holding:
        item = self._item(f"holdings#{instrument.market.value}", instrument.symbol)
        return read({"M": {name: item[name] for name in Holding.__struct_fields__}}, Holding) if item else Holding()

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
                    found[item["sk"]["S"]] = number(item, "units")
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

    def _item(self, pk: str, sk: str) -> Item:
        try:
            reply = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the paper venue's log does not answer", fault=type(fault).__name__) from fault
        item: Item = reply.get("Item", {})
        return item

    def _writes(self, order: Order, holding: Holding) -> list[dict[str, Any]]:
        placed = {
            "TableName": self._table,
            "Item": {"pk": to_wire(f"order#{order.id}"), "sk": to_wire(ORDER), "body": _json(order)},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return [{"Put": placed}, {"Update": self._held(order, holding)}]

    def _held(self, order: Order, holding: Holding) -> Request:
        key = {"pk": to_wire(f"holdings#{order.instrument.market.value}"), "sk": to_wire(order.instrument.symbol)}
        values: dict[str, object] = {"book": holding.book, "asks": holding.asks_taken, "bids": holding.bids_taken}
        taken = "SET book = :book, asks_taken = :asks, bids_taken = :bids"
        if holding.version:
            values |= {"units": holding.units, "version": holding.version, "before": holding.version - 1, "none": 0}
            update = f"{taken}, units = :units, version = :version"
            return expressed(self._table, key, update=update, condition=NEXT, values=values)
        selling = order.side is Side.SELL
        values |= {"units": moved(order), "one": 1} | ({"wanted": order.quantity} if selling else {})
        condition = f"book <> :book AND {ENOUGH}" if selling else "attribute_not_exists(pk) OR book <> :book"
        update = f"{taken} ADD units :units, version :one"
        return expressed(self._table, key, update=update, condition=condition, values=values)


def _json(order: Order) -> dict[str, str]:
    return {"S": msgspec.json.encode(order).decode()}
