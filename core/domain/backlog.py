"""How much history what reads it needs (D8, D10): candles by length, so that nobody asks a venue for more."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.gauges import trend_span
from core.domain.policies import ExitPolicy, IndicatorPolicy
from core.domain.rules.rule import Rule
from core.domain.values import MINUTE, SPANS, Millis

SETTLED = 3
"""Lengths after which what an exponential average began with weighs about a hundredth."""


def backlog(rules: Iterable[Rule], indicators: IndicatorPolicy, exits: ExitPolicy) -> dict[Millis, int]:
    """Candles by length: what the rules and the trend exit read, at most `warmup` of each; 0 where nobody reads.

    One-minute candles are always wanted for their own indicators. Longer ones that nothing judges by fill with time.
    """
    longest = max(
        indicators.ema_fast, indicators.ema_slow, indicators.rsi + 1, indicators.disparity, indicators.atr + 1
    )
    wanted = dict.fromkeys(SPANS, 0) | {MINUTE: SETTLED * longest}
    for rule in rules:
        for span, window in rule.windows if rule.enabled else ():
            least = window // MINUTE + 1 if span == MINUTE else SETTLED * -(-window // span)
            wanted[span] = max(wanted.get(span, 0), least)
    if exits.trend:
        wanted[trend_span(exits)] = max(wanted[trend_span(exits)], exits.trend_length + 1)
    return {span: min(wanted[span], indicators.warmup) for span in SPANS}
