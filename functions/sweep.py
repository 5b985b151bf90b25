"""Every minute: settles every open question (E8)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.sweep import run
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of

job = Job("sweep", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, lambda wiring, market: sweep(wiring, market, context))


def sweep(wiring: Wiring, market: Market, context: Any) -> Event:
    swept = run(desk_of(wiring, market, context), wiring.quotes(market))
    for verdict in (*swept.resumed, *swept.exits):
        job.traded(verdict)
    for fault in swept.faults:
        job.log.error(fault.found, outcome="failed", instrument=str(fault.instrument))
    for adoption in swept.adopted:
        job.log.warning("position adopted", outcome="adopted", instrument=str(adoption.instrument))
    figures: Event = {"waiting": swept.waiting, "resumed": len(swept.resumed), "exits": len(swept.exits)}
    figures |= {"adopted": len(swept.adopted), "freed": len(swept.freed), "strays": len(swept.strays)}
    job.log.info("sweep", outcome="silent" if swept.silent else "swept", market=market.value, **figures)
    job.count(market, Resumed=len(swept.resumed))
    return figures
