"""After each market's day end: the day's results, once; and those of all markets once each has its own (G)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.summary import overall, run
from core.domain.values import Market
from functions._runtime import Event, Job

job = Job("daily_summary", period_s=300)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    answers = job.every_market(event, summarise)
    return answers if "refused" in answers else {**answers, **sum_up(job.begin())}


def summarise(wiring: Wiring, market: Market) -> list[str]:
    stores: Event = {"shelf": wiring.shelf, "ledger": wiring.ledger, "alerts": wiring.alerts}
    language = wiring.settings.language.value
    days, policy = wiring.days(market), wiring.policy(market)
    reports = run(market, policy, days=days, **stores, language=language, at=wiring.clock())
    for report in reports:
        job.told("daily summary", market, report, outcome="written", curve=len(report.curve))
    job.count(market, Summaries=len(reports))
    return [report.day for report in reports]


def sum_up(wiring: Wiring) -> Event:
    """Nothing where there is only one market, or no day that all of them have behind them."""
    settings, stores = wiring.settings, Event(shelf=wiring.shelf, alerts=wiring.alerts)
    markets = {market: wiring.days(market) for market in settings.enabled}
    written = overall(markets, settings.results, **stores, language=settings.language.value, at=wiring.clock())
    return {"all": [one.day for one in written]} if written else {}
