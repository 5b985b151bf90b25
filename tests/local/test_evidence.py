"""What a demo shows as proof is read from the paper venue's own table, as that venue writes it (E9)."""

from decimal import Decimal
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from core.adapters.dynamo.paper_store import DynamoPaperStore
from core.domain.fills import Holding
from core.domain.orders import Fill, Order, State
from core.domain.values import Instrument, Market, Millis, Side
from core.local.evidence import venue_log
from tests.cloud import shape

AT = Millis(1_000)


def order(market, symbol, units, side=Side.BUY):
    fill = Fill(
        id="f", price=Decimal(10), quantity=Decimal(units), fee=Decimal(0), tax=Decimal(0), at=AT
    )  # fmt: skip
    return Order(
        id=f"{market}:{symbol}:{side}", instrument=Instrument(market, symbol), side=side, quantity=Decimal(units),
        reference=Decimal(10), signal="s", leg=0, worker="w", reason="r", at=AT, state=State.FILLED, fills=(fill,),
    )  # fmt: skip


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="ap-northeast-2")
        client.create_table(TableName="paper", **shape("PaperTable"))
        yield SimpleNamespace(client=lambda service: client, outputs={"PaperTable": "paper"})


def test_every_order_and_every_holding_that_is_not_zero_of_all_markets_is_read(cloud):
    store = DynamoPaperStore("paper", cloud.client("dynamodb"))
    orders = [
        order(Market.UPBIT, "KRW-BTC", 2),
        order(Market.KRX, "005930", 3),
        order(Market.KRX, "005930", 3, Side.SELL),
    ]
    for number, one in enumerate(orders):
        assert store.record(one, Holding(), Holding(book=Millis(number + 1))) is None

    found, held = venue_log(cloud)

    assert found == {one.id: one for one in orders}
    assert held == {Instrument(Market.UPBIT, "KRW-BTC"): Decimal(2)}
