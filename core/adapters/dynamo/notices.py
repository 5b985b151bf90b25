"""Own-order notices in the state table: under `notice#MARKET:SYMBOL`, in the order in which they came."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from core.adapters.dynamo.calls import Caller, Dice, Pause
from core.adapters.dynamo.expressions import asked
from core.adapters.dynamo.items import read, to_wire
from core.domain.events import OrderNotice
from core.domain.values import Instrument, Millis

KEPT_S = 3 * 86_400
"""An order's day and a weekend: by then the venue's list has said it all."""


class DynamoNotices:
    """Implements ports.Notices and ports.NoticeBoard. The account is not kept: everything here is ours."""

    def __init__(self, table: str, client: Any, *, pause: Pause = time.sleep, dice: Dice = random.random) -> None:
        self._table, self._client = table, client
        self._call = Caller(pause, dice)

    def put(self, notices: Sequence[OrderNotice]) -> None:
        """The same notices again write the same rows. Two of one moment that are alike are two."""
        alike: Counter[str] = Counter()
        for notice in notices:
            name = f"{notice.seen:015d}#{notice.order}#{notice.kind.value}#{notice.quantity:f}#{notice.price:f}"
            item = {
                "pk": to_wire(_home(notice.instrument)),
                "sk": to_wire(f"{name}#{alike[name]}"),
                "body": to_wire(replace(notice, account="")),
                "expires": to_wire(notice.seen // 1000 + KEPT_S),
            }
            alike[name] += 1
            self._call(self._client.put_item, {"TableName": self._table, "Item": item})

    def about(self, instrument: Instrument, since: Millis) -> list[OrderNotice]:
        values: dict[str, object] = {"home": _home(instrument), "since": f"{since:015d}"}
        request = asked(self._table, "pk = :home AND sk >= :since", values) | {"ConsistentRead": True}
        found: list[OrderNotice] = []
        while True:
            page = self._call(self._client.query, request)
            found += [read(item["body"], OrderNotice) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _home(instrument: Instrument) -> str:
    return f"notice#{instrument}"
