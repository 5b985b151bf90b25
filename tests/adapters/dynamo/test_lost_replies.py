"""Invariant 5 and the retries: replies that are lost, tables that are slow, transactions that meet."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from core.adapters.dynamo.calls import CONFIG, CONFLICTS, TRIES, Caller, kind
from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.app.ports import Reserved
from core.domain.errors import Transient
from core.domain.leases import Granted, Unclear
from core.domain.orders import State, moved
from core.domain.results import opened
from core.domain.values import Market, Millis, Side
from tests.adapters.dynamo.test_lock_contract import (
    AAA,
    AT,
    ask,
    bought,
    dynamo_books,
    filled,
    grant,
    limits,
    order_for,
    reserve,
    settlement,
    worker,
)
from tests.cloud import create

LOST = ReadTimeoutError(endpoint_url="test")


class Unreliable:
    """A client; the next calls of a name lose their replies (`after`) or are never heard (`before`)."""

    def __init__(self, client):
        self.client, self.before, self.after, self.calls = client, {}, {}, []

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if not callable(method) or name == "exceptions":
            return method

        def call(**request):
            self.calls.append(request)
            if self.before.get(name):
                raise self.before[name].pop(0)
            reply = method(**request)
            if self.after.get(name):
                raise self.after[name].pop(0)
            return reply

        return call


@pytest.fixture(params=["moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def tables(request):
    if request.param == "moto":
        with mock_aws():
            yield create()
    else:
        yield create(request.getfixturevalue("dynamo"))


@pytest.fixture
def books(tables):
    books = dynamo_books(tables)
    books.ledger.register(worker())
    return books


def shaky(tables):
    client = Unreliable(tables.client())
    return client, DynamoLeases(tables.locks, tables.ledger, client, pause=lambda seconds: None, dice=lambda: 0.5)


def test_a_grant_whose_reply_was_lost_is_ours_after_the_retry(tables):
    client, leases = shaky(tables)
    client.after["update_item"] = [LOST]
    answer = leases.grant(ask(), AT)
    assert isinstance(answer, Granted)
    assert answer.fence == 1
    assert client.calls[0] == client.calls[1]


def test_a_grant_that_nobody_answers_is_unclear_after_three_tries(tables):
    client, leases = shaky(tables)
    client.before["update_item"] = [LOST] * 9
    assert isinstance(leases.grant(ask(), AT), Unclear)
    assert len(client.calls) == TRIES


@pytest.mark.parametrize("lost", [1, 2])
def test_a_reservation_whose_reply_was_lost_was_made_once(tables, books, lost):
    client, leases = shaky(tables)
    held = grant(books)
    client.after["transact_write_items"] = [LOST] * lost
    order = order_for(held)
    assert leases.reserve(held, order, worker(), limits(), AT) == Reserved()
    assert books.ledger.account(Market.UPBIT, "2026-09-21").positions == 1


def test_a_note_and_a_commit_whose_replies_were_lost_were_written_once(tables, books):
    client, leases = shaky(tables)
    order, _, held = reserve(books, grant(books))
    done = filled(order)
    position = opened(done, "w-01")
    client.after["transact_write_items"] = [LOST, LOST]
    freed = held.intent.cost - position.cost - position.fees
    assert leases.commit(held, settlement(done, position, freed), AT)
    assert books.ledger.account(Market.UPBIT, "2026-09-21").exposure == position.cost + position.fees
    selling = grant(books, side=Side.SELL, signal="s1")
    client.after["transact_write_items"] = [LOST]
    assert leases.note(selling, order_for(selling), AT) == Reserved()


def test_the_echo_of_our_own_write_is_known_where_the_store_forgot_the_token(tables, books):
    """A token is kept for ten minutes; the item itself says for ever which write was the last."""
    _, leases = shaky(tables)
    order, _, held = reserve(books, grant(books))
    assert leases.commit(held, settlement(filled(order), opened(filled(order), "w-01"), 0), AT)
    from core.adapters.dynamo.transactions import Tables, commit

    again = commit(
        Tables(tables.locks, tables.ledger), held, settlement(filled(order), opened(filled(order), "w-01"), 0), AT,
        with_worker=True,
    )  # fmt: skip
    item = tables.client().get_item(TableName=tables.locks, Key={"key": {"S": str(AAA)}})["Item"]
    assert again.went_through({"lock": item})
    assert not again.went_through({"lock": {}})


def test_a_release_whose_reply_was_lost_was_a_release(tables, books):
    client, leases = shaky(tables)
    held = grant(books)
    client.after["update_item"] = [LOST]
    assert leases.release(held, AT)
    assert books.leases.lock(AAA).owner == ""


@pytest.mark.parametrize("act", ["reserve", "commit", "park", "release", "renew", "evict", "adopt"])
def test_a_write_that_nobody_answers_counts_as_not_ours(tables, books, act):
    client, leases = shaky(tables)
    position = bought(books)
    lock = books.leases.lock(AAA)
    held = grant(books, side=Side.SELL, signal="s1")
    order = order_for(held)
    client.before = {"transact_write_items": [LOST] * 9, "update_item": [LOST] * 9}
    acts = {
        "reserve": lambda: not leases.reserve(held, order, worker(), limits(), AT).lost,
        "commit": lambda: leases.commit(held, settlement(filled(order), position, 0), AT),
        "park": lambda: leases.park(held, moved(order, State.UNKNOWN), AT),
        "release": lambda: leases.release(held, AT),
        "renew": lambda: leases.renew(held, Millis(AT + 1)),
        "evict": lambda: leases.evict(lock),
        "adopt": lambda: leases.adopt(lock, worker(), AT),
    }
    assert acts[act]() is False
    assert len(client.calls) == TRIES


def test_an_item_that_is_gone_is_not_ours_any_more(tables):
    with_none = dynamo_books(tables)
    held = grant(with_none)
    tables.client().delete_item(TableName=tables.locks, Key={"key": {"S": str(AAA)}})
    assert not with_none.leases.release(held, AT)


def fault(code, status=400, reasons=None):
    response = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response | ({"CancellationReasons": reasons} if reasons else {}), "TransactWriteItems")


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (fault("ThrottlingException"), "later"),
        (fault("ProvisionedThroughputExceededException"), "later"),
        (fault("Whatever", status=503), "later"),
        (fault("TransactionInProgressException"), "met"),
        (fault("TransactionConflictException"), "met"),
        (fault("TransactionCanceledException", reasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]), "met"),
        (fault("TransactionCanceledException", reasons=[{"Code": "ThrottlingError"}]), "later"),
        (
            fault(
                "TransactionCanceledException",
                reasons=[{"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}],
            ),
            "verdict",
        ),
        (fault("TransactionCanceledException", reasons=[{"Code": "ValidationError"}]), "verdict"),
        (fault("ConditionalCheckFailedException"), "verdict"),
        (fault("AccessDeniedException"), "verdict"),
    ],
)
def test_what_a_refusal_asks_of_us(refused, expected):
    assert kind(refused) == expected


@pytest.mark.parametrize(
    ("trouble", "tries"),
    [
        (LOST, TRIES),
        (ConnectTimeoutError(endpoint_url="test"), TRIES),
        (EndpointConnectionError(endpoint_url="test"), TRIES),
        (fault("ThrottlingException"), TRIES),
        (fault("TransactionConflictException"), CONFLICTS),
    ],
)
def test_the_same_request_is_sent_again_a_few_times_and_then_given_up(trouble, tries):
    asked, paused = [], []

    def call(**request):
        asked.append(request)
        raise trouble

    with pytest.raises(Transient, match="the table did not answer"):
        Caller(paused.append, lambda: 0.5)(call, {"TableName": "t"})
    assert asked == [{"TableName": "t"}] * tries
    assert paused == sorted(paused)
    assert len(paused) == tries - 1


def test_transactions_that_meet_are_tried_until_one_is_through(tables, books):
    client, leases = shaky(tables)
    held = grant(books)
    client.before["transact_write_items"] = [
        fault("TransactionCanceledException", reasons=[{"Code": "TransactionConflict"}]) for _ in range(CONFLICTS - 1)
    ]
    assert leases.reserve(held, order_for(held), worker(), limits(), AT) == Reserved()


@pytest.mark.parametrize(
    "act",
    [
        lambda leases, held, order: leases.grant(ask(), AT),
        lambda leases, held, order: leases.release(held, AT),
        lambda leases, held, order: leases.note(held, order, AT),
    ],
)
def test_a_refusal_that_a_person_must_mend_is_not_taken_for_an_answer(tables, books, act):
    client, leases = shaky(tables)
    held = grant(books)
    client.before = {name: [fault("AccessDeniedException")] for name in ("update_item", "transact_write_items")}
    with pytest.raises(ClientError, match="AccessDenied"):
        act(leases, held, order_for(held))


def test_a_refused_write_of_the_ledger_that_is_no_condition_is_told(tables):
    client = Unreliable(tables.client())
    client.before["put_item"] = [fault("AccessDeniedException")]
    with pytest.raises(ClientError, match="AccessDenied"):
        DynamoLedger(tables.ledger, client).register(worker())


def test_a_long_list_is_read_page_after_page(tables, books):
    class Pages:
        def __init__(self, client):
            self.client = client

        def __getattr__(self, name):
            method = getattr(self.client, name)
            return (lambda **request: method(**request, Limit=1)) if name in ("scan", "query") else method

    client = Pages(tables.client())
    for number in range(3):
        books.ledger.register(worker(f"w-1{number}"))
        grant(books, signal=f"b{number}", instrument=type(AAA)(Market.UPBIT, f"KRW-P{number}"))
    assert len(DynamoLeases(tables.locks, tables.ledger, client).locks()) == 3
    assert len(DynamoLedger(tables.ledger, client).workers(Market.UPBIT)) == 4


def test_the_client_of_this_path_does_not_retry_behind_our_back():
    assert CONFIG.retries["total_max_attempts"] == 1
    assert (CONFIG.connect_timeout, CONFIG.read_timeout) == (1, 2)
