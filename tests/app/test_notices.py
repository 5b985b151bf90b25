"""What notices of our own orders add up to (D1, E8): fast where they are complete, silent where they are not."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.app.notices import heard
from core.domain.events import NoticeKind, OrderNotice
from core.domain.orders import State
from core.domain.values import Instrument, Market, Millis, Side

SAMSUNG = Instrument(Market.KRX, "005930")
OURS, OTHER, CANCEL = "0000001562", "0000001563", "0000001570"
ACCEPTED, FILLED, CANCELLED, REJECTED = (
    NoticeKind.ACCEPTED,
    NoticeKind.FILLED,
    NoticeKind.CANCELLED,
    NoticeKind.REJECTED,
)


def notice(kind, quantity, order=OURS, original="", side=Side.BUY, price=70_000):
    return OrderNotice(
        instrument=SAMSUNG, account="", order=order, original=original, side=side, kind=kind, quantity=D(quantity),
        price=D(price), at=Millis(0), seen=Millis(0),
    )  # fmt: skip


def said(*notices, quantity=10):
    return heard(OURS, Side.BUY, D(quantity), notices)


STORIES = [
    ([], None, 0),
    ([notice(ACCEPTED, 10)], None, 0),
    ([notice(ACCEPTED, 10), notice(FILLED, 10)], State.FILLED, 10),
    ([notice(FILLED, 10), notice(ACCEPTED, 10)], State.FILLED, 10),
    ([notice(ACCEPTED, 10), notice(FILLED, 4), notice(FILLED, 6)], State.FILLED, 10),
    ([notice(ACCEPTED, 10), notice(FILLED, 4)], None, 4),
    ([notice(REJECTED, 10)], State.REJECTED, 0),
    ([notice(FILLED, 4), notice(REJECTED, 10)], None, 4),
    ([notice(REJECTED, 10, CANCEL, OURS)], None, 0),
    ([notice(ACCEPTED, 10), notice(CANCELLED, 10, CANCEL, OURS)], State.CANCELLED, 0),
    ([notice(FILLED, 4), notice(CANCELLED, 6, CANCEL, OURS)], State.CANCELLED, 4),
    ([notice(FILLED, 4), notice(CANCELLED, 6)], State.CANCELLED, 4),
    ([notice(FILLED, 1), notice(CANCELLED, 6, CANCEL, OURS)], None, 1),  # a fill of 3 was missed: the venue is asked
    ([notice(FILLED, 10, OTHER)], None, 0),
    ([notice(FILLED, 10, side=Side.SELL)], None, 0),
    ([notice(FILLED, 10), notice(FILLED, 10)], None, 0),  # told twice: nothing of it is believed
]


@pytest.mark.parametrize(("notices", "state", "filled"), STORIES)
def test_a_finish_is_believed_only_where_the_units_add_up(notices, state, filled):
    found = said(*notices)
    assert (found.state, found.filled) == (state, filled)


def test_each_fill_keeps_its_own_price():
    found = said(notice(FILLED, 4, price=69_900), notice(FILLED, 6))
    assert [(part.quantity, part.price) for part in found.parts] == [(4, 69_900), (6, 70_000)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 9), st.integers(0, 5))
def test_a_missed_notice_never_makes_a_finish_with_fewer_units(fills, rest, missed):
    whole = [notice(ACCEPTED, sum(fills) + rest), *(notice(FILLED, units) for units in fills)]
    if rest:
        whole.append(notice(CANCELLED, rest, CANCEL, OURS))
    quantity = sum(fills) + rest
    complete = said(*whole, quantity=quantity)
    assert (complete.filled, complete.state) == (sum(fills), State.CANCELLED if rest else State.FILLED)

    del whole[1 + missed % len(fills)]
    found = said(*whole, quantity=quantity)
    assert found.state is None
