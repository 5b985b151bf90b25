"""Every minute near a market's day end: sells everything that must not be held over it (E6)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app.liquidate import run
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of

job = Job("liquidate", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, lambda wiring, market: liquidate(wiring, market, context))


def liquidate(wiring: Wiring, market: Market, context: Any) -> Event:
    done = run(desk_of(wiring, market, context))
    for verdict in done.verdicts:
        job.traded(verdict)
    figures: Event = {"outcome": done.outcome.value, "cancelled": done.cancelled, "sold": done.sold}
    figures |= {"left": {symbol: str(units) for symbol, units in done.left.items()}}
    write = job.log.error if done.left else job.log.info
    write("liquidation", market=market.value, **figures)
    job.count(market, Liquidated=done.sold)
    return figures
