"""The requests as values: what the table is asked, word by word, because a condition left out is a lock left open."""

from decimal import Decimal, Inexact

import pytest
from msgspec.structs import replace

from core.adapters.dynamo import lock_requests, transactions
from core.adapters.dynamo.items import from_wire, to_wire
from core.adapters.dynamo.transactions import Tables
from core.domain.leases import Busy, Granted, booked
from core.domain.orders import State
from core.domain.values import Market, Side
from core.domain.workers import Status, Worker
from tests.adapters.dynamo.test_lock_contract import AT, ask, filled, limits, order_for, settlement, worker
from tests.fakes import AAA

TABLES = Tables("locks", "ledger")
TOKEN = 36


def held(**changes):
    wanted = ask(nonce="n", **changes)
    return Granted(
        instrument=AAA, owner="a", fence=7, ends=wanted.ends, intent=wanted.intent, position=None, done=("x",)
    )


def test_a_grant_is_one_conditional_update():
    request = lock_requests.grant("locks", ask(nonce="n"), AT)
    values = request.pop("ExpressionAttributeValues")
    assert request == {
        "TableName": "locks",
        "Key": {"key": {"S": "upbit:KRW-AAA"}},
        "UpdateExpression": "SET own = :own, req = :req, exp = :exp, intent = if_not_exists(intent, :intent) ADD fence :one",
        "ConditionExpression": "(attribute_not_exists(own) OR exp < :late) AND attribute_not_exists(held)"
        " AND NOT contains(done, :signal)",
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert values[":late"] == {"N": str(AT - 2_000)}
    assert values[":exp"] == {"N": str(AT + 20_000)}
    assert (values[":own"], values[":req"], values[":signal"]) == ({"S": "a"}, {"S": "n"}, {"S": "b1"})


def test_a_sale_is_granted_only_where_something_is_held():
    assert "attribute_exists(held)" in lock_requests.grant("locks", ask(side=Side.SELL), AT)["ConditionExpression"]


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: lock_requests.release("locks", held()),
        lambda: lock_requests.renew("locks", held(), AT),
        lambda: transactions.park(TABLES, held(), order_for(held())).legs["lock"]["ConditionCheck"],
        lambda: transactions.note(TABLES, held(), order_for(held())).legs["lock"]["Update"],
        lambda: transactions.reserve(TABLES, held(), order_for(held()), worker(), limits(), AT).legs["lock"]["Update"],
        lambda: transactions.commit(TABLES, held(), sale(), AT, with_worker=True).legs["lock"]["Update"],
    ],
)
def test_every_write_after_a_grant_is_conditioned_on_owner_and_fence(request_of):  # invariants 2, 4
    request = request_of()
    assert request["ConditionExpression"].startswith("own = :own AND fence = :fence")
    assert request["ExpressionAttributeValues"][":own"] == {"S": "a"}
    assert request["ExpressionAttributeValues"][":fence"] == {"N": "7"}


def sale(**changes):
    order = filled(order_for(held(side=Side.SELL)))
    return replace(settlement(order, None, Decimal(5)), **changes)


def test_nothing_ever_deletes_a_lock_or_gives_it_a_time_to_live():  # invariant 11
    everything = [
        lock_requests.grant("locks", ask(), AT),
        lock_requests.release("locks", held()),
        lock_requests.evict("locks", lock_requests.lock_of({"key": {"S": str(AAA)}, "own": {"S": "a"}})),
        *transactions.commit(TABLES, held(), sale(), AT, with_worker=True).request["TransactItems"],
        *transactions.reserve(TABLES, held(), order_for(held()), worker(), limits(), AT).request["TransactItems"],
    ]
    text = repr(everything)
    assert "Delete" not in text
    assert "expires" not in text.replace("'expires': {'N'", "")  # an intent's own field, inside a map
    assert "REMOVE fence" not in text


def test_a_reservation_checks_every_limit_halt_and_worker_in_one_transaction():  # E7, E10
    made = transactions.reserve(TABLES, held(), order_for(held()), worker(), limits(), AT)
    assert list(made.legs) == [
        "lock", "order", "worker", "account", "day", "halt all", "halt upbit", "halt upbit:KRW-AAA",
    ]  # fmt: skip
    conditions = {
        name: next(iter(leg.values())).get("ConditionExpression")
        for name, leg in made.legs.items()
    }  # fmt: skip
    assert conditions["order"] == "attribute_not_exists(pk)"
    assert conditions["worker"] == "#status = :scan"
    assert conditions["day"] == "attribute_not_exists(realised) OR realised > :floor"
    assert conditions["halt all"] == "attribute_not_exists(pk)"
    assert made.legs["account"]["Update"]["ExpressionAttributeValues"][":room"] == {"N": "8999.75"}
    assert len(made.request["ClientRequestToken"]) == TOKEN
    assert len({repr(leg) for leg in made.legs.values()}) == len(made.legs)


