"""D11: what is given up under lag, in which order, and that it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feed.pressure import CALM_MS, DEEPEST, FALL_MS, LAG_MS, LONGEST_MS, RISE_MS, Pressure, Step

BAD, FINE, BETWEEN = LAG_MS + 1, CALM_MS - 1, LAG_MS


def run(pressure, lag_ms, seconds, begins=0):
    """One look a second; returns the moments at which it moved, and by what."""
    looks = ((begins + n * 1000, pressure.look(lag_ms, begins + n * 1000)) for n in range(seconds))
    return [(at, by) for at, by in looks if by]


def test_a_lag_that_lasts_conflates_first_and_sheds_then():
    pressure = Pressure()
    moved = run(pressure, BAD, 8)
    assert moved == [(RISE_MS, 1), (2 * RISE_MS, 1)]
    assert pressure.step is Step.SHED
    assert pressure.allowed(100, 3) == 50


def test_a_short_lag_and_one_between_the_limits_change_nothing():
    pressure = Pressure()
    for begins in range(0, 60_000, 4_000):
        assert run(pressure, BAD, 3, begins) == []
        assert run(pressure, BETWEEN, 1, begins + 3_000) == []
    assert (pressure.step, pressure.moves) == (Step.CALM, 0)


def test_what_was_given_up_comes_back_step_by_step_and_only_after_a_long_calm():
    pressure = Pressure()
    run(pressure, BAD, 8)
    assert run(pressure, FINE, 70, 8_000) == [(8_000 + FALL_MS, -1), (8_000 + 2 * FALL_MS, -1)]
    assert pressure.step is Step.CALM


def test_going_back_too_early_makes_the_next_calm_longer_until_it_held():
    pressure = Pressure()
    run(pressure, BAD, 4)
    ((back, _),) = run(pressure, FINE, 31, 4_000)
    run(pressure, BAD, 4, back + 1_000)
    begins = back + 5_000
    ((again, _),) = run(pressure, FINE, 70, begins)
    assert again - begins == 2 * FALL_MS
    run(pressure, FINE, 70, again + 1_000)
    later = again + 200_000
    run(pressure, BAD, 4, later)
    ((last, _),) = run(pressure, FINE, 40, later + 4_000)
    assert last - later - 4_000 == FALL_MS


@given(st.integers(0, 2_000), st.integers(0, 30), st.integers(0, 60))
def test_what_is_held_is_never_shed_and_something_is_always_seen(wanted, firm, seconds):
    pressure = Pressure()
    run(pressure, BAD, seconds)
    allowed = pressure.allowed(wanted, min(firm, wanted))
    assert min(firm, wanted) <= allowed <= wanted
    assert allowed or not wanted


@pytest.mark.parametrize("seconds", [100, 200])
def test_it_goes_no_deeper_than_its_deepest_step(seconds):
    pressure = Pressure()
    run(pressure, BAD, seconds)
    assert pressure.level == DEEPEST + 1
    assert pressure.allowed(320, 0) == 5


def test_the_longest_calm_that_is_asked_for_is_bounded():
    pressure, at = Pressure(), 0
    for _ in range(12):
        run(pressure, BAD, 4, at)
        moved = run(pressure, FINE, 500, at + 4_000)
        at = moved[0][0] + 1_000
    assert pressure._fall_ms <= LONGEST_MS
