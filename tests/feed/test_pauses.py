"""D6: an open connection that brought nothing for longer than chance explains has a gap."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from core.feed.freshness import Gap
from core.feed.pauses import Counted, Pauses


def run(pauses, frames, begins=0, life=1):
    """One look a second with so many new frames each; returns the gaps."""
    total, found = getattr(pauses, "total", 0), []
    for second, new in enumerate(frames):
        total += new
        found += pauses.look({0: Counted(life, total)}, begins + second * 1_000)
    pauses.total = total
    return found


def test_a_stall_of_a_busy_connection_is_a_gap_once_frames_come_again():
    pauses = Pauses()
    assert run(pauses, [20] * 20) == []
    assert run(pauses, [0] * 6, 20_000) == []
    assert run(pauses, [20] * 5, 26_000) == [(0, Gap(18_000, 26_000))]
    assert 15 < pauses.rate(0) < 25
    assert pauses.rate(1) == 0.0


def test_a_connection_that_usually_says_little_may_be_silent_for_long():
    pauses = Pauses()
    assert run(pauses, [1, 0, 0] * 40 + [0] * 30 + [1] * 3) == []


def test_a_new_life_of_a_connection_begins_without_a_past():
    pauses = Pauses()
    run(pauses, [20] * 20)
    assert run(pauses, [0] * 10 + [20] * 3, 20_000, life=2) == []
    pauses.look({}, 99_000)
    assert pauses.rate(0) == 0.0


def test_a_clock_that_stands_still_makes_no_gap():
    pauses = Pauses()
    run(pauses, [20] * 20)
    assert pauses.look({0: Counted(1, 500)}, 19_000) == []


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 30.0))
def test_chance_alone_is_no_gap(seed, rate):
    """Frames by the dice, at whatever rate, for a quarter of an hour."""
    dice = random.Random(seed)
    frames = [sum(dice.random() < rate / 40 for _ in range(40)) for _ in range(900)]
    assert run(Pauses(), frames) == []
