"""`python -m streamer`: the container. Exit codes: 0 stopped, 1 broken, 2 settings that a person must mend.

HOGA_RUN_DIR names a folder that it may write to (heartbeat, odd frames); without it, one in the system's temporary.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
from pathlib import Path

import uvloop

from core import COMPILED
from core.adapters.logs import write_json
from core.adapters.wiring import Wiring
from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.venues.spec import Venue, venue
from streamer import health, heap, identity
from streamer.ports import Ports
from streamer.supervisor import supervise

log = logging.getLogger(__name__)


def main() -> int:
    heap.tame()
    write_json("streamer", sys.stdout)
    logging.getLogger("picows").setLevel(logging.ERROR)  # its own lines on every connect say nothing new
    logging.getLogger("pynamodb").setLevel(logging.WARNING)
    wiring = Wiring(os.environ)
    try:
        markets = [(venue(market, wiring.policy(market)), wiring.policy(market)) for market in wiring.settings.enabled]
        ports = _ports(wiring)
    except Misconfigured as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    log.info("starting", extra={"outcome": "started", "compiled": COMPILED})
    folder = health.folder(os.environ.get("HOGA_RUN_DIR", ""))
    folder.mkdir(parents=True, exist_ok=True)
    return uvloop.run(_run(markets, ports, folder))


async def _run(markets: list[tuple[Venue, MarketPolicy]], ports: Ports, folder: Path) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    gc.collect()
    gc.freeze()  # what was loaded lives as long as the process: the collector need not walk it in the path of ticks
    return await supervise(markets, ports, stop, folder, folder / health.FILE)


def _ports(wiring: Wiring) -> Ports:
    return Ports(
        shelf=wiring.shelf,
        leases=wiring.leases,
        ledger=wiring.ledger,
        signals=wiring.signals,
        alerts=wiring.alerts,
        quotes=wiring.quotes,
        clock=wiring.clock,
        dice=random.random,
        host=identity.name(),
        say=_say,
        stage=wiring.stage,
        credentials=wiring.credentials,
        secrets=lambda: wiring.secrets,
        notices=wiring.notices,
        shards=wiring.shards,
        gone=identity.gone,
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread that is stuck in a network call must not hold the container beyond its grace
