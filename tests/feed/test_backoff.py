"""Back-off: B3 (0.5, 1, 2, 4 with jitter and Retry-After) and D6 (1, 2, 4, 8 with jitter)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feed.backoff import SPREAD, pause_ms

REST, RECONNECT = (0.5, 1.0, 2.0, 4.0), (1.0, 2.0, 4.0, 8.0)
luck = st.floats(0.0, 1.0)


@pytest.mark.parametrize("ladder", [REST, RECONNECT])
def test_the_middle_of_the_dice_is_the_ladder_itself_and_its_top_repeats(ladder):
    pauses = [pause_ms(ladder, attempt, lambda: 0.5) for attempt in range(6)]

    assert pauses == [round(s * 1000) for s in (*ladder, ladder[-1], ladder[-1])]


@given(st.integers(0, 50), luck)
def test_jitter_stays_within_its_share_of_the_rung(attempt, dice):
    rung_ms = RECONNECT[min(attempt, 3)] * 1000

    assert abs(pause_ms(RECONNECT, attempt, lambda: dice) - rung_ms) <= rung_ms * SPREAD + 1


@given(st.integers(0, 50), luck, st.integers(0, 600_000))
def test_what_was_asked_for_is_never_undercut(attempt, dice, asked_ms):
    assert pause_ms(REST, attempt, lambda: dice, asked_ms) >= asked_ms


def test_callers_that_were_told_the_same_pause_come_back_apart():
    pauses = {pause_ms(REST, 3, lambda dice=dice: dice, 10_000) for dice in (0.0, 0.3, 0.6, 1.0)}

    assert len(pauses) == 4


def test_an_empty_ladder_does_not_wait():
    assert pause_ms((), 3, lambda: 1.0) == 0
