"""A broker's log of what it sent, in the ledger table: rows as in core/adapters/dynamo/takings.py, for ever."""

from __future__ import annotations

import random
import time
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from core.adapters.dynamo import takings
from core.adapters.dynamo.calls import Caller, Dice, Pause, is_cancelled, is_condition, old_item, reasons
from core.adapters.dynamo.expressions import expressed
from core.adapters.dynamo.items import Item, halt_key, read, text
from core.domain.errors import OrderExecutionError
from core.domain.sendings import Fate, Sending, Taking
from core.domain.values import Side

CONDITION = "ConditionalCheckFailed"


class DynamoSendings:
    """Implements ports.Sendings. `client` has no retries of its own (core/adapters/dynamo/calls.py)."""

    def __init__(self, table: str, client: Any, *, pause: Pause = time.sleep, dice: Dice = random.random) -> None:
        self._table, self._client = table, client
        self._call = Caller(pause, dice)

    def read(self, order: str) -> Sending | None:
        request = {"TableName": self._table, "Key": takings.log_key(order), "ConsistentRead": True}
        item: Item = self._call(self._client.get_item, request).get("Item", {})
        return read(item["body"], Sending) if item else None

    def write(self, sending: Sending) -> bool:
        """A reply that was lost meets its own write when the same is asked again: the nonce tells that it is ours.

        A buy is noted as sent together with a look at all halts that could stop it (E10): the last write before it
        leaves, and no round trip more.
        """
        nonce = uuid4().hex
        if sending.fate is Fate.SENT and sending.side is Side.BUY:
            return self._unhalted(sending, nonce)
        try:
            self._call(self._client.update_item, takings.logged(self._table, sending, nonce))
        except ClientError as refused:
            if not is_condition(refused):
                raise
            return text(old_item(refused) or {}, "nonce") == nonce
        return True

    def _unhalted(self, sending: Sending, nonce: str) -> bool:
        on = sending.instrument
        scopes = ("all", on.market.value, str(on))
        checks = [
            {"ConditionCheck": expressed(self._table, halt_key(scope), condition="attribute_not_exists(pk)")}
            for scope in scopes
        ]
        writes = [{"Update": takings.logged(self._table, sending, nonce)}, *checks]
        try:
            self._call(self._client.transact_write_items, {"TransactItems": writes, "ClientRequestToken": nonce})
        except ClientError as refused:
            if not is_cancelled(refused):
                raise
            noted, *halts = reasons(refused)
            if noted.get("Code") == CONDITION:
                return text(noted.get("Item", {}), "nonce") == nonce
            for scope, why in zip(scopes, halts, strict=True):
                if why.get("Code") == CONDITION:
                    reason = text(why.get("Item", {}), "reason")
                    raise OrderExecutionError(f"never sent: halted, {scope}: {reason}") from refused
            raise
        return True

    def claim(self, sending: Sending, identity: str) -> bool:
        """One transaction under a token of its own: asked twice, it is carried out once."""
        nonce = uuid4().hex
        writes = [*takings.legs(self._table, Taking(sending=sending, identity=identity), nonce).values()]
        try:
            self._call(self._client.transact_write_items, {"TransactItems": writes, "ClientRequestToken": nonce})
        except ClientError as refused:
            if not is_cancelled(refused):
                raise
            return False
        return True
