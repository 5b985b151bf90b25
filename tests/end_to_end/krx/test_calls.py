"""Issue 3, must hold: calls as the simulator counts them (B1, B2, E12)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.adapters.dynamo.budget import DynamoBudget
from core.adapters.dynamo.tokens import DynamoVault
from tests.end_to_end.krx.floor import Exchange, Outside, policy_at

pytestmark = [pytest.mark.slow, pytest.mark.cloud]

MULTI = "/uapi/domestic-stock/v1/quotations/intstock-multprice"
SYMBOLS, BATCH, LIMIT = 250, 30, 18


@pytest.fixture
def exchange(tmp_path):
    started = Exchange(tmp_path, "--issues", str(SYMBOLS))
    yield started
    started.close()


def test_a_scan_of_250_symbols_takes_nine_calls(exchange):
    codes = exchange.codes[:SYMBOLS]

    rows = Outside(exchange, policy_at(exchange, codes)).quotes().tickers(codes, "KRW")

    log = exchange.ask("log")
    assert len(rows) == SYMBOLS
    assert log["calls"][MULTI] == -(-SYMBOLS // BATCH) == 9
    assert log["counts"]["codes quoted"] == SYMBOLS
    assert log["refusals"] == {}


def test_three_functions_that_call_at_once_stay_under_the_shared_budget(exchange, tables):
    """Each has clients of its own, as three Lambdas have; what they share is in the tables."""
    codes = exchange.codes[:SYMBOLS]
    policy = policy_at(exchange, codes)

    def function(number):
        shared = {
            "budget": DynamoBudget(tables.state, tables.client()),
            "vault": DynamoVault(tables.state, tables.client()),
        }
        quotes = Outside(exchange, policy, **shared).quotes()
        return [len(quotes.tickers(codes, "KRW")) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        seen = list(pool.map(function, range(3)))

    log = exchange.ask("log")
    assert seen == [[SYMBOLS] * 3] * 3
    assert log["calls"][MULTI] == 3 * 3 * 9
    assert log["refusals"] == {}
    assert max(log["busiest"].values()) <= LIMIT
    assert log["counts"]["tokens"] == 1
