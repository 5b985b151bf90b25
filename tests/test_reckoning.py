"""What holds the venue's log against our books must itself see a wrong share, a wrong fee and an order that is nobody's."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.domain.orders import Fill, Order, State
from core.domain.values import Millis, Side
from tests.fakes import AAA, AT
from tests.reckoning import Deal, Part, named, untrue

FILL = Fill(id="f", price=Decimal(100), quantity=Decimal(3), fee=Decimal("0.15"), tax=Decimal(2), at=AT)
OURS = Order(
    id="hoga-1", instrument=AAA, side=Side.SELL, quantity=Decimal(3), reference=Decimal(100), signal="s", leg=0,
    worker="w", reason="stop_loss", at=Millis(AT), state=State.FILLED, venue_id="7", fills=(FILL,),
)  # fmt: skip


def deal(client="", **changes):
    figures = {"price": Decimal(100), "units": Decimal(3), "fee": Decimal("0.15"), "tax": Decimal(2), **changes}
    return Deal("7", client, AAA.symbol, Side.SELL, AT, (Part(place=1, **figures),))


@pytest.mark.parametrize("known", [deal(), deal("hoga-1")], ids=["by its number", "by our id"])
def test_an_order_that_is_the_venues_is_found_and_is_true(known):
    assert untrue([OURS], [known]) == {}


@pytest.mark.parametrize("figure", ["price", "units", "fee", "tax"])
def test_a_figure_that_is_off_by_the_last_decimal_shows(figure):
    off = getattr(deal().parts[0], figure) + Decimal("0.00000001")
    assert set(untrue([OURS], [deal(**{figure: off})])) == {"hoga-1"}


def test_fills_that_the_venue_never_had_show_and_write_offs_are_no_orders_of_the_venues():
    assert set(untrue([OURS], [])) == {"hoga-1"}
    assert untrue([replace(OURS, reason="dust")], []) == {}


def test_an_order_without_a_number_is_the_one_whose_sums_it_has_and_a_strangers_is_nobodys():
    bare = replace(OURS, venue_id="")
    other = replace(bare, id="hoga-2", fills=(replace(FILL, quantity=Decimal(5)),))
    rows = {order.id: order for order in (other, bare)}
    assert named([deal()], rows) == {"7": "hoga-1"}
    assert named([deal()], {}) == {"7": "7"}


def test_a_sale_brings_its_worth_less_what_it_cost_and_a_buy_takes_both():
    assert deal().cash == Decimal("297.85")
    assert deal()._replace(side=Side.BUY).cash == Decimal("-302.15")
