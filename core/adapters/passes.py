"""Second passes (mode B): a message to ourselves that stays invisible until it is time."""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient
from core.domain.values import Market, Millis

LONGEST_S = 900
"""SQS delays a message no longer than this."""


class Pass(msgspec.Struct, frozen=True):
    """The message: scan this market once more. `asked` is when the first pass began."""

    market: Market
    asked: Millis


class SqsPasses:
    """Implements `ports.Passes` on a standard queue."""

    def __init__(self, url: str, client: Any) -> None:
        self._url, self._client = url, client

    def ask(self, market: Market, after_s: float, at: Millis) -> None:
        """Raises Transient where the queue did not take it: one pass less, the next schedule scans anyhow."""
        body = msgspec.json.encode(Pass(market, at)).decode()
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=min(round(after_s), LONGEST_S))
        except (BotoCoreError, ClientError) as trouble:
            raise Transient("the second pass could not be asked for", market=market.value, why=trouble) from trouble
