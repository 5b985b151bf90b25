"""Messages that a function could not handle yet: how soon their queue shows them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient

STEPS_S = (1, 2, 3)
"""Pause before the second, third and every further delivery. A FIFO group stands still while one of it is hidden, and
an exit is worth nothing once it has expired: the queue's own two minutes are for functions that died."""


ALERT_STEPS_S = (2, 5, 15, 60, 180)
"""The same for an alert: soon where a chat service was busy for a moment, and patient where it is down."""


def pause_s(deliveries: int, steps_s: Sequence[int] = STEPS_S) -> int:
    """Seconds to hide a message that has been delivered so often (1 is the first time).

    >>> [pause_s(deliveries) for deliveries in (0, 1, 2, 3, 20)]
    [1, 1, 2, 3, 3]
    """
    return steps_s[min(max(deliveries, 1), len(steps_s)) - 1]


class SqsReturns:
    """A queue that is told when to show single messages again, by its own steps."""

    def __init__(self, url: str, client: Any, steps_s: Sequence[int] = STEPS_S) -> None:
        self._url, self._client, self._steps_s = url, client, steps_s

    def again(self, receipt: str, deliveries: int, asked_ms: int = 0) -> None:
        """Show a message that has been delivered so often after its step, or after the pause that was asked for."""
        self.show(receipt, max(pause_s(deliveries, self._steps_s), -(-asked_ms // 1000)))

    def show(self, receipt: str, after_s: int) -> None:
        """Hide the message of this receipt handle for so many seconds from now on.

        Raises:
            Transient: the queue did not do it; the message comes back after the queue's own time.
        """
        try:
            self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=after_s)
        except ClientError as fault:
            raise Transient("the message comes back late", code=fault.response["Error"]["Code"]) from fault
        except BotoCoreError as fault:
            raise Transient("the message comes back late", fault=type(fault).__name__) from fault
