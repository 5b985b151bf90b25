"""Every minute: settles every open question (E8), tells what nobody could handle, and feeds the alarms (F5)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.sweep import run
from core.app.watchman import Watch, look
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of
from functions._swept import dead_letters, told, watched

job = Job("sweep", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    wiring = job.begin()
    seen: list[tuple[Watch, bool]] = []
    try:
        return job.every_market(event, lambda wiring, market: sweep(wiring, market, context, seen))
    finally:
        dead_letters(job, wiring)
        watched(job, seen, of=len(wiring.settings.enabled))


def sweep(wiring: Wiring, market: Market, context: Any, seen: list[tuple[Watch, bool]]) -> Event:
    desk = desk_of(wiring, market, context)
    swept = run(desk, wiring.quotes(market))
    seen.append((look(desk), swept.silent))
    return told(job, swept, market)
