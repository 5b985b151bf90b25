"""How the scan is doing (B3): when the next one is due, whether buying is allowed, and what people are told of it.

Every move goes through here: good -> good, good -> failing (one alert), failing -> failing (the interval doubles, no
alert), anything -> good (one alert that it has recovered). A safe set that is too old to buy from counts like a failure
for buying, but not for the interval: the venue answers, it is our list that is old (A3).
"""

from __future__ import annotations

from collections import Counter

import msgspec

from core.app.lookout import Lookout
from core.app.owed import owing, settle
from core.domain import safety
from core.domain.errors import CoreError
from core.domain.levels import SafeSet, ScanHealth
from core.domain.messages import Alert, Kind
from core.domain.values import Millis

NO_UNIVERSE = "there is no safe set yet"


def good(
    lookout: Lookout, before: ScanHealth | None, universe: SafeSet, removed: dict[str, int], at: Millis
) -> ScanHealth:
    """After a scan that worked: back to the set interval; safe mode only where the safe set is too old."""
    old = not safety.fresh(universe, at, lookout.policy.safety)
    reason = f"the safe set is {(at - universe.at) // 1000} s old" if old else ""
    return _written(lookout, before, _base(lookout), 0, reason, at, removed)


def blind(lookout: Lookout, before: ScanHealth | None, at: Millis) -> ScanHealth:
    """There is nothing to scan before the safety filter has run once; nothing may be bought either."""
    return _written(lookout, before, _base(lookout), 0, NO_UNIVERSE, at, {})


def failed(lookout: Lookout, before: ScanHealth | None, trouble: CoreError, at: Millis) -> ScanHealth:
    """After a scan that the venue did not answer: twice the interval, and safe mode."""
    failures = before.failures if before else 0
    last = before.interval_ms if before and failures else _base(lookout)
    interval = Millis(min(2 * last, round(lookout.policy.scan.max_interval_s * 1000)))
    return _written(lookout, before, interval, failures + 1, str(trouble), at, {})


def _written(
    lookout: Lookout,
    before: ScanHealth | None,
    interval: Millis,
    failures: int,
    reason: str,
    at: Millis,
    removed: dict[str, int],
) -> ScanHealth:
    days = lookout.days
    day = days.day_start(at)
    if before and before.day and before.day != day:
        lookout.shelf.write_once(before, days.day_of(before.day))  # for the daily summary of the day that is over (G3)
    counted = Counter(before.removed if before and before.day == day else {})
    counted.update(removed)
    after = ScanHealth(
        market=lookout.market,
        at=at,
        due=_due(lookout, interval, at),
        interval_ms=interval,
        failures=failures,
        safe_mode=bool(reason),
        reason=reason,
        day=day,
        removed=dict(counted),
    )
    after = msgspec.structs.replace(after, owed=owing(before, _news(before, after)))
    lookout.shelf.write(after)  # what stops buying stands before anybody is told of it
    return settle(lookout, after)


def _base(lookout: Lookout) -> Millis:
    return Millis(round(lookout.policy.scan.interval_s * 1000))


def _due(lookout: Lookout, interval: Millis, at: Millis) -> Millis:
    """Half a base interval early: schedules fire a little sooner or later than a minute after the last time."""
    return Millis(at + interval - _base(lookout) // 2)


def _news(before: ScanHealth | None, after: ScanHealth) -> list[Alert]:
    """What people are told of the move: one alert going down, one coming back, nothing in between."""
    failing, was_failing = after.failures > 0, before is not None and before.failures > 0
    safe, was_safe = after.safe_mode, before is not None and before.safe_mode
    if failing and not was_failing:
        return [_alert(Kind.SCAN_FAILING, after, f"no buys; next scan in {after.interval_ms // 1000} s")]
    if safe and not was_safe:
        return [_alert(Kind.SAFE_MODE, after, "no buys")]
    if was_safe and not safe:
        return [_alert(Kind.RECOVERED, after, f"after: {before.reason}" if before else "")]
    return []


def _alert(kind: Kind, health: ScanHealth, memo: str) -> Alert:
    return Alert(
        id=f"{kind.value}:{health.market.value}:{health.at}",
        kind=kind,
        at=health.at,
        market=health.market,
        rule="batch_scan",
        condition=health.reason,
        memo=memo,
        lasting=kind is not Kind.RECOVERED,
    )
