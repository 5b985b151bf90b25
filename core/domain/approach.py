"""Which symbols come near a buy rule's threshold without having passed it (B7): told early, traded never."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from core.domain.levels import Snapshot
from core.domain.policies import RulePolicy


class Approach(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol near one rule. `value` is what the scan measured, `threshold` what a signal would need."""

    symbol: str
    rule: str
    condition: str
    value: float
    threshold: float


def approaching(snapshots: Sequence[Snapshot], rules: Sequence[RulePolicy], near: float) -> Iterator[Approach]:
    """Yield every symbol within `near` (a fraction) of a rule that a scan can measure, in the order of the snapshots.

    A scan sees the day, not the minutes: of the rule kinds only the daily disparity and the breakout of the previous
    high can be near. A symbol that has already passed is not near: its signal comes from the stream.
    """
    for snapshot in snapshots:
        for rule in rules:
            found = _near(snapshot, rule, near) if rule.enabled else None
            if found:
                yield found


def _near(snapshot: Snapshot, rule: RulePolicy, near: float) -> Approach | None:
    match rule.kind:
        case "disparity" if _daily(rule):
            return _disparity(snapshot, rule, near)
        case "breakout":
            return _breakout(snapshot, rule, near)
        case _:
            return None


def _daily(rule: RulePolicy) -> bool:
    return rule.kind == "disparity" and rule.params.get("base") == "daily"


def _disparity(snapshot: Snapshot, rule: RulePolicy, near: float) -> Approach | None:
    threshold, value = float(rule.params["threshold"]), snapshot.disparity
    if value is None or not threshold < value <= threshold + near:
        return None
    condition = f"disparity <= {threshold:g}"
    return Approach(symbol=snapshot.symbol, rule=rule.name, condition=condition, value=value, threshold=threshold)


def _breakout(snapshot: Snapshot, rule: RulePolicy, near: float) -> Approach | None:
    margin, price = float(rule.params.get("margin", 0.0)), snapshot.price
    level = (snapshot.prev_high or 0.0) * (1.0 + margin)
    if not level * (1.0 - near) <= price < level:
        return None
    condition = "price > previous high" + (f" + {margin:g}" if margin else "")
    return Approach(symbol=snapshot.symbol, rule=rule.name, condition=condition, value=price, threshold=level)
