"""News for anyone outside: EventBridge. Our own parts read the level instead, so a lost event does no harm (C2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient
from core.domain.values import Market, Millis

SOURCE = "hoga"
SYMBOLS_UPDATED = "symbols_updated"


class EventBridgeNews:
    """Implements `ports.News` with one `put_events` call. Raises Transient where the bus did not take the event."""

    def __init__(self, bus: str, client: Any) -> None:
        self._bus, self._client = bus, client

    def publish(self, market: Market, added: Sequence[str], removed: Sequence[str], version: int, at: Millis) -> None:
        detail = {"market": market.value, "added": list(added), "removed": list(removed), "version": version, "at": at}
        entry = {
            "Source": SOURCE,
            "DetailType": SYMBOLS_UPDATED,
            "Detail": msgspec.json.encode(detail).decode(),
            "EventBusName": self._bus,
        }
        try:
            reply = self._client.put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as trouble:
            raise Transient("the event bus did not answer", bus=self._bus, why=trouble) from trouble
        if reply["FailedEntryCount"]:
            row = reply["Entries"][0]
            raise Transient("the event bus refused the news", bus=self._bus, why=row.get("ErrorMessage", "no reason"))
