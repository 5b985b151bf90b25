"""All of several named rules at once (D10): `kind: all`, `all_of: [name, name]`.

A rule that is not enabled gives no signal of its own but may be part of a composite. The figures told are those of
the first rule named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.policies import RulePolicy
from core.domain.rules.rule import Fired, Mark, Rule, known, made, misconfigured

if TYPE_CHECKING:
    from core.domain.symbols import Symbol


def composite(policy: RulePolicy, simple: Mapping[str, Rule]) -> Rule:
    """Build the rule from those that are not composites themselves. Raises Misconfigured."""
    known(policy)
    if len(policy.all_of) < 2:
        raise misconfigured(policy, "all_of", len(policy.all_of), "the names of at least 2 rules")
    for name in policy.all_of:
        if name not in simple:
            raise misconfigured(policy, "all_of", name, f"names of rules that are not composites: {', '.join(simple)}")
    return _joined(policy, [simple[name] for name in policy.all_of])


def _joined(policy: RulePolicy, parts: list[Rule]) -> Rule:
    def prepare(symbol: Symbol) -> Mark | None:
        marks = [part.prepare(symbol) for part in parts]
        first = marks[0]
        if first is None or None in marks:
            return None
        return Mark(first.below, first.above, tuple(marks))  # where the first cannot be true, all cannot

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        fired = [part.check(symbol, own) for part, own in zip(parts, mark.figures, strict=True)]
        return None if None in fired else fired[0]

    return made(
        policy,
        condition=" and ".join(part.condition for part in parts),
        prepare=prepare,
        check=check,
        windows=tuple(window for part in parts for window in part.windows),
        minutes=max(part.minutes for part in parts),
        by_volume=any(part.by_volume for part in parts),
    )
