"""How much history what reads it needs (D8, D10): candles by length, so that nobody asks a venue for more."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.gauges import trend_span
from core.domain.policies import ExitPolicy, IndicatorPolicy
from core.domain.rules.rule import Rule
from core.domain.values import MINUTE, SPANS, Millis

SETTLED = 3
"""Lengths after which what an exponential average began with weighs about a hundredth."""


MARGIN = 2
"""Candles beyond what is read: the one that a look back begins in, and the one that closes last."""


def backlog(rules: Iterable[Rule], indicators: IndicatorPolicy, exits: ExitPolicy) -> dict[Millis, int]:
    """Candles by length: what the rules and the trend exit read, at most `warmup` of each; 0 where nobody reads.

    One-minute candles are always wanted for their own indicators. Longer ones that nothing judges by fill with time.
    """
    wanted = _read(rules, exits)
    wanted[MINUTE] = max(wanted[MINUTE], _settling(indicators))
    return {span: min(wanted[span], indicators.warmup) for span in SPANS}


def kept(rules: Iterable[Rule], indicators: IndicatorPolicy, exits: ExitPolicy, chart: int) -> dict[Millis, int]:
    """Closed candles by length that stay in memory: as many as can be read of them, and MARGIN.

    What reads them: the rules (`_read`), a small picture of `chart` minutes, and the indicators of every length, which
    are reckoned anew from the candles where the venue's own are taken. Those need no more than settles them, and no
    more than they were begun with (`warmup`).
    """
    settling = min(_settling(indicators), indicators.warmup)
    least = {span: max(count, settling) for span, count in _read(rules, exits).items()}
    least[MINUTE] = max(least[MINUTE], chart)
    return {span: count + MARGIN for span, count in least.items()}


def _settling(indicators: IndicatorPolicy) -> int:
    longest = max(
        indicators.ema_fast, indicators.ema_slow, indicators.rsi + 1, indicators.disparity, indicators.atr + 1
    )
    return SETTLED * longest


def _read(rules: Iterable[Rule], exits: ExitPolicy) -> dict[Millis, int]:
    """Candles by length that the enabled rules and the trend exit look at."""
    wanted = dict.fromkeys(SPANS, 0)
    for rule in rules:
        for span, window in rule.windows if rule.enabled else ():
            least = window // MINUTE + 1 if span == MINUTE else SETTLED * -(-window // span)
            wanted[span] = max(wanted.get(span, 0), least)
    if exits.trend:
        wanted[trend_span(exits)] = max(wanted[trend_span(exits)], exits.trend_length + 1)
    return wanted
