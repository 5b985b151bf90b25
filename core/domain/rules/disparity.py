"""Price at or under its moving average by a fraction: `disparity <= threshold` (D10).

params: base (daily, 1m, 5m or 1h), threshold (a fraction, -0.08 is 8 % under)
The daily average comes from the references, the others from our own candles with `indicators.disparity` bars; each
includes the present price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain import snapshots
from core.domain.policies import IndicatorPolicy, RulePolicy
from core.domain.rules.rule import EDGE, SLACK, SPAN_NAMES, Fired, Mark, Rule, choice, known, made, number

if TYPE_CHECKING:
    from core.domain.symbols import Symbol

DAILY = "daily"


def disparity(policy: RulePolicy, indicators: IndicatorPolicy) -> Rule:
    """Build the rule. Raises Misconfigured."""
    known(policy, "base", "threshold")
    base = choice(policy, "base", (DAILY, *SPAN_NAMES))
    threshold = number(policy, "threshold", -0.99, 0.99)
    if base == DAILY:
        return _daily(policy, threshold)
    return _intraday(policy, threshold, base, indicators.disparity)


def _daily(policy: RulePolicy, threshold: float) -> Rule:
    def prepare(symbol: Symbol) -> Mark | None:
        reference = symbol.today()
        if reference is None or reference.ma_days < 1 or reference.ma_sum <= 0.0:
            return None
        return Mark(below=_highest(threshold, reference.ma_sum, reference.ma_days + 1), figures=(reference,))

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        value = snapshots.disparity(symbol.candles.price, mark.figures[0])
        return Fired(value, threshold) if value is not None and value <= threshold + EDGE else None

    return made(policy, condition=f"disparity <= {threshold:g}", prepare=prepare, check=check)


def _intraday(policy: RulePolicy, threshold: float, base: str, length: int) -> Rule:
    span = SPAN_NAMES[base]

    def prepare(symbol: Symbol) -> Mark | None:
        tail = symbol.series(span).gauges.mean.tail
        return Mark(below=_highest(threshold, tail, length)) if tail > 0.0 else None

    def check(symbol: Symbol, mark: Mark) -> Fired | None:
        value = symbol.series(span).gauges.mean.disparity(symbol.candles.price)
        return Fired(value, threshold) if value <= threshold + EDGE else None

    condition = f"disparity {base} <= {threshold:g}"
    windows = ((span, length * span),)
    return made(policy, condition=condition, prepare=prepare, check=check, windows=windows)


def _highest(threshold: float, tail: float, length: int) -> float:
    """Highest price p with p * length / (tail + p) - 1 <= threshold, where `tail` is the sum of the other closes."""
    return (1.0 + threshold) * tail / (length - 1.0 - threshold) * (1.0 + SLACK)
