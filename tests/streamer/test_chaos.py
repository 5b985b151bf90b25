"""Issue 5, chaos: the compressed run of one venue. The other, and ten minutes of each in real time, by the command:
`python tests/benchmarks/chaos.py --venue binance --minutes 10`."""

import pytest

from core.domain.values import Market
from tests.benchmarks.chaos import chaos

PATIENCE_S = 90.0
"""Of market time, twelve times as fast: nothing is asserted here about how fast a loaded machine is."""


@pytest.mark.slow
def test_whatever_breaks_every_whole_candle_is_the_exchanges_own_and_every_other_says_why(tmp_path):
    """D6, D8: with an outage of a minute, random faults around it, and no limit ever crossed."""
    report = chaos(Market.UPBIT, 150.0, speed=12.0, seed=3, folder=tmp_path, calm=(1.0, 3.0, 8.0, 25.0))
    assert report.broken(PATIENCE_S) == []
    assert report.faults["refuse"] == 1
    assert len(report.faults) >= 4
    assert sum(report.compared.values()) >= 10
    assert report.reconnects > 2
