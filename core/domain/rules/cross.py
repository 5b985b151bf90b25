"""Fast EMA crossing above the slow one while the RSI is in a band (D10).

params: span (1m, 5m or 1h), rsi_low, rsi_high (0 to 100)
The forming candle counts as if it closed now: the fast average was not above the slow one at the last close, and is
at the present price. Lengths are `indicators.ema_fast`, `ema_slow` and `rsi`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.rule import SLACK, SPAN_NAMES, Fired, Mark, Rule, choice, known, made, misconfigured, number

if TYPE_CHECKING:
    from core.domain.symbols import Symbol


def cross(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    """Build the rule. Raises Misconfigured."""
    known(policy, "span", "rsi_low", "rsi_high")
    span = SPAN_NAMES[choice(policy, "span", tuple(SPAN_NAMES))]
    low = number(policy, "rsi_low", 0.0, 100.0)
    high = number(policy, "rsi_high", low, 100.0)
    if indicators.ema_fast >= indicators.ema_slow:
        found, allowed = indicators.ema_fast, f"less than indicators.ema_slow, {indicators.ema_slow}"
        raise misconfigured(policy, "indicators.ema_fast", found, allowed)

    def prepare(symbol: Symbol) -> Mark | None:
        gauges = symbol.series(span).gauges
        fast, slow = gauges.fast, gauges.slow
        if not fast.value <= slow.value:  # above already, or not known yet (NaN)
            return None
        return Mark(above=_lowest(fast.value, fast.alpha, slow.value, slow.alpha))

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        gauges, price = symbol.series(span).gauges, symbol.candles.price
        lead = gauges.fast.peek(price) / gauges.slow.peek(price) - 1.0
        return Fired(lead, 0.0) if lead > 0.0 and low <= gauges.rsi.peek(price) <= high else None

    return made(
        policy,
        condition=f"EMA {indicators.ema_fast} over {indicators.ema_slow}, RSI {low:g} to {high:g}",
        prepare=prepare,
        check=check,
        windows=((span, max(indicators.ema_slow, indicators.rsi + 1) * span),),
    )


def _lowest(fast: float, quick: float, slow: float, lazy: float) -> float:
    """Lowest price at which the fast average meets the slow one, with `quick` and `lazy` the weights of a new close."""
    return (slow * (1.0 - lazy) - fast * (1.0 - quick)) / (quick - lazy) * (1.0 - SLACK)
