"""One shard of one market on this host: a station while the lease is ours, a shadow while we are to take it over (D13).

The owner of a shard that is told to stop keeps streaming until a standby streams the same beside it, and only then
hands the lease over: the new connection is up before the old one goes (D6).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from core.app.ports import Shards
from core.domain.errors import Transient
from core.domain.policies import MarketPolicy
from core.domain.tenure import Shard, Tenure
from core.domain.values import Millis
from core.feed.tenancy import Role, Tenancy
from core.venues.spec import Venue
from streamer.health import Pulse
from streamer.ports import Ports
from streamer.station import Station

LOOK_S = 1.0
QUICK_S = 0.2
"""How often the row is looked at while it is being handed over."""
HANDOVER_S = 12.0
"""How long who leaves waits for the standby to be ready; a container is given more than this to stop."""
log = logging.getLogger(__name__)


class Post:
    """Without `ports.shards` all are ours.

    burden   how many shards of this market this host has already
    last     whether a shard is the last of those: the one that it gives up first
    """

    def __init__(
        self,
        venue: Venue,
        policy: MarketPolicy,
        ports: Ports,
        folder: Path,
        shard: Shard,
        *,
        burden: Callable[[], int],
        last: Callable[[Shard], bool],
    ) -> None:
        self.shard, self._burden, self._last = shard, burden, last
        self._venue, self._policy, self._ports, self._folder = venue, policy, ports, folder
        self._tenancy = Tenancy(ports.host, Millis(round(policy.stream.lease_s * 1000)))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"lease-{shard}")
        self._station: Station | None = Station(venue, policy, ports, folder, shard)  # its settings are checked here
        self._task: asyncio.Task[None] | None = None
        self._row = Tenure()
        self._going = asyncio.Event()
        self._gone = asyncio.Event()

    @property
    def held(self) -> bool:
        return self._ports.shards is None or self._tenancy.role is Role.HELD

    def pulse(self) -> Pulse:
        """A post that only stands by is healthy: nothing is subscribed."""
        if self._station is not None:
            return self._station.pulse()
        return Pulse(
            market=self.shard.market.value, connected=False, subscribed=0, wanted=0, last_frame=Millis(0), frames=0,
            reconnects=0, waiting=0,
        )  # fmt: skip

    async def run(self) -> None:
        """Until cancelled; raises what breaks the station."""
        if self._ports.shards is None:
            await self._begin(live=True).run()
            return
        while True:
            await self._look(self._ports.shards)
            if self._going.is_set() and self._done():
                self._gone.set()
            await self._pause()

    async def leave(self) -> None:
        """Told to stop: wait until a standby has taken over; at once where none stands by."""
        self._going.set()
        if self._ports.shards is None or not self.held:
            return
        try:
            async with asyncio.timeout(HANDOVER_S):
                await self._gone.wait()
        except TimeoutError:
            log.warning("no standby was ready in time", extra={"outcome": "released", "shard": str(self.shard)})

    async def finish(self, patience_s: float) -> None:
        """After `run`: what waits is sent; where it is still ours, the state is written and the lease given back."""
        await self._end(patience_s, keep=self.held)
        if self._ports.shards is not None and (row := self._tenancy.released(self._row)) is not None:
            try:
                async with asyncio.timeout(patience_s):
                    await self._in_thread(self._ports.shards, row)
            except (Transient, TimeoutError) as fault:
                log.warning("the lease was not given back", extra={"outcome": "lapses", "why": str(fault)})
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> bool:
        """Nothing is left to hand over, or nobody to hand it to."""
        return not self.held or not (self._row.waiting or self._row.heir)

    async def _look(self, shards: Shards) -> None:
        """One round: read the row, write what the tenancy says, and be what it says."""
        try:
            async with asyncio.timeout(self._patience_s()):
                self._row = await self._read(shards)
                at, ready = _now(), self._ready()
                burden, gone = self._burden(), self._ports.gone(self._row.owner)
                spare = self._tenancy.spare(self._row, at, burden) and self._last(self.shard)
                going = self._going.is_set() or spare
                row = self._tenancy.next(self._row, at, ready=ready, going=going, gone=gone, burden=burden)
                if row is not None and await self._in_thread(shards, row):
                    self._tenancy.wrote(row, at)
                    self._row = replace(row, version=row.version + 1)
        except (Transient, TimeoutError) as fault:
            log.warning("the lease was not looked at", extra={"outcome": "retry", "why": str(fault) or "too slow"})
        self._tenancy.expired(_now())
        await self._become(self._tenancy.role)

    async def _become(self, role: Role) -> None:
        if role is Role.AWAY:
            if self._task is not None:
                log.warning("the lease is not ours any more", extra={"outcome": "stopped", "shard": str(self.shard)})
                await self._end(1.0, keep=False)
            return
        if self._task is None and (role is Role.HELD or not self._venue.stream.keyed):
            log.info("a shard is taken up", extra={"outcome": role.value, "shard": str(self.shard)})
            station = self._begin(live=role is Role.HELD)
            self._task = asyncio.create_task(station.run(), name=str(self.shard))
        if role is Role.HELD and self._station is not None:
            self._station.go_live()

    def _begin(self, *, live: bool) -> Station:
        station = self._station or Station(self._venue, self._policy, self._ports, self._folder, self.shard)
        station.live = live
        if self._ports.shards is not None:
            station.outbox.allowed = self._may_speak
        self._station = station
        return station

    def _may_speak(self) -> bool:
        """A host that hung may hear the frames of meanwhile before it looks at its lease."""
        return self._tenancy.role is Role.HELD and _now() < self._tenancy.ends

    def _patience_s(self) -> float:
        """How long one look may take: a lease that cannot be renewed is let go at its end, not later."""
        lease_s = self._policy.stream.lease_s
        return max(0.05, (self._tenancy.ends - _now()) / 1000) if self._tenancy.role is Role.HELD else lease_s / 2

    def _ready(self) -> bool:
        """A key opens one session only: such a market's standby connects after the other has gone."""
        return self._venue.stream.keyed or (self._station is not None and self._station.warm)

    async def _end(self, patience_s: float, *, keep: bool) -> None:
        task, station = self._task, self._station
        self._task = self._station = None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if station is not None:
            await station.finish(patience_s, keep=keep)
            del task, station
            gc.collect()  # a station is one knot, as large as its market: the next one must not come on top of it

    async def _pause(self) -> None:
        """Until the next look, or until we are told to stop; what breaks the station is raised here."""
        quick = self._tenancy.role is Role.SHADOW or self._going.is_set()
        called = asyncio.create_task(self._going.wait() if not quick else asyncio.sleep(QUICK_S))
        waited = {called, self._task} if self._task is not None else {called}
        try:
            done, _ = await asyncio.wait(waited, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            called.cancel()
        if self._task in done:
            self._task.result()

    async def _read(self, shards: Shards) -> Tenure:
        return await asyncio.get_running_loop().run_in_executor(self._thread, shards.read, self.shard)

    async def _in_thread(self, shards: Shards, row: Tenure) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._thread, shards.write, self.shard, row)


def _now() -> Millis:
    """This host's monotonic clock: no other host's is ever compared with it."""
    return Millis(time.monotonic_ns() // 1_000_000)
