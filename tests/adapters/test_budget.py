"""The shared budget of calls (B2): in memory by property, in the table by its request and by moto."""

import threading

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from core.adapters.dynamo.budget import MET_MS, DynamoBudget, take_request
from core.adapters.memory.budget import MemoryBudget
from core.domain.errors import Transient
from core.domain.turns import Stretch
from core.domain.values import Market, Millis
from tests.cloud import shape

UPBIT = Market.UPBIT


@pytest.fixture
def table(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="ap-northeast-2")
        client.create_table(TableName="state", **shape("StateTable"))
        yield client


def calls_made(budget, limit: float, gaps: list[int]) -> list[int]:
    """When calls went, for callers that come after these gaps and sometimes obey the wait and sometimes only ask."""
    at, went = 1_000_000, []
    for gap in gaps:
        at += gap
        wait = budget.take(UPBIT, "ticker", limit, Millis(at))
        if wait and gap % 2:
            at += wait
            wait = budget.take(UPBIT, "ticker", limit, Millis(at))
        if not wait:
            went.append(at)
    return went


@given(st.floats(0.2, 50.0), st.lists(st.integers(0, 400), min_size=1, max_size=200))
def test_no_second_wherever_it_begins_holds_more_calls_than_the_limit(limit, gaps):
    went = calls_made(MemoryBudget(), limit, gaps)

    window = 1000 if limit >= 1 else 1000 / limit
    most = int(limit) if limit >= 1 else 1
    assert all(sum(start <= at < start + window for at in went) <= most for start in went)


@given(st.floats(0.2, 50.0), st.integers(1, 40))
def test_whoever_waits_as_told_gets_a_turn_at_once(limit, count):
    budget, at = MemoryBudget(), 5_000

    for _ in range(count):
        at += budget.take(UPBIT, "ticker", limit, Millis(at))
        turn = budget.take(UPBIT, "ticker", limit, Millis(at))
        assert turn == 0 or budget.take(UPBIT, "ticker", limit, Millis(at + turn)) == 0
        at += turn


def test_groups_and_markets_do_not_share():
    budget = MemoryBudget()

    assert budget.take(UPBIT, "ticker", 1.0, Millis(0)) == 0
    assert budget.take(UPBIT, "candles", 1.0, Millis(0)) == 0
    assert budget.take(UPBIT, "ticker", 1.0, Millis(400)) == 600


def test_a_clock_that_was_set_back_does_not_stop_all_calls():
    budget = MemoryBudget()
    budget.take(UPBIT, "ticker", 1.0, Millis(1_000_000))

    assert budget.take(UPBIT, "ticker", 1.0, Millis(900_000)) == 0


def test_threads_share_one_budget():
    budget, granted = MemoryBudget(), []

    def ask() -> None:
        for _ in range(50):
            if budget.take(UPBIT, "ticker", 10.0, Millis(7_000)) == 0:
                granted.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == 1


def test_the_table_is_asked_in_one_conditional_write(table):
    request = take_request("state", UPBIT, "ticker", 125, Millis(1_000_000))

    table.update_item(**request)
    [item] = table.scan(TableName="state")["Items"]

    assert item["pk"]["S"] == "budget#upbit#ticker"
    assert item["ready"]["N"] == "1000125"
    assert item["expires"]["N"] == str(1000 + 3600)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.update_item(**request)


def test_the_table_gives_the_same_turns_as_memory(table):
    gaps = [0, 10, 33, 125, 1, 1, 300, 51, 77, 0, 999, 125]

    assert calls_made(DynamoBudget("state", table), 8.0, gaps) == calls_made(MemoryBudget(), 8.0, gaps)


def test_the_table_forgives_a_clock_far_ahead(table):
    budget = DynamoBudget("state", table)
    budget.take(UPBIT, "ticker", 8.0, Millis(9_000_000))

    assert budget.take(UPBIT, "ticker", 8.0, Millis(1_000_000)) == 0


def test_a_table_that_refuses_or_is_away_is_a_passing_error(table):
    with pytest.raises(Transient, match="budget"):
        DynamoBudget("no-such-table", table).take(UPBIT, "ticker", 8.0, Millis(0))

    class Away:
        def update_item(self, **_):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    with pytest.raises(Transient, match="budget"):
        DynamoBudget("state", Away()).take(UPBIT, "ticker", 8.0, Millis(0))


def test_a_stretch_that_somebody_takes_in_this_very_moment_is_a_short_wait_and_no_error():
    """The table refuses a write to a row that is in another's transaction."""

    class Met:
        def update_item(self, **_):
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")

    assert DynamoBudget("state", Met()).take(UPBIT, "ticker", 8.0, Millis(0)) == MET_MS


def test_several_stretches_are_taken_together_or_none_of_them():
    budget = MemoryBudget()
    ticker, book = (Stretch(UPBIT, group, Millis(1000), Millis(2000)) for group in ("ticker", "orderbook"))
    budget.take(UPBIT, "orderbook", 8.0, Millis(1000))
    assert budget.rent([ticker, book]) == {"orderbook": 1125}
    assert budget.take(UPBIT, "ticker", 8.0, Millis(1000)) == 0
    assert budget.rent([]) == {}
    assert MemoryBudget().rent([ticker, book]) == {}
