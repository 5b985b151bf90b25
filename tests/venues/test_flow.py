"""A flow's first request can be read without sending it."""

import pytest

from core.domain.errors import OrderExecutionError
from core.venues.flow import Request, openings

ASKED = Request("GET", "/a", group="ticker", weight=2)


def asks(closed):
    try:
        yield ASKED
        raise AssertionError("nobody answers it")
    finally:
        closed.append(True)


def refuses():
    raise OrderExecutionError("no such order can be made")
    yield ASKED


def says_at_once():
    return 1
    yield ASKED


def breaks():
    raise ValueError("a fault of ours")
    yield ASKED


def test_the_first_request_of_each_flow_is_read_and_the_flow_is_over():
    closed = []
    assert openings([asks(closed), asks(closed)]) == [ASKED, ASKED]
    assert closed == [True, True]


def test_a_flow_that_asks_nothing_or_refuses_its_order_has_none_and_a_fault_is_told():
    assert openings([refuses(), says_at_once()]) == []
    with pytest.raises(ValueError, match="ours"):
        openings([breaks()])
