"""Messages that a function could not handle yet: how soon their queue shows them again."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Transient

STEPS_S = (1, 2, 3)
"""Pause before the second, third and every further delivery. A FIFO group stands still while one of it is hidden, and
an exit is worth nothing once it has expired: the queue's own two minutes are for functions that died."""


def pause_s(deliveries: int) -> int:
    """Seconds to hide a message that has been delivered so often (1 is the first time).

    >>> [pause_s(deliveries) for deliveries in (0, 1, 2, 3, 20)]
    [1, 1, 2, 3, 3]
    """
    return STEPS_S[min(max(deliveries, 1), len(STEPS_S)) - 1]


class SqsReturns:
    """A queue that is told when to show single messages again."""

    def __init__(self, url: str, client: Any) -> None:
        self._url, self._client = url, client

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
