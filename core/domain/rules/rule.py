"""What a buy rule is (D10): a record of functions, made from its settings, with every fault of those named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from core.domain.errors import Misconfigured
from core.domain.policies import RulePolicy
from core.domain.values import HOUR, MINUTE, Millis

if TYPE_CHECKING:
    from core.domain.symbols import Symbol

SPAN_NAMES = {"1m": MINUTE, "5m": Millis(5 * MINUTE), "1h": HOUR}
LONGEST = 240
"""Minutes that a rule may look back."""

EDGE = 1e-9
"""Rounding allowed at a threshold: 97 after 100 is a fall of 0.03, though 97 / 100 - 1 is a hair more than -0.03."""

SLACK = 1e-6
"""A mark's prices are wider than the rule by this fraction, so that rounding can never hide a price from it."""


class Mark(NamedTuple):
    """What a rule knows until the next candle: it cannot be true for a price between `below` and `above`.

    figures   the rule's own, for its check
    """

    below: float = -inf
    above: float = inf
    figures: tuple[Any, ...] = ()


class Fired(NamedTuple):
    """The condition holds: what was measured, and what it was held against."""

    value: float
    threshold: float


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, ready to judge.

    condition  in words, for people
    windows    for each span it reads, how far back (ms): a gap in there makes it deaf
    minutes    one-minute candles that must be kept for it
    by_volume  it can become true without a change of the price
    prepare    the mark for the present candle, None while there is not enough history
    check      whether the condition holds at the newest price, under that mark
    """

    name: str
    condition: str
    enabled: bool
    expires_ms: int
    windows: tuple[tuple[Millis, int], ...]
    minutes: int
    by_volume: bool
    prepare: Callable[[Symbol], Mark | None]
    check: Callable[[Symbol, Mark], Fired | None]

    def gapped(self, symbol: Symbol, at: int) -> bool:
        """May trades be missing from what this rule looks at?"""
        return any(symbol.series(span).gapped(at - window) for span, window in self.windows)


def made(
    policy: RulePolicy,
    *,
    condition: str,
    prepare: Callable[[Symbol], Mark | None],
    check: Callable[[Symbol, Mark], Fired | None],
    windows: tuple[tuple[Millis, int], ...] = (),
    minutes: int = 0,
    by_volume: bool = False,
) -> Rule:
    """A rule with the fields that are the same for every kind."""
    return Rule(
        name=policy.name,
        condition=condition,
        enabled=policy.enabled,
        expires_ms=int(policy.expires_s * 1000),
        windows=windows,
        minutes=minutes,
        by_volume=by_volume,
        prepare=prepare,
        check=check,
    )


def known(policy: RulePolicy, *names: str) -> None:
    """Refuse parameters that the kind does not have. Raises Misconfigured."""
    for name in policy.params:
        if name not in names:
            raise _fault(policy, name, policy.params[name], f"one of {', '.join(names)}")


def number(policy: RulePolicy, name: str, low: float, high: float, default: float | None = None) -> float:
    """A parameter from `low` to `high`. Raises Misconfigured where it is missing, no number, or outside."""
    found = policy.params.get(name, default)
    if isinstance(found, str) or found is None or not low <= found <= high:
        raise _fault(policy, name, "nothing" if found is None else found, f"a number from {low:g} to {high:g}")
    return float(found)


def whole(policy: RulePolicy, name: str, low: int, high: int) -> int:
    """A parameter that counts something. Raises Misconfigured where it is no whole number from `low` to `high`."""
    found = policy.params.get(name)
    if not isinstance(found, int | float) or not low <= found <= high or found != int(found):
        raise _fault(policy, name, "nothing" if found is None else found, f"a whole number from {low} to {high}")
    return int(found)


def choice(policy: RulePolicy, name: str, allowed: Sequence[str]) -> str:
    """A parameter that is one of a few words. Raises Misconfigured where it is another."""
    found = policy.params.get(name)
    if found not in allowed:
        raise _fault(policy, name, "nothing" if found is None else found, " or ".join(allowed))
    return str(found)


def _fault(policy: RulePolicy, name: str, found: object, allowed: str) -> Misconfigured:
    return misconfigured(policy, f"params.{name}", found, allowed)


def misconfigured(policy: RulePolicy, key: str, found: object, allowed: str) -> Misconfigured:
    """The one sentence in which every fault of a rule is told."""
    facts: dict[str, Any] = {"rule": policy.name, "key": key, "value": found, "allowed": allowed}
    return Misconfigured("a rule cannot be used like that", **facts)
