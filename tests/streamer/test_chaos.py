"""Issue 5, chaos: the compressed run. Ten minutes of it: `python tests/benchmarks/chaos.py --minutes 10`."""

import pytest

from core.domain.values import Market
from tests.benchmarks.chaos import chaos

PATIENCE_S = 60.0
"""Of market time, six times as fast: nothing is asserted here about how fast a loaded machine is."""


@pytest.mark.slow
@pytest.mark.parametrize("market", [Market.UPBIT, Market.BINANCE])
def test_whatever_breaks_every_whole_candle_is_the_exchanges_own_and_every_other_says_why(market, tmp_path):
    """D6, D8: with an outage of a minute, random faults around it, and no limit ever crossed."""
    report = chaos(market, 110.0, speed=6.0, seed=3, folder=tmp_path)
    assert report.broken(PATIENCE_S) == []
    assert report.faults["refuse"] == 1
    assert sum(report.compared.values()) >= 10
    assert report.reconnects > 2
