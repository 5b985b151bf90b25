"""Every minute: settles every open question (E8), and tells what nobody could handle (F5)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.sweep import run
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of
from functions._swept import dead_letters, told

job = Job("sweep", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    wiring = job.begin()
    try:
        return job.every_market(event, lambda wiring, market: sweep(wiring, market, context))
    finally:
        dead_letters(job, wiring)


def sweep(wiring: Wiring, market: Market, context: Any) -> Event:
    swept = run(desk_of(wiring, market, context), wiring.quotes(market))
    return told(job, swept, market)
