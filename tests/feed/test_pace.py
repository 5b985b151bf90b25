"""Even spacing (B2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.values import Millis
from core.feed.pace import SKEW_MS, step_ms, wait_ms


@given(st.floats(1.0, 1000.0))
def test_a_second_of_evenly_spaced_calls_holds_at_most_the_limit(limit):
    assert -(-1000 // step_ms(limit)) <= limit


@given(st.floats(0.01, 0.999))
def test_a_limit_under_one_is_one_call_in_that_much_time(limit):
    assert step_ms(limit) * limit >= 1000


@pytest.mark.parametrize(
    ("ready", "wait"), [(0, 0), (1000, 0), (1001, 1), (1125, 125), (1125 + SKEW_MS, 125 + SKEW_MS), (1126 + SKEW_MS, 0)]
)
def test_a_moment_is_waited_for_only_where_it_can_be_true(ready, wait):
    assert wait_ms(ready, 125, Millis(1000)) == wait
