"""Every 10 minutes: the Top N of the buyable set (C)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.rank import Ranked, run
from core.domain.values import Market
from functions._runtime import Event, Job

job = Job("rank", period_s=600)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, rank)


def rank(wiring: Wiring, market: Market) -> Ranked:
    done = run(wiring.lookout(market), wiring.leases, wiring.signals, wiring.news)
    job.told("rank", market, done)
    return done
