"""B2: what is asked first of an order that was just sent, told before it is sent, so that both turns can be taken."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.domain.orders import Order
from core.domain.policies import Environment
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.kis.order_rows import CcldRow
from core.venues.ordering import Depot
from core.venues.spec import venue

AT = Millis(1_790_046_000_000)
ASKED = {
    Market.KRX: ("/uapi/domestic-stock/v1/trading/inquire-daily-ccld", "rest", 1),
    Market.UPBIT: ("/v1/order", "default", 1),
    Market.BINANCE: ("/api/v3/order", "weight", 4),
}


def looked(market, environment=Environment.REAL, **changes):
    on = Instrument(market, "005930")
    order = Order(
        id="hoga-1", instrument=on, side=Side.BUY, quantity=D(10), reference=D(100), signal="s", leg=0, worker="w",
        reason="fall", at=AT,
    )  # fmt: skip
    spec = replace(venue(market).orders, **changes)
    return spec.look(order, Depot(number="12345678-01", environment=environment, quote="USDT"), AT)


@pytest.mark.parametrize("market", Market)
def test_the_first_look_is_by_our_id_where_the_venue_knows_it_and_in_its_list_where_not(market):
    request = next(looked(market))
    assert (request.path, request.group, request.weight) == ASKED[market]


def test_where_lists_leave_orders_out_or_are_missing_nothing_is_asked_first():
    assert looked(Market.KRX, Environment.MOCK) is None
    assert looked(Market.KRX, listed=None) is None


def test_a_row_is_whole_where_its_figures_say_what_became_of_every_unit_and_of_its_money():
    def row(**figures):
        blank = CcldRow(pdno="005930", ord_dt="20260922", odno="1", sll_buy_dvsn_cd="02", ord_qty="10")
        return replace(blank, **figures).row(AT, "")

    assert row(tot_ccld_qty="10", tot_ccld_amt="700000").whole
    assert row(tot_ccld_qty="7", tot_ccld_amt="490000", cncl_cfrm_qty="3").whole
    assert row(tot_ccld_qty="7", tot_ccld_amt="490000", rjct_qty="3").whole
    assert row(rjct_qty="10").whole
    assert not row(tot_ccld_qty="10").whole
    assert not row(tot_ccld_qty="7", tot_ccld_amt="490000").whole
    assert not row().whole
