"""Signals and alerts on SQS, ten at a time; and how many messages lie where nobody could handle them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import Misconfigured, Transient
from core.domain.messages import Alert, Delivery
from core.domain.signals import Signal

BATCH = 10
TRIES = 3
MENDED_BY_A_PERSON = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "AccessDenied", "AccessDeniedException", "QueueDoesNotExist"}
)

MALFORMED = frozenset(
    {
        "InvalidMessageContents",
        "InvalidParameterValue",
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
    }
)
"""The whole batch was refused for what stands in it: sent one by one, all but the culprit get through."""

log = logging.getLogger(__name__)

Entry = dict[str, Any]


class SqsSignals:
    """FIFO: one group for each instrument keeps its signals in order, the signal's id makes a repeat harmless."""

    def __init__(self, url: str, client: Any) -> None:
        self._url = url
        self._client = client

    def send(self, signals: Sequence[Signal]) -> None:
        """All of them, or Transient; sending them again after that is safe."""
        entries = [
            {
                "MessageBody": _json(signal),
                "MessageGroupId": str(signal.instrument),
                "MessageDeduplicationId": signal.id,
            }
            for signal in signals
        ]
        post(self._client, self._url, entries)


class SqsAlerts:
    """A standard queue, one message for each channel; the group makes it a fair queue: no channel starves another."""

    def __init__(self, url: str, client: Any, channels: Sequence[str]) -> None:
        self._url = url
        self._client = client
        self._channels = tuple(channels)

    def send(self, alerts: Iterable[Alert]) -> None:
        """All of them, or Transient; a repeat is stopped by the cooldown."""
        deliveries = [Delivery(channel, alert) for alert in alerts for channel in self._channels]
        entries = [{"MessageBody": _json(each), "MessageGroupId": each.channel} for each in deliveries]
        post(self._client, self._url, entries)


class SqsDeadLetters:
    """The queues of what was given up on; `urls` by the name that people are told."""

    def __init__(self, urls: Mapping[str, str], client: Any) -> None:
        self._urls = urls
        self._client = client

    def depths(self) -> dict[str, int]:
        """Messages by queue. Raises Transient or Misconfigured."""
        return {name: self._depth(url) for name, url in self._urls.items()}

    def _depth(self, url: str) -> int:
        try:
            reply = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        except ClientError as fault:
            raise _told(fault.response["Error"]["Code"]) from fault
        except BotoCoreError as fault:
            raise Transient("the queue does not answer", fault=type(fault).__name__) from fault
        return int(reply["Attributes"]["ApproximateNumberOfMessages"])


def post(client: Any, url: str, entries: Sequence[Entry]) -> None:
    """Send in batches of ten; what the queue did not take is sent again, by itself.

    What it calls malformed would be so the next time too: it is dropped with an error in the log, and holds up nothing.

    Raises:
        Transient: some were not taken after TRIES attempts, or the queue does not answer.
        Misconfigured: there is no such queue, or we may not use it.
    """
    for start in range(0, len(entries), BATCH):
        left = list(entries[start : start + BATCH])
        for _ in range(TRIES):
            left = _send(client, url, left)
            if not left:
                break
        else:
            raise Transient("the queue did not take every message", left=len(left) + len(entries[start + BATCH :]))


def _send(client: Any, url: str, entries: Sequence[Entry]) -> list[Entry]:
    """One batch; returns what was not taken, in order."""
    numbered = [{"Id": str(number), **entry} for number, entry in enumerate(entries)]
    try:
        reply = client.send_message_batch(QueueUrl=url, Entries=numbered)
    except ClientError as fault:
        code = fault.response["Error"]["Code"]
        if code not in MALFORMED:
            raise _told(code) from fault
        return _one_by_one(client, url, entries, code)
    except BotoCoreError as fault:
        raise Transient("the queue does not answer", fault=type(fault).__name__) from fault
    failed = reply.get("Failed", [])
    for each in failed:
        if each["SenderFault"]:
            _dropped(entries[int(each["Id"])], each["Code"])
    return [entries[number] for number in sorted(int(each["Id"]) for each in failed if not each["SenderFault"])]


def _one_by_one(client: Any, url: str, entries: Sequence[Entry], code: str) -> list[Entry]:
    if len(entries) == 1:
        _dropped(entries[0], code)
        return []
    return [left for entry in entries for left in _send(client, url, [entry])]


def _dropped(entry: Entry, code: str) -> None:
    extra = {"outcome": "dropped", "code": code, "group": entry.get("MessageGroupId", ""), "body": entry["MessageBody"]}
    log.error("the queue calls a message malformed", extra=extra)


def _told(code: str) -> Misconfigured | Transient:
    if code in MENDED_BY_A_PERSON:
        return Misconfigured("the queue cannot be used", code=code)
    return Transient("the queue does not answer", code=code)


def _json(value: Signal | Delivery) -> str:
    return msgspec.json.encode(value).decode()
