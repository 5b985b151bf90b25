"""Price above the previous day's high by a margin (D10).

params: margin (a fraction, 0 where it is left out)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.rule import SLACK, Fired, Mark, Rule, known, made, number

if TYPE_CHECKING:
    from core.domain.symbols import Symbol


def breakout(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    """Build the rule. Raises Misconfigured."""
    known(policy, "margin")
    margin = number(policy, "margin", 0.0, 1.0, default=0.0)

    def prepare(symbol: Symbol) -> Mark | None:
        reference = symbol.today()
        if reference is None or reference.high <= 0.0:
            return None
        level = reference.high * (1.0 + margin)
        return Mark(above=level * (1.0 - SLACK), figures=(level,))

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        price, level = symbol.candles.price, mark.figures[0]
        return Fired(price, level) if price > level else None

    beyond = f" + {margin:g}" if margin else ""
    return made(policy, condition=f"price > previous high{beyond}", prepare=prepare, check=check)
