"""D17: opens after repeated failure, probes, closes; never longer away than its rest."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.values import Millis
from core.feed.breaker import FAILURES, REST_MS, Breaker


def opened(at=0):
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(Millis(at))
    return breaker


def test_single_failures_do_not_open_it():
    breaker = Breaker()
    for _ in range(50):
        for _ in range(FAILURES - 1):
            breaker.failed(Millis(0))
        breaker.succeeded()

    assert breaker.closed
    assert (breaker.wait_ms(Millis(0)), breaker.opened) == (0, 0)


def test_repeated_failure_opens_it_and_one_probe_goes_after_its_rest():
    breaker = opened()

    assert not breaker.closed
    assert breaker.wait_ms(Millis(500)) == REST_MS - 500
    assert breaker.wait_ms(Millis(REST_MS)) == 0
    assert breaker.wait_ms(Millis(REST_MS)) == REST_MS  # the probe is out


def test_a_probe_that_fails_leaves_it_open_and_one_that_is_answered_closes_it():
    breaker = opened()
    assert breaker.wait_ms(Millis(REST_MS)) == 0
    breaker.failed(Millis(REST_MS + 10))
    assert breaker.wait_ms(Millis(REST_MS + 20)) == REST_MS - 10

    assert breaker.wait_ms(Millis(2 * REST_MS + 10)) == 0
    breaker.succeeded()

    assert breaker.closed
    assert (breaker.wait_ms(Millis(2 * REST_MS + 11)), breaker.opened) == (0, 1)


@given(st.integers(0, 60_000), st.integers(0, 60_000))
def test_whoever_waits_as_told_is_through_within_three_seconds_of_the_cause_ending(fails_ms, asked_every):
    breaker, at, ended = opened(), 0, fails_ms
    while True:
        at += breaker.wait_ms(Millis(at))
        if breaker.wait_ms(Millis(at)) == 0:
            if at >= ended:
                breaker.succeeded()
                break
            breaker.failed(Millis(at))

    assert at - ended <= 3000 or ended == 0
