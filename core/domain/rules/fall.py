"""Return over n minutes at or under -x: `price / price n minutes ago - 1 <= -fall` (D10).

params: minutes (1 to 240), fall (a fraction above 0)
The price n minutes ago is the close of the last one-minute candle that had ended when the n - 1 closed minutes before
the present one began; with n = 1 it is the last close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.rule import EDGE, LONGEST, SLACK, Fired, Mark, Rule, known, made, number, whole
from core.domain.values import MINUTE

if TYPE_CHECKING:
    from core.domain.symbols import Symbol


def fall(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    """Build the rule. Raises Misconfigured."""
    known(policy, "minutes", "fall")
    minutes = whole(policy, "minutes", 1, LONGEST)
    least = number(policy, "fall", 0.0001, 0.99)

    def prepare(symbol: Symbol) -> Mark | None:
        base = base_price(symbol, minutes)
        return Mark(below=base * (1.0 - least) * (1.0 + SLACK), figures=(base,)) if base is not None else None

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        change = symbol.candles.price / mark.figures[0] - 1.0
        return Fired(change, -least) if change <= EDGE - least else None

    return made(
        policy,
        condition=f"{minutes} min return <= {-least:g}",
        prepare=prepare,
        check=check,
        windows=((MINUTE, (minutes + 1) * MINUTE),),
        minutes=minutes,
    )


def base_price(symbol: Symbol, minutes: int) -> float | None:
    """Price `minutes` ago, counted from the minute that is forming; None where history does not reach so far."""
    series = symbol.series(MINUTE)
    if series.forming is None:
        return None
    return series.close_at(series.forming.opens - (minutes - 1) * MINUTE)
