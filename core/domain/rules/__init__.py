"""Buy rules as plug-ins: a kind is a name in KINDS and one file that makes a `Rule` from its settings."""

from collections.abc import Callable, Sequence

from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.breakout import breakout
from core.domain.rules.composite import composite
from core.domain.rules.cross import cross
from core.domain.rules.disparity import disparity
from core.domain.rules.fall import fall
from core.domain.rules.rule import Fired, Mark, Rule, misconfigured
from core.domain.rules.surge import surge

ALL = "all"
KINDS: dict[str, Callable[[RulePolicy, IndicatorPolicy], Rule]] = {
    "breakout": breakout,
    "cross": cross,
    "disparity": disparity,
    "fall": fall,
    "surge": surge,
}

__all__ = ["ALL", "KINDS", "Fired", "Mark", "Rule", "build"]


def build(policies: Sequence[RulePolicy], indicators: IndicatorPolicy | None = None) -> tuple[Rule, ...]:
    """Make every rule of the settings, in their order, also those that are not enabled.

    Raises:
        Misconfigured: the first fault, with rule, key, value found and what is allowed.
    """
    lengths = indicators or IndicatorPolicy()
    simple: dict[str, Rule] = {}
    for policy in policies:
        if policy.kind != ALL:
            simple[policy.name] = _simple(policy, lengths)
    rules = tuple(simple[p.name] if p.kind != ALL else composite(p, simple) for p in policies)
    for policy in policies:
        if [other.name for other in policies].count(policy.name) > 1:
            raise misconfigured(policy, "name", policy.name, "a name that no other rule has")
    return rules


def _simple(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    if policy.kind not in KINDS:
        raise misconfigured(policy, "kind", policy.kind, f"one of {', '.join((ALL, *KINDS))}")
    if policy.all_of:
        raise misconfigured(policy, "all_of", ", ".join(policy.all_of), f"nothing, or kind {ALL}")
    return KINDS[policy.kind](policy, indicators)
