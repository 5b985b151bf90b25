"""What each pre-filter removed, and how that went on (G3): a filter that removes what then rises costs money."""

from collections.abc import Iterable

from core.domain.levels import Snapshot
from core.domain.policies import ScanPolicy
from core.domain.reports import Fate, Passed, Sieved
from core.domain.snapshots import removed_by
from core.domain.values import Market, Millis


def sieved(
    before: Sieved | None, rows: Iterable[Snapshot], policy: ScanPolicy, market: Market, day: Millis, at: Millis
) -> Sieved:
    """One more scan of the day that began at `day`: what is new is judged, what is known gets its newest price."""
    known = {one.symbol: one for one in before.rows} if before is not None and before.day == day else {}
    for row in rows:
        if row.price > 0.0:
            seen = known.get(row.symbol)
            found = (seen.filter, seen.first) if seen else (removed_by(row, policy), row.price)
            known[row.symbol] = Passed(row.symbol, *found, row.price)
    return Sieved(market=market, day=day, at=at, rows=tuple(known.values()))


def fates(day: Sieved) -> dict[str, Fate]:
    """How those of each filter went on from when they were first scanned; "" are those that no filter removed."""
    changes: dict[str, list[float]] = {}
    for one in day.rows:
        changes.setdefault(one.filter, []).append(one.last / one.first - 1.0)
    return {
        name: Fate(len(each), sum(1 for c in each if c > 0.0), sum(each) / len(each)) for name, each in changes.items()
    }
