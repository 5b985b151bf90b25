"""Who streams which shard, in memory: the same rows, the same condition."""

from __future__ import annotations

from msgspec.structs import replace

from core.domain.tenure import Shard, Tenure


class MemoryShards:
    """Implements `ports.Shards`."""

    def __init__(self) -> None:
        self._rows: dict[Shard, Tenure] = {}

    def read(self, shard: Shard) -> Tenure:
        return self._rows.get(shard, Tenure())

    def write(self, shard: Shard, row: Tenure) -> bool:
        if self.read(shard).version != row.version:
            return False
        self._rows[shard] = replace(row, version=row.version + 1)
        return True
