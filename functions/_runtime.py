"""What every handler shares: its logger, its counts, its markets, and the refusal of a run that comes too late."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO, TypeVar, cast

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from core.adapters.logs import namespace
from core.adapters.wiring import Wiring, wired
from core.app.desk import Desk, Ending, Verdict
from core.domain.errors import CoreError
from core.domain.messages import Delivery
from core.domain.values import SECOND, Market, Millis

Event = dict[str, Any]
R = TypeVar("R")

REFUSED = frozenset({Ending.BUSY, Ending.HELD})
"""The lock was not granted: someone else is at it, or owns the symbol."""
EVERYWHERE = "all"
"""In place of a market: the figures of one function over all of them."""
UNASKED = REFUSED | {Ending.FLAT, Ending.REPEATED, Ending.UNCLEAR}


class Stdout:
    """The standard output of this very moment: some hosts (the embedded AWS, pytest) change it from call to call."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class Job:
    """One function's voice: `log` writes JSON lines, `count` writes metrics, both under the function's name.

    period_s  how often it is scheduled: a run that starts later than this after its time is refused, because the
              next one is there already (a market-open scan executed at lunch is worse than none); 0 for no schedule
    """

    def __init__(self, service: str, period_s: float = 0.0) -> None:
        self.service, self.period_s = service, period_s
        # The level is ours, not that of a LOG_LEVEL which the host may use for itself; Lambda's own setting still wins.
        self.log = Logger(service=service, level=logging.INFO, stream=cast(TextIO, Stdout()))

    def begin(self) -> Wiring:
        """The wiring for one call. What the adapters log comes out in this function's shape from here on, and once.

        Raises:
            Misconfigured: the settings have faults; no call goes on without them.
        """
        for name in ("core", "hoga"):
            adapters = logging.getLogger(name)
            adapters.handlers, adapters.propagate = [self.log.registered_handler], False
            adapters.setLevel(logging.INFO)
        wiring = wired()
        _ = wiring.settings
        return wiring

    def every_market(
        self, event: Event, use: Callable[[Wiring, Market], R], *, well: Callable[[R], bool] = lambda done: True
    ) -> Event:
        """Run a use case for each enabled market; one that fails does not keep the others from their turn.

        well  whether a run that raised nothing did its work; where one did not, the function is not heard to beat

        Raises:
            CoreError: the first failure, after all markets have had their turn.
        """
        wiring = self.begin()
        if late := lateness_s(event, wiring.clock(), self.period_s):
            self.log.warning("this run comes too late", outcome="refused", late_s=late)
            return {"refused": f"{late:.0f} s late"}
        answers: Event = {}
        failures: list[CoreError] = []
        good = True
        for market in asked(event, wiring.settings.enabled):
            try:
                done = use(wiring, market)
                answers[market.value], good = msgspec.to_builtins(done), good and well(done)
            except CoreError as failure:
                self.log.error(str(failure), outcome="failed", market=market.value, error=type(failure).__name__)
                failures.append(failure)
        if failures:
            raise failures[0]
        self.count(EVERYWHERE, Beats=int(good))
        return answers

    def told(self, message: str, market: Market, result: msgspec.Struct, **facts: Any) -> None:
        """One log line with everything that a use case says of itself."""
        self.log.info(message, **{**msgspec.to_builtins(result), "market": market.value, **facts})

    def count(self, market: str, facts: Mapping[str, str] | None = None, /, **values: int) -> None:
        """One metric line for the figures that are not 0; `facts` can be searched for, but split no metric."""
        if counted := {name: value for name, value in values.items() if value}:
            self.gauge(market, facts, **counted)

    def gauge(self, market: str, facts: Mapping[str, str] | None = None, /, **values: int) -> None:
        """The same where 0 is a figure too: an alarm takes what is missing for the worst."""
        metrics = EphemeralMetrics(namespace=namespace(wired().stage), service=self.service)
        metrics.add_dimension("market", str(market))
        for name, value in values.items():
            metrics.add_metric(name, MetricUnit.Count, value)
        for name, text in (facts or {}).items():
            metrics.add_metadata(name, text)
        metrics.flush_metrics()

    def delivered(self, delivery: Delivery, sent: bool) -> None:
        """Log and count one alert at one channel: sent, or kept back by its cooldown."""
        alert = delivery.alert
        market = alert.market or (alert.instrument.market if alert.instrument else "system")
        facts: Event = {
            "channel": delivery.channel,
            "kind": alert.kind.value,
            "instrument": str(alert.instrument or ""),
        }
        self.log.info("alert", outcome="sent" if sent else "suppressed", key=alert.id, **facts)
        self.count(market, AlertsSent=sent, AlertsSuppressed=not sent)

    def traded(self, verdict: Verdict) -> None:
        """Log and count what became of one signal or of one sale."""
        market, outcome = verdict.instrument.market, verdict.outcome
        write = self.log.warning if outcome in REFUSED or verdict.limit else self.log.info
        write(
            "signal handled",
            outcome=outcome.value,
            instrument=str(verdict.instrument),
            key=verdict.signal,
            detail=verdict.detail,
            limit=verdict.limit,
            fence=verdict.fence,
            order=verdict.order.id if verdict.order else "",
            untold=[alert.id for alert in verdict.untold],
        )
        self.count(
            market,
            LocksGranted=bool(verdict.fence) and outcome not in UNASKED,
            LocksRefused=outcome in REFUSED,
            Buys=outcome is Ending.BOUGHT,
            OrdersUnknown=outcome is Ending.UNKNOWN,
        )
        if verdict.trip:
            self.count(market, {"reason": verdict.trip.exit}, Sells=1)


def asked(event: Event, enabled: Iterable[Market]) -> list[Market]:
    """The markets that a run is about: the one that its schedule names, where that is switched on, else all that are.

    >>> asked({"market": "krx"}, [Market.UPBIT]), asked({}, [Market.UPBIT])
    ([], [<Market.UPBIT: 'upbit'>])
    """
    return [market for market in enabled if event.get("market", market.value) == market.value]


def lateness_s(event: Event, at: Millis, period_s: float) -> float:
    """Seconds by which a scheduled run comes too late, 0 where it does not.

    Without `scheduled` in the event (a hand, a queue) a run is never late; a placeholder that the scheduler did not
    fill in is no time either.

    >>> lateness_s({"scheduled": "1970-01-01T00:00:10Z"}, Millis(80_000), 60.0)
    70.0
    >>> lateness_s({"scheduled": "1970-01-01T00:00:10Z"}, Millis(70_000), 60.0)
    0.0
    """
    scheduled = str(event.get("scheduled", ""))
    if not period_s or not scheduled or scheduled.startswith("<"):
        return 0.0
    late_s = at / SECOND - datetime.fromisoformat(scheduled).timestamp()
    return late_s if late_s > period_s else 0.0


def desk_of(wiring: Wiring, market: Market, context: Any) -> Desk:
    """The desk of this very call. A lock lasts one second longer than the call can: nobody else acts while it may."""
    owner = f"{context.function_name}/{context.aws_request_id}"
    return wiring.desk(market, owner, Millis(context.get_remaining_time_in_millis() + SECOND))
