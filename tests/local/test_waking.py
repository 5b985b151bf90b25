"""Waking the functions changes nothing."""

import msgspec

from core.adapters.memory.books import MemoryBooks
from core.domain.messages import Kind
from core.domain.signals import Signal
from core.domain.values import Market, Millis
from core.local.waking import hello, record, stale

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
