"""Even spacing (B2)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.turns import Fare, Stretch
from core.domain.values import Market, Millis
from core.feed.pace import LINGER_MS, LONGEST_MS, PUT_OFF_MS, SKEW_MS, put_off, step_ms, stretches, wait_ms, within


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


def stretch(since=1000, until=2250, group="ticker"):
    return Stretch(Market.UPBIT, group, Millis(since), Millis(until))


def test_a_stretch_has_room_for_its_calls_one_after_the_other_and_for_their_answers():
    fares = [Fare("rest", 12.0), Fare("other", 8.0), Fare("rest", 4.0)]
    assert stretches(Market.UPBIT, fares, Millis(1000)) == (
        stretch(until=1000 + LINGER_MS + 84 + 250, group="rest"), stretch(until=1000 + LINGER_MS + 125, group="other"),
    )  # fmt: skip


def test_calls_that_would_keep_others_waiting_too_long_take_no_stretch():
    four = [Fare("rest.mock", 0.8)] * 4
    [taken] = stretches(Market.KRX, four, Millis(0))
    assert taken.until == 4 * 1250 + LINGER_MS
    assert stretches(Market.KRX, [*four, four[0]], Millis(0)) == ()
    assert LONGEST_MS + PUT_OFF_MS < SKEW_MS - 2_000  # it is believed by a clock that is two seconds behind


@pytest.mark.parametrize(
    ("free", "at", "wait"),
    [
        (0, 1000, 0),
        (0, 400, 600),
        (1100, 1050, 50),
        (1100, 2125, 0),
        (1100, 2126, None),
        (2126, 1000, None),
        (0, 1000 - LONGEST_MS - PUT_OFF_MS, LONGEST_MS + PUT_OFF_MS),
        (0, 999 - LONGEST_MS - PUT_OFF_MS, None),
    ],
)
def test_a_call_goes_in_a_stretch_after_the_one_before_it_and_a_step_before_its_end(free, at, wait):
    assert within(stretch(), Millis(free), 125, Millis(at)) == wait


def test_a_stretch_that_is_free_soon_is_put_off_once_and_then_given_up():
    early, other = stretch(), stretch(group="orderbook")
    at = Millis(1000)
    [later, same] = put_off((early, other), {"ticker": 1400}, at)
    assert (later, same) == (stretch(1400, 2650), other)
    assert put_off((later, same), {"ticker": 1500}, at) == (other,)
    assert put_off((later, same), {"orderbook": 1100}, at) == (later, stretch(1100, 2350, "orderbook"))
    assert put_off((early,), {"ticker": 1001 + PUT_OFF_MS}, at) == ()
    assert put_off((early,), {"ticker": 900}, at) == ()


@given(st.data())
def test_no_two_calls_of_a_group_are_nearer_than_its_step_whoever_makes_them(data):
    """B2: some in stretches of several processes, some for which the row itself is asked."""
    step, ready, went = step_ms(8.0), 0, []
    rented = {}
    at = 0
    for _ in range(data.draw(st.integers(1, 60))):
        at += data.draw(st.integers(0, 300))
        who = data.draw(st.integers(0, 3))
        if who in rented and (wait := within(*rented[who], step, Millis(at))) is not None:
            if not wait:
                rented[who] = rented[who][0], Millis(at + step)
                went.append(at)
        elif data.draw(st.booleans()):
            [taken] = stretches(Market.UPBIT, [Fare("ticker", 8.0)] * data.draw(st.integers(1, 3)), Millis(at))
            if late := wait_ms(ready, step, Millis(at)):
                taken = next(iter(put_off((taken,), {"ticker": at + late}, Millis(at))), None)
            if taken is not None:
                ready, rented[who] = taken.until, (taken, taken.since)
        elif not wait_ms(ready, step, Millis(at)):
            ready = at + step
            went.append(at)
    assert all(after - before >= step for before, after in pairwise(went))
