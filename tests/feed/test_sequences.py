"""D8: ids without holes say which trades never came."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from core.feed.freshness import Gap
from core.feed.sequences import Ids, Sequences


def look(sequences, known, at, full=False):
    return sequences.look({"A": Ids(max(known, default=0), known, full)}, at)


def test_an_id_that_never_came_is_a_gap_between_the_looks_around_it():
    sequences = Sequences()
    assert look(sequences, [1, 2, 3], 1_000) == []
    assert look(sequences, [1, 2, 3, 5, 6], 2_000) == []
    assert look(sequences, [1, 2, 3, 5, 6, 7], 3_000) == [("A", Gap(1_000, 3_000))]
    assert look(sequences, [1, 2, 3, 5, 6, 7, 8], 4_000) == []
    assert sequences.missing == 1


def test_an_id_that_comes_a_moment_late_is_none():
    sequences = Sequences()
    look(sequences, [1, 2, 3], 1_000)
    look(sequences, [1, 2, 3, 5], 2_000)
    assert look(sequences, [1, 2, 3, 5, 4], 3_000) == []


def test_before_the_first_trade_and_after_more_than_are_remembered_nothing_is_judged():
    sequences = Sequences()
    assert look(sequences, [], 1_000) == []
    assert look(sequences, [7], 2_000) == []
    assert look(sequences, [7, 8], 3_000) == []
    assert look(sequences, list(range(900, 910)), 4_000, full=True) == []
    assert look(sequences, list(range(900, 910)), 5_000, full=True) == []
    assert sequences.missing == 0


@given(st.sets(st.integers(100, 300)), st.integers(1, 40))
def test_as_many_are_missing_as_were_left_out(gone, step):
    """Whatever the rhythm of the looks: all but what came since the last but one is judged."""
    sequences, known = Sequences(), deque(range(60, 90), maxlen=256)
    look(sequences, known, 0)
    for at, first in enumerate(range(90, 400, step), 1):
        known.extend(i for i in range(first, first + step) if i not in gone)
        look(sequences, known, at * 1_000)
    look(sequences, known, 10**6)
    look(sequences, known, 10**6 + 1)
    assert sequences.missing == len(gone)
