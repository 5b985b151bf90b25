"""Issue 5, backpressure: more than one core can take. Twenty seconds of it: `python tests/benchmarks/overload.py`."""

import pytest

from core.feed import pressure
from streamer import rounds
from tests.benchmarks.overload import overload

RATE = 600_000
"""Messages a second: no core takes half of them."""


@pytest.mark.slow
async def test_too_many_messages_conflate_then_shed_what_is_not_held_then_all_comes_back_and_no_volume_is_lost(
    tmp_path, monkeypatch
):
    """D11: by lag that is measured; each step here after tenths of a second instead of seconds."""
    monkeypatch.setattr(rounds, "LOOK_S", 0.2)
    for name, value in (("RISE_MS", 400), ("FALL_MS", 1_000), ("RELAPSE_MS", 500)):
        monkeypatch.setattr(pressure, name, value)
    found = await overload(4.0, 8, RATE, 400, tmp_path, say=lambda line: None, before_s=1.0)
    assert found["wrong"] == []
    assert found["steps"][:3] == ["calm", "conflated", "shed"]
    assert found["steps"][-2:] == ["conflated", "calm"]
    assert found["worst_lag_ms"] > pressure.LAG_MS
    assert found["restored"]
    assert found["books_dropped"] > 1_000
    assert found["exact"], (found["held_volume"], found["held_trades"])
