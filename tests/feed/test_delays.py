"""D11: lag is measured from the venue's stamp to the processing, whatever the clocks."""

import pytest

from core.feed.delays import SPAN_MS, Delays


@pytest.mark.parametrize("skew", [-3_600_000, 0, 3_600_000])
def test_what_grows_is_lag_and_what_is_always_there_is_none(skew):
    delays = Delays()
    assert delays.look([skew + 40, skew + 30, skew + 90], 0) == 0
    assert delays.look([skew + 30], 1_000) == 0
    assert delays.look([skew + 2_030, skew + 2_031, skew], 2_000) == 2_000
    assert delays.look([skew + 30], 3_000) == 0


def test_one_slow_symbol_is_no_lag():
    delays = Delays()
    delays.look([10, 10, 10], 0)
    assert delays.look([10, 9_000, 10], 1_000) == 0


def test_a_clock_that_was_set_is_believed_after_a_while():
    delays = Delays()
    delays.look([0], 0)
    assert delays.look([5_000], 1_000) == 5_000
    assert delays.look([5_000], SPAN_MS) == 5_000
    assert delays.look([5_000], 2 * SPAN_MS) == 0
    assert delays.look([5_000], 1) == 0
