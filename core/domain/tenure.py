"""Who streams a part of a market: one row for each part, changed only by whoever read it as it is (D13)."""

from zlib import crc32

import msgspec

from core.domain.values import Market


class Shard(msgspec.Struct, frozen=True):
    """Part `number` of `of` of a market. A symbol belongs to exactly one, for ever, whoever holds it.

    >>> [Shard(Market.UPBIT, number, 3).has("KRW-BTC") for number in range(3)].count(True)
    1
    """

    market: Market
    number: int = 0
    of: int = 1

    def has(self, symbol: str) -> bool:
        return self.of == 1 or crc32(symbol.encode()) % self.of == self.number

    @property
    def tag(self) -> str:
        """Its own part of a level's key; "" where it is the whole market."""
        return f"{self.number + 1}of{self.of}" if self.of > 1 else ""

    def __str__(self) -> str:
        return f"{self.market.value} {self.number + 1}/{self.of}"


class Tenure(msgspec.Struct, frozen=True):
    """One shard's row.

    version  grows with every write; a write is refused where it is not the one that was read
    owner    host that streams it, "" for none; `fence` grows with every change of the owner
    beat     grows whenever the owner says that it lives
    leaving  the owner wants to go; `heir` is who is ready to take over from it, connected and warm
    waiting  a host that stands by, "" for none; `load` is how many shards of the market it has already
    """

    version: int = 0
    owner: str = ""
    fence: int = 0
    beat: int = 0
    leaving: bool = False
    heir: str = ""
    waiting: str = ""
    load: int = 0
