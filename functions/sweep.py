"""Every minute: settles every open question (E8), and tells what nobody could handle (F5)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.dead_letters import look
from core.app.sweep import run
from core.domain.errors import CoreError
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of

job = Job("sweep", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    try:
        return job.every_market(event, lambda wiring, market: sweep(wiring, market, context))
    finally:
        dead_letters()


def dead_letters() -> None:
    """After the markets, and whatever became of them. The queues are everybody's, so they are looked at once."""
    try:
        wiring = job.begin()
        found = look(wiring.dead_letters, wiring.alerts, wiring.clock())
    except CoreError as trouble:
        job.log.error("dead letters not looked at", outcome="failed", why=str(trouble))
        return
    for name, depth in found.items():
        job.log.error("dead letters", outcome="found", queue=name, messages=depth)


def sweep(wiring: Wiring, market: Market, context: Any) -> Event:
    swept = run(desk_of(wiring, market, context), wiring.quotes(market))
    for verdict in (*swept.resumed, *swept.exits):
        job.traded(verdict)
    for fault in swept.faults:
        job.log.error(fault.found, outcome="failed", instrument=str(fault.instrument))
    for adoption in swept.adopted:
        job.log.warning("position adopted", outcome="adopted", instrument=str(adoption.instrument))
    for each in swept.differs:
        facts: Event = {"booked": str(each.booked), "found": str(each.found)}
        job.log.error("the venue's books differ", outcome="differs", instrument=str(each.instrument), **facts)
    for what, why in (("holdings not compared", swept.uncounted), ("people not told", swept.untold)):
        if why:
            job.log.warning(what, outcome="failed", market=market.value, why=why)
    figures: Event = {"waiting": swept.waiting, "resumed": len(swept.resumed), "exits": len(swept.exits)}
    figures |= {"adopted": len(swept.adopted), "freed": len(swept.freed), "strays": len(swept.strays)}
    job.log.info("sweep", outcome="silent" if swept.silent else "swept", market=market.value, **figures)
    job.count(market, Resumed=len(swept.resumed))
    return figures
