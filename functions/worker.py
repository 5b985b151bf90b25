"""Signals from the FIFO queue: buys and sells, one symbol at a time (E)."""

from typing import Any

import msgspec
from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core.adapters.wiring import wired
from core.app.desk import insist
from core.app.trade import handle
from core.domain.signals import Signal
from functions._queues import answer
from functions._runtime import Event, Job, desk_of

job = Job("worker")
processor = SqsFifoPartialProcessor(skip_group_on_error=True)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return answer(job, processor, event, trade, context, returns=lambda: wired().returns)


def trade(record: SQSRecord, lambda_context: Any) -> None:
    signal = msgspec.json.decode(record.body, type=Signal)
    verdict = handle(signal, desk_of(wired().carrying_out(), signal.instrument.market, lambda_context))
    job.traded(verdict)
    insist(verdict)
