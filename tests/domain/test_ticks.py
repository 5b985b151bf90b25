"""The packed buffer of a symbol's newest trades is a bounded queue, whatever comes."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from core.domain.ticks import FIRST, RECENT, WIDTH, Tick, Ticks

PRICES = st.floats(0.0, 1e15)
TRADES = st.lists(st.tuples(st.integers(0, 2**62), PRICES, PRICES), max_size=5 * FIRST)


@given(TRADES, st.integers(1, 4 * FIRST))
def test_it_holds_the_newest_of_what_came_whatever_came(trades, most):  # D8
    kept, every = Ticks(most), []
    for trade in trades:
        kept.add(*trade)
        every.append(Tick(*trade))
        assert list(kept) == every[len(every) - len(kept) :]
        assert min(len(every), FIRST // 2, most) <= len(kept) <= most


@given(st.lists(st.integers(0, RECENT // FIRST), max_size=6 * FIRST), st.integers(1, 4 * FIRST))
def test_of_a_symbol_that_trades_faster_than_its_room_was_made_for_it_holds_what_a_bounded_queue_holds(waits, most):
    kept, queue, at = Ticks(most), deque(maxlen=most), 0
    for wait in waits:
        at += wait * FIRST // most if most > FIRST else wait
        kept.add(at, 1.0, 1.0)
        queue.append(Tick(at, 1.0, 1.0))
        if len(queue) < most or kept.room == most * WIDTH:
            assert list(kept) == list(queue)


def test_a_symbol_that_trades_seldom_keeps_its_first_room_and_one_that_did_trade_often_gives_room_back():  # D5
    kept, at = Ticks(8 * FIRST), 0
    for _ in range(3 * FIRST):
        at += RECENT
        kept.add(at, 1.0, 1.0)
    assert kept.room == FIRST * WIDTH

    for _ in range(20 * FIRST):
        kept.add(at, 1.0, 1.0)
    assert kept.room == 8 * FIRST * WIDTH

    for _ in range(20 * FIRST):
        at += RECENT
        kept.add(at, 1.0, 1.0)
    assert kept.room == len(kept.rows) == FIRST * WIDTH
    assert [tick.at for tick in kept] == [at - RECENT * back for back in reversed(range(FIRST))]


def test_the_trades_of_the_last_seconds_are_all_there_once_the_room_has_followed():  # D8, D15
    kept, every, at = Ticks(1000), [], 0
    for pace in (2000, 50, 400):
        for number in range(2000):
            at += pace
            kept.add(at, 1.0, 1.0)
            every.append(at)
            if number >= 500:
                recent = [moment for moment in every[-1000:] if at - moment < RECENT // 2]
                assert [tick.at for tick in kept][-len(recent) :] == recent


def test_room_grows_to_the_most_and_then_the_oldest_go():  # D8
    kept = Ticks(3 * FIRST)
    for at in range(10 * FIRST):
        kept.add(at, 1.0, 1.0)
        assert len(kept) == min(at + 1, 3 * FIRST)

    assert [tick.at for tick in kept] == list(range(7 * FIRST, 10 * FIRST))


def test_a_quiet_symbol_takes_a_fraction_of_what_a_busy_one_may():
    assert len(Ticks(1000).rows) * 50 < 1000 * 24 * 10
