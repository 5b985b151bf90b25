"""What the shards of one market say of themselves, as the one level that everybody reads (D5, D13).

Each host writes its own part and then the whole of what all have written lately: whoever writes last is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.app.ports import Shelf
from core.domain.levels import Buyable, StreamHealth
from core.domain.tenure import Shard
from core.domain.values import Millis

LATELY_MS = 15_000
"""A part older than this is of a host that is gone: what it subscribed is not."""
SUMS = ("reconnects", "messages", "surprises", "late", "duplicates", "gaps", "signals", "added", "removed")


def whole(part: Buyable | StreamHealth, shelf: Shelf, shard: Shard) -> Buyable | StreamHealth:
    """The market's level, from this part and those of the other shards."""
    others = [
        found
        for number in range(shard.of)
        if number != shard.number and (found := shelf.read_tagged(type(part), part.market, _tag(shard, number)))
    ]
    lately = [each for each in others if part.at - each.at <= LATELY_MS]
    if isinstance(part, Buyable):
        signals = [signal for each in (part, *lately) if isinstance(each, Buyable) for signal in each.signals]
        return msgspec.structs.replace(part, signals=tuple(sorted(signals, key=lambda signal: str(signal.instrument))))
    return healths(
        [part, *(each for each in lately if isinstance(each, StreamHealth))], missing=len(lately) + 1 < shard.of
    )


def healths(parts: Sequence[StreamHealth], *, missing: bool) -> StreamHealth:
    """Several hosts as one. Where a shard is `missing`, the market is not connected."""
    first = parts[0]
    sums = {name: sum(getattr(part, name) for part in parts) for name in SUMS}
    joined = {
        name: tuple(sorted({symbol for part in parts for symbol in getattr(part, name)}))
        for name in ("subscribed", "cut", "halted", "wanted")
    }
    heard = {symbol: seen for part in parts for symbol, seen in part.heard.items()}
    return msgspec.structs.replace(
        first,
        host=", ".join(sorted({part.host for part in parts})),
        started=Millis(min(part.started for part in parts)),
        last_data=Millis(max(part.last_data for part in parts)),
        connected=not missing and all(part.connected for part in parts),
        latency_p50_ms=max(part.latency_p50_ms for part in parts),
        latency_p99_ms=max(part.latency_p99_ms for part in parts),
        heard=heard,
        **sums,
        **joined,
    )


def _tag(shard: Shard, number: int) -> str:
    return Shard(shard.market, number, shard.of).tag
