"""D8: the indicators of one series move together."""

import math

from core.domain.gauges import Gauges, trend_span
from core.domain.policies import ExitPolicy, IndicatorPolicy
from core.domain.values import MINUTE

POLICY = IndicatorPolicy(ema_fast=1, ema_slow=2, rsi=2, disparity=2, atr=1)


def figures(gauges):
    return [getattr(gauges, name).value for name in ("fast", "slow", "rsi", "mean", "trend", "atr")]


def test_a_closed_candle_moves_every_indicator_and_a_correction_moves_it_again():
    right, amended = Gauges(POLICY, 2), Gauges(POLICY, 2)
    for close in (10.0, 11.0, 10.5):
        right.update(close + 1, close - 1, close)
        amended.update(close, close, close)
        amended.amend(close, close + 1, close - 1, close)

    assert not any(math.isnan(figure) for figure in figures(right))
    assert figures(amended) == figures(right)


def test_the_trend_has_its_own_length():
    gauges = Gauges(POLICY, 3)
    for close in (1.0, 2.0, 6.0):
        gauges.update(close, close, close)

    assert (gauges.mean.value, gauges.trend.value) == (4.0, 3.0)


def test_a_reset_forgets_every_bar():
    gauges = Gauges(POLICY, 2)
    gauges.update(1.0, 1.0, 1.0)
    gauges.reset()

    assert all(math.isnan(figure) for figure in figures(gauges))


def test_the_candle_of_the_trend_is_set_in_minutes():
    assert trend_span(ExitPolicy(trend_span=5)) == 5 * MINUTE
