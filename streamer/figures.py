"""How one market's stream is doing, measured live: for people, and once a minute for CloudWatch (D12)."""

from __future__ import annotations

from core.adapters.logs import metric_line
from core.domain.engine import Engine
from core.domain.levels import LinkHealth, StreamFigures
from core.domain.values import Millis
from core.feed.latency import Latency
from streamer.outbox import Outbox
from streamer.pump import Pump
from streamer.rounds import Rounds


def figures(pump: Pump, engine: Engine, outbox: Outbox, rounds: Rounds, host: str, at: Millis) -> StreamFigures:
    """What is known now."""
    continuity, relief = rounds.continuity, rounds.relief
    return StreamFigures(
        market=pump.market,
        at=at,
        host=host,
        from_venue=spread(pump.latency),
        to_signal=spread(outbox.to_signal),
        own=spread(outbox.own),
        lag_ms=relief.worst_ms,
        pressure=relief.pressure.step.value,
        conflated=rounds.conflation.dropped,
        shed=rounds.shed,
        found=dict(continuity.found),
        missing=continuity.sequences.missing,
        turned_away=engine.turned_away,
        handed=rounds.succession.handed,
        links=links(pump, rounds),
        rates={name: round(row.share, 3) for name, row in continuity.pulses.rows.items()},
    )


def spread(latency: Latency) -> tuple[float, float, float]:
    """p50, p99 and the most, ms."""
    return latency.quantile(0.50), latency.quantile(0.99), latency.top


def links(pump: Pump, rounds: Rounds) -> tuple[LinkHealth, ...]:
    return tuple(
        LinkHealth(
            number,
            link.up,
            len(link.symbols),
            link.session.frames,
            round(rounds.continuity.pauses.rate(number), 1),
            link.session.opens,
            link.session.last_heard,
        )
        for number, link in sorted(pump.links.items())
    )


def metric_lines(told: StreamFigures, at: Millis, stage: str) -> list[str]:
    """The figures that alarms and dashboards stand on, as CloudWatch's embedded metric format."""
    dimensions = {"service": "streamer", "market": told.market.value}
    waits = {
        "LatencyMax": told.from_venue[2],
        "SignalLatencyP50": told.to_signal[0],
        "SignalLatencyP99": told.to_signal[1],
        "SignalLatencyMax": told.to_signal[2],
        "OwnLatencyMax": told.own[2],
        "LoopLag": float(told.lag_ms),
    }
    levels = {
        "Connections": len(told.links),
        "ConnectionsUp": sum(link.up for link in told.links),
        "ShedSymbols": told.shed,
        "FramesPerSecond": round(sum(link.rate for link in told.links)),
    }
    return [
        metric_line(waits, dimensions, at, stage=stage, unit="Milliseconds"),
        metric_line(levels, dimensions, at, stage=stage),
    ]
