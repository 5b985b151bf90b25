"""Runs every enabled market until it is told to stop, and ends cleanly: closed, flushed, saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.domain.tenure import Shard
from core.venues.spec import Venue
from streamer import health
from streamer.ports import Ports
from streamer.post import Post

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
        posts = _posts(markets, ports, folder)
    except Misconfigured as fault:
        log.critical("a person must mend this", extra={"outcome": "failed", "faults": [str(fault)]})
        return 2
    code = 0
    try:
        async with asyncio.TaskGroup() as group:
            for post in posts:
                group.create_task(post.run(), name=str(post.shard))
            group.create_task(_beat(posts, ports, beat), name="heartbeat")
            group.create_task(_until(stop, posts), name="stop")
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
    await asyncio.gather(*(post.finish(PATIENCE_S) for post in posts))
    return code


def _posts(markets: Sequence[tuple[Venue, MarketPolicy]], ports: Ports, folder: Path) -> list[Post]:
    """One for each shard of each market. Raises Misconfigured."""
    posts: list[Post] = []
    for venue, policy in markets:
        count = policy.stream.shards
        if venue.stream.keyed and count > 1:
            raise Misconfigured("a market with app keys has one shard", market=venue.market.value, shards=count)
        mine: list[Post] = []
        burden, last = partial(_held, mine), partial(_last, mine)
        for shard in (Shard(venue.market, number, count) for number in range(count)):
            mine.append(Post(venue, policy, ports, folder, shard, burden=burden, last=last))
        posts += mine
    return posts


def _held(posts: Sequence[Post]) -> int:
    return sum(post.held for post in posts)


def _last(posts: Sequence[Post], shard: Shard) -> bool:
    return [post.shard for post in posts if post.held][-1:] == [shard]


async def _until(stop: asyncio.Event, posts: Sequence[Post]) -> None:
    """A standby takes over before we go, where one stands by."""
    await stop.wait()
    await asyncio.gather(*(post.leave() for post in posts))
    raise Stopped


async def _beat(posts: Sequence[Post], ports: Ports, path: Path) -> None:
    started, pid = ports.clock(), health.process()
    while True:
        pulses = [post.pulse() for post in posts]
        health.touch(path, health.Heartbeat(at=ports.clock(), started=started, pid=pid, markets=pulses))
        await asyncio.sleep(health.BEAT_S)
