"""Every minute: sells what must not be held over a market's day end (E6), and what a kill switch says (E10)."""

from typing import Any

from core.adapters.wiring import Wiring
from core.app import flatten
from core.app.liquidate import Liquidated, run
from core.domain.values import Market
from functions._runtime import Event, Job, desk_of

job = Job("liquidate", period_s=60)


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    return job.every_market(event, lambda wiring, market: liquidate(wiring, market, context))


def liquidate(wiring: Wiring, market: Market, context: Any) -> Event:
    """The kill switch first: it was a person's word. What cannot be sold on one market keeps no other waiting."""
    enabled = wiring.settings.enabled
    others = len(enabled) - enabled.index(market) - 1
    flattening = flatten.run(desk_of(wiring, market, context), others)
    scopes = {each.scope: told(market, each.done, scope=each.scope) for each in flattening}
    figures = told(market, run(desk_of(wiring, market, context), others))
    return figures | ({"flatten": scopes} if scopes else {})


def told(market: Market, done: Liquidated, **facts: Any) -> Event:
    """One line for each attempt and one for the run; returns its figures."""
    for verdict in done.verdicts:
        job.traded(verdict)
    write = job.log.error if done.left or done.unproven else job.log.info
    write("liquidation", market=market.value, **done.figures, **facts)
    job.count(market, Liquidated=done.sold)
    return done.figures
