"""Runs every enabled market until it is told to stop, and ends cleanly: closed, flushed, saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.venues.spec import Venue
from streamer import health
from streamer.ports import Ports
from streamer.station import Station

PATIENCE_S = 3.0
"""For flushing, and again for saving: with a second for closing the sockets, all of it is under ten."""
log = logging.getLogger(__name__)


class Stopped(Exception):
    """We were asked to stop."""


async def supervise(
    markets: Sequence[tuple[Venue, MarketPolicy]], ports: Ports, stop: asyncio.Event, folder: Path, beat: Path
) -> int:
    """Exit code: 0 stopped by `stop`, 2 settings or rights that a person must mend, 1 broken otherwise."""
    try:
        stations = [Station(venue, policy, ports, folder) for venue, policy in markets]
    except Misconfigured as fault:
        log.critical("a person must mend this", extra={"outcome": "failed", "faults": [str(fault)]})
        return 2
    code = 0
    try:
        async with asyncio.TaskGroup() as group:
            for station in stations:
                group.create_task(station.run(), name=f"{station.market.value}")
            group.create_task(_beat(stations, ports, beat), name="heartbeat")
            group.create_task(_until(stop), name="stop")
    except* Stopped:
        log.info("stopping", extra={"outcome": "stopped"})
    except* Misconfigured as faults:
        log.critical(
            "a person must mend this", extra={"outcome": "failed", "faults": [str(f) for f in faults.exceptions]}
        )
        code = 2
    except* Exception as faults:  # the outermost loop: name what broke, save what can be saved, let it be started anew
        log.exception("the streamer broke", extra={"outcome": "failed", "faults": [str(f) for f in faults.exceptions]})
        code = 1
    await asyncio.gather(*(station.finish(PATIENCE_S) for station in stations))
    return code


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise Stopped


async def _beat(stations: Sequence[Station], ports: Ports, path: Path) -> None:
    started, pid = ports.clock(), health.process()
    while True:
        pulses = [station.pulse() for station in stations]
        health.touch(path, health.Heartbeat(at=ports.clock(), started=started, pid=pid, markets=pulses))
        await asyncio.sleep(health.BEAT_S)
