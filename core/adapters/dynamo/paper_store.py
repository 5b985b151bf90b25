"""The paper venue's log in its own table.

order#ID         order     body = the order as it ended
holdings#MARKET  SYMBOL    units book asks_taken bids_taken
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.dynamo.calls import reasons
from core.adapters.dynamo.expressions import Request, expressed, put
from core.adapters.dynamo.items import Item, number, read, to_wire
from core.domain.errors import Transient, UnknownOutcome
from core.domain.fills import Holding, moved
from core.domain.orders import Order
from core.domain.values import Instrument, Market, Side

ORDER = "order"
UNTOUCHED = "(attribute_not_exists(pk) OR book <> :book OR (asks_taken = :gone_asks AND bids_taken = :gone_bids))"
ENOUGH = "units >= :wanted"
CONDITION = "ConditionalCheckFailed"


class DynamoPaperStore:
    """`client` is a boto3 DynamoDB client. Reads are strongly consistent: an answer decides what money does."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def order(self, id: str) -> Order | None:
        item = self._item(f"order#{id}", ORDER)
        return _order(item) if item else None

    def holding(self, instrument: Instrument) -> Holding:
        item = self._item(f"holdings#{instrument.market.value}", instrument.symbol)
        return _holding(item)

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

    def record(self, order: Order, before: Holding, after: Holding) -> Order | Holding | None:
        """One transaction; a lost reply that is sent again meets its own order, which is the answer then.

        Raises:
            UnknownOutcome: no answer came, so it may or may not have been written.
        """
        try:
            self._client.transact_write_items(TransactItems=self._writes(order, before, after))
        except self._client.exceptions.TransactionCanceledException as refused:
            return self._there(order, reasons(refused))
        except (ClientError, BotoCoreError) as fault:
            raise UnknownOutcome("the paper venue did not say", order=order.id, fault=type(fault).__name__) from fault
        return None

    def _there(self, order: Order, why: Sequence[Mapping[str, Any]]) -> Order | Holding:
        """What refused a write, as the refusal tells it; asked for where it only met another one's."""
        placed, held = why
        if placed.get("Code") == CONDITION:
            return _order(placed["Item"])
        if held.get("Code") == CONDITION:
            return _holding(held.get("Item", {}))
        try:
            return self.order(order.id) or self.holding(order.instrument)
        except Transient as silent:
            raise UnknownOutcome(silent.found, order=order.id) from silent

    def _item(self, pk: str, sk: str) -> Item:
        try:
            reply = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as fault:
            raise Transient("the paper venue's log does not answer", fault=type(fault).__name__) from fault
        item: Item = reply.get("Item", {})
        return item

    def _writes(self, order: Order, before: Holding, after: Holding) -> list[dict[str, Any]]:
        row = {"pk": to_wire(f"order#{order.id}"), "sk": to_wire(ORDER), "body": _json(order)}
        placed = put(self._table, row, "attribute_not_exists(pk)")
        return [{"Put": placed}, {"Update": self._held(order, before, after)}]

    def _held(self, order: Order, before: Holding, after: Holding) -> Request:
        """Units are added to what is there, so only what is gone from the book must be what the fill was made of."""
        key = {"pk": to_wire(f"holdings#{order.instrument.market.value}"), "sk": to_wire(order.instrument.symbol)}
        gone_asks, gone_bids = before.taken(after.book)
        values: dict[str, object] = {"book": after.book, "asks": after.asks_taken, "bids": after.bids_taken}
        values |= {"gone_asks": gone_asks, "gone_bids": gone_bids, "units": moved(order)}
        condition = UNTOUCHED
        if order.side is Side.SELL:
            condition, values["wanted"] = f"{UNTOUCHED} AND {ENOUGH}", order.quantity
        update = "SET book = :book, asks_taken = :asks, bids_taken = :bids ADD units :units"
        return expressed(self._table, key, update=update, condition=condition, values=values)


def _order(item: Item) -> Order:
    return msgspec.json.decode(item["body"]["S"], type=Order)


def _holding(item: Item) -> Holding:
    return read({"M": {name: item[name] for name in Holding.__struct_fields__}}, Holding) if item else Holding()


def _json(order: Order) -> dict[str, str]:
    return {"S": msgspec.json.encode(order).decode()}
