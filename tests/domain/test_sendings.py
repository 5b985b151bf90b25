"""E8: what a broker notes of an order before it sends it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.domain.orders import Order
from core.domain.sendings import Fate, Standing, draft
from core.domain.values import Instrument, Market, Millis, Side

ORDER = Order(
    id="hoga-1", instrument=Instrument(Market.KRX, "005930"), side=Side.SELL, quantity=Decimal(10),
    reference=Decimal(70_000), signal="s", leg=0, worker="w", reason="fall", at=Millis(5), limit=Decimal(69_000),
)  # fmt: skip


@pytest.mark.parametrize("before", [None, Standing(units=Decimal(3))])
def test_an_order_is_noted_as_one_that_may_have_left_with_its_own_terms(before):
    noted = draft(ORDER, before, None)
    assert (noted.order, noted.instrument, noted.side) == (ORDER.id, ORDER.instrument, ORDER.side)
    assert (noted.quantity, noted.limit, noted.at, noted.before) == (ORDER.quantity, ORDER.limit, ORDER.at, before)
    assert (noted.fate, noted.venue_id, noted.cancelled) == (Fate.SENT, "", 0)


def test_what_is_noted_again_is_the_version_after_the_last_and_nothing_else_of_that_stays():
    first = draft(ORDER, None, None)
    again = draft(ORDER, None, replace(first, fate=Fate.UNSENT, note="busy", version=4))
    assert (first.version, again.version) == (1, 5)
    assert replace(again, version=1) == first
