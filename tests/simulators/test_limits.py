"""Counting calls as Upbit counts them (B2, reference/upbit.md 2)."""

from hypothesis import given
from hypothesis import strategies as st

from core.simulators.limits import Gate, Limits, Postbox, Recent, Window, remaining


def test_ten_calls_fit_in_one_calendar_second_and_the_eleventh_does_not():
    gate = Gate(Limits())
    answers = [gate.call("ticker", 1_000_900) for _ in range(11)]
    assert [answer.left for answer in answers] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [answer.status for answer in answers] == [0] * 10 + [429]
    assert gate.call("ticker", 1_001_000).status == 0


def test_groups_are_counted_apart():
    gate = Gate(Limits(per_s=1))
    assert [gate.call(group, 5).status for group in ("ticker", "candles", "ticker")] == [0, 0, 429]


def test_going_on_after_429_blocks_and_each_block_is_longer():
    gate = Gate(Limits(per_s=1, forgiven=2, block_s=10.0))
    gate.call("ticker", 0)
    assert [gate.call("ticker", 0).status for _ in range(3)] == [429, 429, 418]
    assert gate.call("candles", 9_999).wait_s == 0.001
    assert gate.call("candles", 9_999).status == 418
    assert gate.call("candles", 10_000).status == 0
    again = [gate.call("candles", 10_000) for _ in range(3)]
    assert (again[-1].status, again[-1].wait_s) == (418, 20.0)


def test_429s_far_apart_are_forgiven():
    gate = Gate(Limits(per_s=0, forgiven=1, memory_s=10.0))
    assert [gate.call("ticker", second * 11_000).status for second in range(5)] == [429] * 5


def test_an_origin_header_leaves_one_call_in_ten_seconds():
    gate = Gate(Limits())
    statuses = [gate.call("origin", at).status for at in (0, 9_999, 10_000)]
    assert statuses == [0, 429, 0]


def test_five_connects_a_second():
    gate = Gate(Limits())
    assert [gate.connect(7).status for _ in range(6)] == [0] * 5 + [429]


def test_a_connection_sends_five_messages_a_second_and_a_hundred_a_minute():
    box = Postbox(Limits())
    assert [box.fits(0) for _ in range(6)] == [True] * 5 + [False]
    box = Postbox(Limits(messages_per_s=200))
    assert [box.fits(second * 500) for second in range(101)].count(True) == 100


@given(st.lists(st.integers(0, 5_000), max_size=80), st.integers(1, 6), st.integers(1, 2_000))
def test_a_sliding_window_never_lets_more_through_than_its_limit(moments, limit, span):
    recent, passed = Recent(limit, span), []
    for at in sorted(moments):
        left, wait = recent.take(at)
        assert (wait == 0) or (left == 0 and 0 < wait <= span)
        if wait == 0:
            passed.append(at)
    assert all(later - earlier >= span for earlier, later in zip(passed, passed[limit:], strict=False))


def test_a_sliding_window_tells_when_its_oldest_is_forgotten():
    recent = Recent(2, 1000)
    assert recent.resets_ms(5) == 0
    recent.take(100)
    assert recent.resets_ms(400) == 700


def test_the_header_carries_the_fixed_minute_figure():
    assert remaining("ticker", 9) == "group=ticker; min=600; sec=9"
    assert remaining("websocket", 3) == "group=websocket; min=300; sec=3"
    assert remaining("origin", 0) == "group=origin; min=6; sec=0"


def test_a_window_never_goes_under_minus_one():
    window = Window(1, 1000)
    assert [window.take(0) for _ in range(4)] == [0, -1, -1, -1]
