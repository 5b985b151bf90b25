"""What is left of a shard that is given up: nothing (D5)."""

import asyncio
import gc
import weakref

from msgspec.structs import replace

from core.adapters.memory.shards import MemoryShards
from core.domain.tenure import Shard
from core.domain.values import Market
from core.feed.freshness import Gap
from streamer.post import Post
from tests.streamer.conftest import until
from tests.streamer.test_station import world as world


async def test_a_shard_that_was_taken_leaves_nothing_in_memory_though_a_gap_was_to_be_filled_later(world):
    """Else a host whose lease lapsed would hold each market twice for minutes: 1,000 symbols are 40 MB."""
    world.target("KRW-BTC")
    shard, shards = Shard(Market.UPBIT), MemoryShards()
    ports = replace(world.station()._ports, shards=shards)
    post = Post(world.venue, world.policy, ports, world.folder, shard, burden=lambda: 0, last=lambda shard: True)
    running = asyncio.create_task(post.run())
    await until(lambda: post._station.pump.subscribed == ("KRW-BTC",) and "KRW-BTC" in post._station._warmup.done)
    post._station._warmup.fill(["KRW-BTC"], Gap(1, 2))
    left = weakref.ref(post._station)
    row = shards.read(shard)
    assert shards.write(shard, replace(row, owner="another", fence=row.fence + 1))
    await until(lambda: post._station is None, "the end of the station")
    await until(lambda: gc.collect() >= 0 and left() is None, "its memory")  # a call in a thread may end after it
    running.cancel()
    await asyncio.wait([running])
    await post.finish(1.0)
