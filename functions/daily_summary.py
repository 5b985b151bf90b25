"""After each market's day end: the day's results, once (G)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.summary import run
from core.domain.values import Market
from functions._runtime import Event, Job

job = Job("daily_summary", period_s=300)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, summarise)


def summarise(wiring: Wiring, market: Market) -> list[str]:
    stores: Event = {"shelf": wiring.shelf, "ledger": wiring.ledger, "alerts": wiring.alerts}
    language = wiring.settings.language.value
    days, policy = wiring.days(market), wiring.policy(market)
    reports = run(market, policy, days=days, **stores, language=language, at=wiring.clock())
    for report in reports:
        job.told("daily summary", market, report, outcome="written", curve=len(report.curve))
    job.count(market, Summaries=len(reports))
    return [report.day for report in reports]
