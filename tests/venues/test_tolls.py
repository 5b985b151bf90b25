"""B2: what a buy asks of a venue's account is told by the venue as its own flows ask it, so that turns can be taken."""

from decimal import Decimal as D

import pytest

from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.ordering import Depot, Sought, Toll
from core.venues.spec import venue

AT = Millis(1_790_046_000_000)
KNOWN = {Market.KRX: "", Market.UPBIT: "uuid", Market.BINANCE: "XRPUSDT-1"}


@pytest.mark.parametrize("market", Market)
def test_a_buys_tolls_are_those_of_the_calls_that_its_flows_begin_with(market):
    spec = venue(market).orders
    on = Instrument(market, "005930" if market is Market.KRX else "XRPUSDT")
    depot = Depot(number="12345678-01", environment=Environment.REAL, quote="USDT")
    order = Order(
        id="hoga-1", instrument=on, side=Side.BUY, quantity=D(10), reference=D(100), signal="s", leg=0, worker="w",
        reason="fall", at=AT, limit=D(100),
    )  # fmt: skip
    look = (
        spec.named(order, KNOWN[market], depot, AT)
        if spec.named
        else spec.listed(Sought(instrument=on, side=Side.BUY, since=AT), depot, AT)
    )
    flows = [spec.affordable(on.symbol, D(100), depot, AT), spec.place(order, depot, Phase.REGULAR, AT), look]
    asked = [next(flow) for flow in flows]
    assert spec.buy == tuple(Toll(request.group, request.weight) for request in asked)
    assert {toll.group for toll in spec.buy} <= spec.limits[Environment.REAL].keys()
