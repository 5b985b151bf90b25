"""Races on the paper venue's log and on the cooldowns (E8, F3), on the embedded AWS: moto's writes are not atomic."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest

from core.adapters.dynamo.cooldowns import DynamoCooldowns
from core.adapters.dynamo.paper_store import DynamoPaperStore
from core.adapters.paper import PaperBroker
from core.domain.errors import OrderExecutionError, Transient
from core.domain.messages import Alert, Delivery, Kind
from core.domain.values import Market, Millis, Side
from tests.adapters.test_paper import AT, RULES, ShownBooks, order

THREADS = 12


@pytest.mark.cloud
def test_one_id_placed_by_many_at_once_has_one_set_of_fills(tables):
    brokers = [
        PaperBroker(ShownBooks("KRW-BTC"), RULES, DynamoPaperStore(tables.paper, tables.client()), lambda: AT)
        for _ in range(THREADS)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        for n in range(10):
            asked = order(quantity="2", signal=f"s{n}")
            outcomes = list(pool.map(lambda broker, asked=asked: broker.place(asked, AT), brokers))
            assert len({outcome.fills for outcome in outcomes}) == 1
    assert brokers[0].holdings(Market.UPBIT) == {"KRW-BTC": D(20)}


@pytest.mark.cloud
def test_many_orders_at_once_never_sell_more_than_is_held(tables):
    brokers = [
        PaperBroker(ShownBooks("KRW-BTC", size=1e6), RULES, DynamoPaperStore(tables.paper, tables.client()), lambda: AT)
        for _ in range(THREADS)
    ]
    brokers[0].place(order(quantity="5", signal="buy"), AT)

    def sell(n):
        try:
            return brokers[n].place(order(Side.SELL, "1", signal=f"sell{n}"), AT).fills
        except (OrderExecutionError, Transient):
            return ()

    with ThreadPoolExecutor(THREADS) as pool:
        sold = sum((fill.quantity for fills in pool.map(sell, range(THREADS)) for fill in fills), D(0))
    assert sold <= 5
    assert brokers[0].holdings(Market.UPBIT).get("KRW-BTC", D(0)) == 5 - sold


@pytest.mark.cloud
def test_one_topic_claimed_by_many_alerts_at_once_is_granted_once(tables):
    stores = [DynamoCooldowns(tables.state, tables.client()) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        for round in range(10):

            def claim(n, round=round):
                alert = Alert(id=f"{round}-{n}", kind=Kind.SIGNAL, at=Millis(0), rule=f"r{round}")
                return stores[n].claim(Delivery("log", alert), 600_000, Millis(1_000))

            assert sum(pool.map(claim, range(THREADS))) == 1
