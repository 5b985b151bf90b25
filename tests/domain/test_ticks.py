"""The packed buffer of a symbol's newest trades is a bounded queue, whatever comes."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from core.domain.ticks import FIRST, Tick, Ticks

PRICES = st.floats(0.0, 1e15)
TRADES = st.lists(st.tuples(st.integers(0, 2**62), PRICES, PRICES), max_size=5 * FIRST)


@given(TRADES, st.integers(1, 4 * FIRST))
def test_it_holds_what_a_bounded_queue_holds(trades, most):  # D8
    kept, queue = Ticks(most), deque(maxlen=most)
    for trade in trades:
        kept.add(*trade)
        queue.append(Tick(*trade))

    assert list(kept) == list(queue)
    assert len(kept) == len(queue)


def test_room_grows_to_the_most_and_then_the_oldest_go():  # D8
    kept = Ticks(3 * FIRST)
    for at in range(10 * FIRST):
        kept.add(at, 1.0, 1.0)
        assert len(kept) == min(at + 1, 3 * FIRST)

    assert [tick.at for tick in kept] == list(range(7 * FIRST, 10 * FIRST))


def test_a_quiet_symbol_takes_a_fraction_of_what_a_busy_one_may():
    assert len(Ticks(1000).rows) * 50 < 1000 * 24 * 10
