"""Alerts from their queue: Telegram, Discord, log (F)."""

import time
from typing import Any

import msgspec
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core.adapters.wiring import wired
from core.app.notify import Delivered, deliver
from core.domain.messages import Delivery
from functions._queues import answer
from functions._runtime import Event, Job

job = Job("notify")
processor = BatchProcessor(event_type=EventType.SQS)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return answer(job, processor, event, tell, context, returns=lambda: wired().alert_returns)


def tell(record: SQSRecord, lambda_context: Any) -> None:
    wiring, delivery = wired(), msgspec.json.decode(record.body, type=Delivery)
    outcome = deliver(
        delivery,
        notifiers=wiring.notifiers,
        cooldowns=wiring.cooldowns,
        picture=wiring.picture,
        pause=time.sleep,
        cooldown_ms=round(wiring.settings.notify.cooldown_s * 1000),
        at=wiring.clock(),
    )
    job.delivered(delivery, outcome is Delivered.SENT)
