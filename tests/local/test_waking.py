"""Waking the functions changes nothing."""

from contextlib import suppress
from threading import Event

import msgspec

from core.adapters.memory.books import MemoryBooks
from core.domain.messages import Kind
from core.domain.signals import Signal
from core.domain.values import Market, Millis
from core.local.waking import hello, record, stale, unwaited

AT = Millis(1_795_166_400_000)


def test_the_waking_signal_is_long_over_and_its_event_reads_back():
    signal = stale(Market.UPBIT, "KRW-SOL", AT)

    body = record(signal)["Records"][0]["body"]

    assert msgspec.json.decode(body, type=Signal) == signal
    assert signal.expires < AT
    assert MemoryBooks().leases.locks() == []


def test_hello_is_a_test_alert_with_a_picture_to_draw():
    assert hello(AT).kind is Kind.TEST
    assert len(hello(AT).chart) > 2


def test_leaving_a_pool_by_ctrl_c_waits_for_no_call_that_still_runs():
    """Issue 2: Ctrl-C. A function on a busy machine takes half a minute to wake."""
    asked, ended = Event(), Event()

    def call():
        asked.set()
        ended.wait(60)

    with suppress(KeyboardInterrupt), unwaited(1) as pool:
        running, queued = pool.submit(call), pool.submit(call)
        assert asked.wait(60)
        raise KeyboardInterrupt

    assert running.running()
    assert queued.cancelled()
    ended.set()
    assert running.result(60) is None
