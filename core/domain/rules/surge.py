"""Traded value surging while the price falls (D10).

params: minutes (1 to 60), times (at least 1), average (minutes that the average is over, more than `minutes`),
        fall (a fraction, 0 for "not risen")
True when the value traded in the last n minutes is at least k times the average value of n minutes, and the price is
`fall` or more under where it was n minutes ago. The average is over the minutes before those n; minutes in which
nothing traded count as 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.fall import base_price
from core.domain.rules.rule import EDGE, LONGEST, SLACK, Fired, Mark, Rule, known, made, number, whole
from core.domain.values import MINUTE

if TYPE_CHECKING:
    from core.domain.symbols import Symbol


def surge(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    """Build the rule. Raises Misconfigured."""
    known(policy, "minutes", "times", "average", "fall")
    minutes = whole(policy, "minutes", 1, 60)
    average = whole(policy, "average", minutes, LONGEST - minutes)
    times = number(policy, "times", 1.0, 10_000.0)
    least = number(policy, "fall", 0.0, 0.99)

    def prepare(symbol: Symbol) -> Mark | None:
        base, figures = base_price(symbol, minutes), _values(symbol, minutes, average)
        if base is None or figures is None:
            return None
        return Mark(below=base * (1.0 - least) * (1.0 + SLACK), figures=(base, *figures))

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        base, before, usual = mark.figures
        forming = symbol.series(MINUTE).forming
        ratio = (before + (forming.value if forming else 0.0)) / usual
        return Fired(ratio, times) if ratio >= times and symbol.candles.price <= base * (1.0 - least + EDGE) else None

    return made(
        policy,
        condition=f"{minutes} min value >= {times:g} x average, fall >= {least:g}",
        prepare=prepare,
        check=check,
        windows=((MINUTE, (minutes + average + 1) * MINUTE),),
        minutes=minutes + average,
        by_volume=True,
    )


def _values(symbol: Symbol, minutes: int, average: int) -> tuple[float, float] | None:
    """Value of the closed minutes among the last `minutes`, and the usual value of as many; None without history."""
    series = symbol.series(MINUTE)
    if series.forming is None or not series.closed:
        return None
    now = series.forming.opens
    start = now - (minutes - 1) * MINUTE
    usual = series.value_between(start - average * MINUTE, start) * minutes / average
    if series.closed[0].opens > start - average * MINUTE or usual <= 0.0:
        return None
    return series.value_between(start, now), usual
