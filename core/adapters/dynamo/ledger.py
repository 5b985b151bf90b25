"""Orders, round trips, workers, accounts and halts in DynamoDB: reading, and the writes that need no symbol lock."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import ClientError

from core.adapters.dynamo.accounts import corrected
from core.adapters.dynamo.calls import Caller, Dice, Pause, is_condition
from core.adapters.dynamo.expressions import Request, asked, expressed, put
from core.adapters.dynamo.items import (
    NEWS,
    Item,
    account_key,
    currency_key,
    day_account_key,
    day_key,
    halt_key,
    news_key,
    number,
    order_key,
    order_row,
    read,
    text,
    to_wire,
    total_key,
    untold_key,
    worker_key,
    worker_of,
    worker_row,
)
from core.adapters.moves import moved as say
from core.app.ports import Account, Total
from core.domain.messages import Alert
from core.domain.orders import Order
from core.domain.positions import RoundTrip
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker, move

T = TypeVar("T")


class DynamoLedger:
    """Implements `core.app.ports.Ledger`; every method raises Transient where the table does not answer."""

    def __init__(self, table: str, client: Any, *, pause: Pause = time.sleep, dice: Dice = random.random) -> None:
        self._table = table
        self._client = client
        self._call = Caller(pause, dice)

    def workers(self, market: Market) -> list[Worker]:
        rows = self._query("pk = :hash", {"hash": f"worker#{market.value}"}, consistent=True)
        return [worker_of(row, market) for row in rows]

    def register(self, worker: Worker) -> bool:
        request = put(self._table, worker_row(worker), "attribute_not_exists(pk) OR #status = :exit")
        request |= {"ExpressionAttributeNames": {"#status": "status"}}
        request |= {"ExpressionAttributeValues": {":exit": to_wire(Status.EXIT.value)}}
        registered = self._written(self._client.put_item, request)
        if registered:
            say(worker.market, worker.id, worker.status.value)
        return registered

    def beat(self, worker: Worker, at: Millis) -> bool:
        request = expressed(
            self._table,
            worker_key(worker.market, worker.id),
            update="SET heartbeat = :at",
            condition="#status = :was AND #symbol = :symbol AND heartbeat = :beat",
            values={"at": at, "was": worker.status.value, "symbol": worker.symbol, "beat": worker.heartbeat},
        )
        return self._written(self._client.update_item, request)

    def move(self, worker: Worker, to: Status, at: Millis, note: str = "") -> bool:
        """On condition that the worker is as it was read: status, symbol and heartbeat."""
        moved = move(worker, to, at, note=note)
        request = expressed(
            self._table,
            worker_key(worker.market, worker.id),
            update="SET #status = :to, #symbol = :held, heartbeat = :at, note = :note",
            condition="#status = :was AND #symbol = :symbol AND heartbeat = :beat",
            values={
                "to": moved.status.value,
                "note": note,
                "held": moved.symbol,
                "at": at,
                "was": worker.status.value,
                "symbol": worker.symbol,
                "beat": worker.heartbeat,
            },
        )
        written = self._written(self._client.update_item, request)
        if written:
            say(worker.market, worker.id, to.value, was=worker.status.value, symbol=worker.symbol, why=note)
        return written

    def account(self, market: Market, day: str) -> Account:
        taken, realised = self._get(account_key(market)), self._get(day_account_key(market, day))
        return Account(
            exposure=number(taken, "exposure"),
            positions=int(number(taken, "positions")),
            realised=number(realised, "realised"),
            streak=int(number(realised, "streak")),
            lost=Millis(int(number(realised, "lost"))),
        )

    def exposure(self, currency: str) -> Decimal:
        return number(self._get(currency_key(currency)), "exposure")

    def total(self, of: Market | str) -> Total:
        row = self._get(total_key(of))
        return Total(
            exposure=number(row, "exposure"), positions=int(number(row, "positions")), moves=int(number(row, "moves"))
        )

    def correct(self, of: Market | str, was: Total, exposure: Decimal, positions: int) -> bool:
        return self._written(self._client.update_item, corrected(self._table, of, was, exposure, positions))

    def order(self, key: str) -> Order | None:
        row = self._get(order_key(key))
        return read(row["body"], Order) if row else None

    def close(self, order: Order, was: Order, day: str) -> bool:
        request = put(self._table, order_row(order, day), "body = :was")
        request |= {"ExpressionAttributeValues": {":was": to_wire(was)}}
        return self._written(self._client.put_item, request)

    def open_orders(self, market: Market) -> list[Order]:
        rows = self._query("#open = :hash", {"hash": market.value}, index="by_open")
        return sorted((read(row["body"], Order) for row in rows), key=lambda order: (order.at, order.id))

    def untold(self, market: Market) -> list[tuple[str, Alert]]:
        rows = self._query("#open = :hash", {"hash": untold_key(market)}, index="by_open")
        return [
            (text(row, "sk").removeprefix("order#"), msgspec.json.decode(text(row, "news"), type=Alert)) for row in rows
        ]

    def told(self, key: str) -> None:
        if key.startswith(NEWS):
            self._call(self._client.delete_item, {"TableName": self._table, "Key": news_key(key)})
            return
        request = expressed(
            self._table, order_key(key), update="REMOVE #open, news", condition="attribute_exists(news)"
        )
        self._written(self._client.update_item, request)

    def orders(self, market: Market, day: str) -> list[Order]:
        return sorted(self._of_day(market, day, "order#", Order), key=lambda order: (order.at, order.id))

    def trips(self, market: Market, day: str) -> list[RoundTrip]:
        return sorted(self._of_day(market, day, "trip#", RoundTrip), key=lambda trip: (trip.closed, trip.id))

    def halted(self, market: Market, symbol: str = "") -> str:
        reasons = self.halts()
        return reasons.get("all") or reasons.get(market.value) or reasons.get(str(Instrument(market, symbol)), "")

    def halts(self) -> dict[str, str]:
        return {text(row, "sk"): text(row, "reason") for row in self._halts()}

    def flattening(self) -> dict[str, str]:
        return {text(row, "sk"): text(row, "reason") for row in self._halts() if "sells" in row}

    def halt(self, scope: str, reason: str, at: Millis, *, sells: bool = False) -> None:
        """A halt that is given again keeps what is still to be sold."""
        update = "SET #reason = :reason, #at = :at" + (", sells = :at" if sells else "")
        request = expressed(self._table, halt_key(scope), update=update, values={"reason": reason, "at": at})
        self._call(self._client.update_item, request)

    def flattened(self, scope: str) -> None:
        request = expressed(
            self._table, halt_key(scope), update="REMOVE sells", condition="attribute_exists(sells)", values=None
        )
        self._written(self._client.update_item, request)

    def resume(self, scope: str) -> None:
        self._call(self._client.delete_item, {"TableName": self._table, "Key": halt_key(scope)})

    def _halts(self) -> Iterator[Item]:
        return self._query("pk = :hash", {"hash": "halt"}, consistent=True)

    def _of_day(self, market: Market, day: str, kind: str, wanted: type[T]) -> list[T]:
        values: dict[str, object] = {"hash": day_key(market, day), "kind": kind}
        rows = self._query("#day = :hash AND begins_with(sk, :kind)", values, index="by_day")
        return [read(row["body"], wanted) for row in rows]

    def _get(self, key: Item) -> Item:
        request = {"TableName": self._table, "Key": key, "ConsistentRead": True}
        item: Item = self._call(self._client.get_item, request).get("Item", {})
        return item

    def _query(
        self, condition: str, values: dict[str, object], *, index: str = "", consistent: bool = False
    ) -> Iterator[Item]:
        """Every row, page after page. An index is read as it comes: it may be a moment behind."""
        request = asked(self._table, condition, values) | {"ConsistentRead": consistent}
        request |= {"IndexName": index} if index else {}
        while True:
            page = self._call(self._client.query, request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _written(self, call: Any, request: Request) -> bool:
        try:
            self._call(call, request)
        except ClientError as refused:
            if not is_condition(refused):
                raise
            return False
        return True
