"""The part of a limit that is kept free for trades (B2, E1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.spare import SpareBudget
from core.domain.values import Market, Millis

UPBIT = Market.UPBIT


class Shared:
    def __init__(self):
        self.asked = []

    def take(self, market, group, limit, at):
        self.asked.append((group, limit))
        return 125


def test_the_first_calls_of_a_second_are_not_asked_of_anybody_and_the_next_are():
    shared = Shared()
    budget = SpareBudget(shared, 0.8)
    assert [budget.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (0, 10, 20)] == [0, 0, 125]
    assert shared.asked == [("ticker", 8.0)]
    assert budget.take(UPBIT, "orderbook", 8.0, Millis(20)) == 0
    assert budget.take(UPBIT, "ticker", 8.0, Millis(1000)) == 0


def test_a_call_that_weighs_more_takes_more_of_the_second():
    budget = SpareBudget(Shared(), 0.8)
    assert budget.take(UPBIT, "w", 80.0 / 15, Millis(0)) == 0  # 15 of the 20 that are kept free
    assert budget.take(UPBIT, "w", 80.0 / 5, Millis(0)) == 0
    assert budget.take(UPBIT, "w", 80.0, Millis(0)) == 125


def test_a_venue_that_counts_by_the_minute_gives_its_part_of_a_minute_at_once():
    budget = SpareBudget(Shared(), 0.8, Millis(60_000))
    assert [budget.take(UPBIT, "weight", 80.0 / 600, Millis(at)) for at in (0, 1, 2, 59_999, 60_000)] == [
        0,
        0,
        125,
        125,
        0,
    ]


@pytest.mark.parametrize(("limit", "headroom"), [(0.8, 0.8), (18.0, 1.0)])
def test_where_nothing_whole_is_kept_free_everything_is_shared(limit, headroom):
    shared = Shared()
    assert SpareBudget(shared, headroom).take(UPBIT, "rest", limit, Millis(0)) == 125
    assert len(shared.asked) == 1


def test_a_clock_that_was_set_back_forgets_what_went():
    budget = SpareBudget(Shared(), 0.8)
    assert [budget.take(UPBIT, "ticker", 8.0, Millis(at)) for at in (5000, 5000, 100)] == [0, 0, 0]


@given(st.floats(1.0, 50.0), st.lists(st.integers(0, 400), min_size=1, max_size=100))
def test_no_second_holds_more_than_what_is_kept_free(limit, gaps):
    budget, at, went = SpareBudget(Shared(), 0.8), 0, []
    for gap in gaps:
        at += gap
        if not budget.take(UPBIT, "ticker", limit * 0.8, Millis(at)):
            went.append(at)
    assert all(sum(start <= each < start + 1000 for each in went) <= limit * 0.2 + 1e-6 for start in went)
