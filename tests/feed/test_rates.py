"""D4: outgoing messages stay under each exchange's rate, wherever the exchange's second begins."""

from hypothesis import given
from hypothesis import strategies as st

from core.feed.rates import Rates


def carry(rates, steps, spare=0):
    """Send one message after each pause as soon as it is allowed; returns when each went."""
    at, sent = 0, []
    for pause in steps:
        at += pause
        at = rates.ready(at, spare)
        rates.took(at)
        sent.append(at)
    return sent


def most_in_any(sent, window):
    return max((sum(start <= at < start + window for at in sent) for start in sent), default=0)


@given(
    per_s=st.integers(0, 6),
    per_min=st.integers(0, 30),
    steps=st.lists(st.integers(0, 3000), max_size=120),
)
def test_no_window_ever_holds_more_than_its_limit(per_s, per_min, steps):
    sent = carry(Rates(per_s, per_min), steps)
    assert sent == sorted(sent)
    if per_s:
        assert most_in_any(sent, 1_000) <= per_s
    if per_min:
        assert most_in_any(sent, 60_000) <= per_min


@given(per_s=st.integers(1, 6), steps=st.lists(st.integers(0, 3000), max_size=60))
def test_nothing_waits_longer_than_the_limit_asks(per_s, steps):
    rates, at, sent = Rates(per_s), 0, []
    for pause in steps:
        at += pause
        ready = rates.ready(at)
        if ready > at:
            assert sum(ready - 1_000 < when <= ready for when in sent) < per_s + 1
            assert sum(ready - 1_001 < when for when in sent) >= per_s
        at = ready
        rates.took(at)
        sent.append(at)


def test_spare_messages_of_the_minute_stay_free():
    rates = Rates(0, 10)
    sent = carry(rates, [0] * 8, spare=2)
    assert sent == [0] * 8
    assert rates.ready(5, spare=2) == 60_000
    assert rates.ready(5) == 5


def test_a_new_connection_counts_anew():
    rates = Rates(1)
    rates.took(0)
    assert rates.ready(1) == 1_000
    rates.forget()
    assert rates.ready(1) == 1


def test_without_limits_everything_may_go_at_once():
    assert carry(Rates(0, 0), [0] * 50) == [0] * 50