def test_two_different_writes_have_different_tokens_and_the_same_write_the_same():
    one = transactions.reserve(TABLES, held(), order_for(held()), worker(), limits(), AT)
    same = transactions.reserve(TABLES, held(), order_for(held()), worker(), limits(), AT)
    other = transactions.reserve(TABLES, held(), order_for(held(), "w-02"), worker("w-02"), limits(), AT)
    assert one.token == same.token != other.token
    assert one.legs["lock"]["Update"]["ExpressionAttributeValues"][":wrote"] == {"S": one.token}


def test_a_commit_to_flat_sends_the_worker_back_and_one_that_keeps_a_position_does_not():
    flat = transactions.commit(TABLES, held(), sale(), AT, with_worker=True)
    assert list(flat.legs) == ["lock", "order", "account", "worker"]
    assert "REMOVE held, own, req, exp, intent" in flat.legs["lock"]["Update"]["UpdateExpression"]
    assert list(transactions.commit(TABLES, held(), sale(), AT, with_worker=False).legs) == ["lock", "order", "account"]


def test_an_order_row_is_in_the_open_index_only_while_it_is_open():
    order = order_for(held())
    assert transactions.order_row(order, "d")["open"] == {"S": "upbit"}
    assert "open" not in transactions.order_row(replace(order, state=State.REJECTED), "d")


def test_a_reason_that_is_no_condition_is_no_failed_leg():
    made = transactions.note(TABLES, held(), order_for(held()))
    assert made.failed([{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "p"}}}]) == {
        "order": {"pk": {"S": "p"}}
    }


def test_a_refusal_that_nothing_in_the_item_explains_is_busy():
    """It cannot be: the item is the one that refused. If it were, waiting is the only answer that harms nobody."""
    item = {"key": {"S": str(AAA)}, "fence": {"N": "3"}}
    assert lock_requests.refused(item, ask(), AT) == Busy(holder="", fence=3, ends=0)


def test_a_lost_release_is_not_ours_once_someone_was_granted_since():
    item = {"key": {"S": str(AAA)}, "fence": {"N": "8"}, "done": {"L": [{"S": "b1"}]}}
    assert not lock_requests.released(item, held())
    assert lock_requests.released({**item, "fence": {"N": "7"}}, held())
    assert not lock_requests.released(None, held())


def test_a_grant_without_a_readable_intent_falls_back_on_ours():
    item = {"key": {"S": str(AAA)}, "fence": {"N": "1"}, "own": {"S": "a"}, "req": {"S": "n"}, "exp": {"N": "5"}}
    wanted = ask(nonce="n")
    assert lock_requests.refused(item, wanted, AT).intent == wanted.intent


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        ("x", {"S": "x"}),
        (5, {"N": "5"}),
        (Decimal("1.50"), {"N": "1.5"}),
        (Decimal("1E+3"), {"N": "1000"}),
        (Decimal("-0.0"), {"N": "0"}),
        (["x", 1], {"L": [{"S": "x"}, {"N": "1"}]}),
        ({"a": None}, {"M": {"a": {"NULL": True}}}),
    ],
)
def test_values_go_out_typed_and_come_back_equal(value, wire):
    assert to_wire(value) == wire
    assert from_wire(wire) == value


def test_a_number_that_the_table_would_round_is_refused_here():
    assert from_wire(to_wire(Decimal("0." + "1" * 38))) == Decimal("0." + "1" * 38)
    with pytest.raises(Inexact):
        to_wire(Decimal("0." + "1" * 39))


def test_an_intent_survives_the_wire():
    intent = booked(ask().intent, "w-01", Decimal("0.5"), Decimal("7.25"))
    assert lock_requests.lock_of({"key": {"S": str(AAA)}, "intent": to_wire(intent)}).intent == intent


def test_a_worker_is_a_row_of_its_market():
    from core.adapters.dynamo.items import worker_of, worker_row

    one = Worker(
        id="w-01", market=Market.UPBIT, status=Status.HOLD, capital=Decimal(10), symbol="KRW-AAA", heartbeat=AT
    )
    assert worker_row(one)["pk"] == {"S": "worker#upbit"}
    assert worker_of(worker_row(one), Market.UPBIT) == one
