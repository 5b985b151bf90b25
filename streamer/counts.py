"""What one market did in a period, as one line of CloudWatch's embedded metric format."""

from __future__ import annotations

from core.adapters.logs import metric_line
from core.domain.engine import Engine
from core.domain.values import Market, Millis
from streamer.outbox import Outbox
from streamer.pump import Pump


class Counts:
    """Remembers the totals of the last period, because metrics are sums of what happened since."""

    def __init__(self, market: Market, stage: str) -> None:
        self._stage = stage
        self._dimensions = {"service": "streamer", "market": market.value}
        self._last: dict[str, int] = {}

    def lines(self, pump: Pump, engine: Engine, outbox: Outbox, at: Millis) -> list[str]:
        """Counts of what is new, one line; then latency, one line in ms. A period without trades has no latency.

        What did not happen is not written: CloudWatch takes money for every name that it hears in an hour.
        """
        totals = _totals(pump, engine, outbox)
        news = {name: total - self._last.get(name, 0) for name, total in totals.items()}
        fresh = {name: count for name, count in news.items() if count or name == "Frames"}
        self._last = totals
        lines = [metric_line(fresh, self._dimensions, at, stage=self._stage)]
        if pump.latency.count:
            spread = {"LatencyP50": pump.latency.quantile(0.50), "LatencyP99": pump.latency.quantile(0.99)}
            lines.append(metric_line(spread, self._dimensions, at, stage=self._stage, unit="Milliseconds"))
        return lines


def _totals(pump: Pump, engine: Engine, outbox: Outbox) -> dict[str, int]:
    return {
        "Subscribed": pump.added,
        "Unsubscribed": pump.removed,
        "Reconnects": pump.reconnects,
        "Gaps": pump.gaps,
        "Frames": pump.frames,
        "Surprises": pump.quarantine.count,
        "Complaints": pump.aside.complaints,
        "RefusedRegistrations": pump.aside.refused,
        "StrayAnswers": pump.strays,
        "GrownFrames": pump.aside.drifts,
        "Signals": outbox.signals.taken,
        "SignalsDropped": outbox.signals.dropped,
        "AlertsDropped": outbox.alerts.dropped,
        "SendFailures": outbox.signals.failures + outbox.alerts.failures,
        "LateTicks": engine.late,
        "DuplicateTicks": engine.duplicates,
        "SkippedVolume": engine.skipped,
        "SignalsTurnedAway": engine.turned_away,
    }
