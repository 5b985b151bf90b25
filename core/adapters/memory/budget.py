"""The shared budget of calls, within one process."""

from collections.abc import Iterable
from threading import Lock

from core.app.ports import Claim
from core.domain.turns import Stretch
from core.domain.values import Market, Millis
from core.feed.pace import HELD_MS, SKEW_MS, put_off, step_ms, wait_ms


class MemoryBudget:
    """Budget of everyone in this process; threads may share it."""

    def __init__(self) -> None:
        self._ready: dict[tuple[Market, str], int] = {}
        self._lock = Lock()

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        """Take one call of `group`; 0 where it may go at once, else ms to wait before asking again."""
        step = step_ms(limit)
        with self._lock:
            if wait := wait_ms(self._ready.get((market, group), 0), step, at):
                return wait
            self._ready[market, group] = at + step
            return 0

    def rent(self, wanted: Iterable[Stretch]) -> dict[str, int]:
        """Take all of these, or none: then when each group is free that is not, by its name."""
        with self._lock:
            spans = {(each.market, each.group): each for each in wanted}
            ready = {key: self._ready.get(key, 0) for key in spans}
            late = {
                key[1]: ready[key]
                for key, each in spans.items()
                if wait_ms(ready[key], each.until - each.since, each.since)
            }
            if not late:
                self._ready.update({key: each.until for key, each in spans.items()})
            return late

    def rented(self, wanted: Iterable[Stretch], at: Millis) -> tuple[Stretch, ...]:
        """Those of them that were free at `at`, or are soon: these are taken."""
        turns = tuple(wanted)
        while turns and (ready := self.rent(turns)):
            turns = put_off(turns, ready, at)
        return turns


class MemorySpare:
    """Implements `ports.Spare` within this process; threads may share it."""

    def __init__(self) -> None:
        self._held: dict[Market, tuple[str, Millis]] = {}
        self._lock = Lock()

    def claim(self, market: Market, owner: str, at: Millis) -> Claim:
        with self._lock:
            name, until = self._held.get(market, (owner, at))
            if name != owner and at - SKEW_MS <= until <= at + HELD_MS + SKEW_MS:
                return Claim(mine=False, until=until)
            self._held[market] = owner, Millis(at + HELD_MS)
            return Claim(mine=True, until=Millis(at + HELD_MS))
