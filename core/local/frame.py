"""What a board shows at one moment: figures of the machine around each market's own view."""

from __future__ import annotations

import msgspec

from core.domain.values import Millis
from core.local.look import View


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a running system.

    phase      what is being done, in words; `ends` the end of the day, 0 where there is none to wait for
    runs       invocations by function; `faults` those of them that failed
    counts     sums of the metrics by name
    alerts     the newest alert texts, the last one newest
    programs   name of each program -> whether it runs
    """

    at: Millis
    phase: str
    feed: str
    endpoint: str
    views: list[View]
    runs: dict[str, int]
    faults: dict[str, int]
    counts: dict[str, int]
    alerts: list[str]
    signals: list[str]
    programs: dict[str, bool]
    ends: Millis = Millis(0)

    def count(self, metric: str) -> int:
        """A metric's sum so far. The streamer writes its own once a minute, and says them sooner in its health."""
        streams = [view.stream for view in self.views if view.stream]
        match metric:
            case "Signals":
                sooner = sum(stream.signals for stream in streams)
            case "Reconnects":
                sooner = sum(stream.reconnects for stream in streams)
            case _:
                sooner = 0
        return max(self.counts.get(metric, 0), sooner)
