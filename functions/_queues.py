"""How the functions behind a queue answer: each message on its own, what failed goes back, and why is logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BasePartialBatchProcessor, process_partial_response
from aws_lambda_powertools.utilities.batch.exceptions import SQSFifoMessageGroupCircuitBreakerError

from core.adapters.returns import SqsReturns
from core.domain.errors import CoreError, Misconfigured, RateLimited, Superseded
from functions._runtime import Event, Job


def answer(
    job: Job,
    processor: BasePartialBatchProcessor,
    event: Event,
    use: Callable[..., None],
    context: Any,
    *,
    returns: Callable[[], SqsReturns] | None = None,
) -> Event:
    """Hand each record to `use(record, lambda_context)`; what raises is reported back and delivered again.

    returns  the queue, where its messages must come back within seconds; None leaves them hidden for the queue's time

    Raises:
        Misconfigured: the settings have faults. They are read first, so that the call fails loudly and not one message
            after the other in silence.
    """
    job.begin()
    processor.raise_on_entire_batch_failure = False
    reply: Event = dict(process_partial_response(event, use, processor, context))
    for (_, failure, _), record in zip(processor.exceptions, processor.fail_messages, strict=True):
        _tell(job, failure, record)
    if returns is not None:
        for (_, failure, _), record in zip(processor.exceptions, processor.fail_messages, strict=True):
            _show(job, returns, record, failure)
    return reply


def _show(job: Job, returns: Callable[[], SqsReturns], record: Any, failure: BaseException | None) -> None:
    """Let it be delivered again soon. Where that fails it comes back late, and whoever reads the log is told."""
    deliveries = int(record.attributes.approximate_receive_count or 1)
    asked_ms = (failure.after_ms or 0) if isinstance(failure, RateLimited) else 0
    try:
        returns().again(record.receipt_handle, deliveries, asked_ms)
    except CoreError as fault:
        job.log.warning(str(fault), outcome="late", key=record.message_id, error=type(fault).__name__)


def _tell(job: Job, failure: BaseException | None, record: Any) -> None:
    facts: Event = {"outcome": "returned", "key": record.message_id, "error": type(failure).__name__}
    match failure:
        case Superseded() | SQSFifoMessageGroupCircuitBreakerError():
            job.log.info(str(failure), **facts)
        case Misconfigured():
            job.log.error(str(failure), **facts)
        case CoreError():
            job.log.warning(str(failure), **facts)
        case _:
            job.log.error(str(failure), exc_info=failure, **facts)
