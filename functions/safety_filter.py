"""Every hour, and before a market opens: what may be bought at all (A)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.safety import Filtered, Filtering, run
from core.domain.values import Market
from functions._runtime import Event, Job

job = Job("safety_filter", period_s=3600)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, refresh)


def refresh(wiring: Wiring, market: Market) -> Filtered:
    done = run(wiring.lookout(market), wiring.leases, wiring.signals)
    job.told("safety filter", market, done)
    job.count(market, SafetyFailures=done.outcome is Filtering.KEPT)
    return done
