"""E1, E7: a buy's grant and reservation in one write, as every keeper of locks and ledger answers it."""

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.transactions import LONG
from core.app.ports import Reserved
from core.domain.leases import REMEMBERED, Barrier, Busy, Granted, Held, Left, Repeated, Unclear
from core.domain.results import opened
from core.domain.values import ZERO, Market, Millis
from core.domain.workers import Status
from tests.adapters.dynamo.test_lock_contract import (
    AT,
    BBB,
    DAY,
    LEASE,
    Modelled,
    ask,
    books,
    bought,
    dynamo_books,
    filled,
    grant,
    limits,
    order_for,
    settlement,
    worker,
)
from tests.cloud import create
from tests.fakes import AAA

__all__ = ["books"]


def engage(books, wanted=None, name="w-01", at=AT, **changes):
    wanted = wanted or ask(at=at)
    held = Granted(
        instrument=wanted.instrument,
        owner=wanted.owner,
        fence=at,
        ends=wanted.ends,
        intent=wanted.intent,
        position=None,
    )
    order = order_for(held, name)
    return order, books.leases.engage(wanted, order, worker(name), limits(**changes), at)


def test_all_of_it_is_taken_at_once(books):
    books.ledger.register(worker())
    order, held = engage(books)
    assert (held.owner, held.fence, held.intent.reserved, held.intent.worker, held.done) == (
        "a",
        AT,
        True,
        "w-01",
        None,
    )
    lock = books.leases.lock(AAA)
    assert (lock.owner, lock.fence, lock.intent, lock.position) == ("a", AT, held.intent, None)
    assert books.ledger.open_orders(Market.UPBIT) == [order]
    assert books.ledger.account(Market.UPBIT, DAY).positions == 1
    assert books.ledger.workers(Market.UPBIT)[0].status is Status.HOLD


def test_its_commit_settles_the_signal_behind_those_before(books):
    books.leases.release(grant(books, signal="old"), AT)
    books.ledger.register(worker())
    order, held = engage(books)
    done = filled(order)
    assert books.leases.commit(held, settlement(done, opened(done, "w-01"), ZERO), AT)
    assert books.leases.lock(AAA).done == ("old", "b1")
    assert engage(books)[1] == Repeated(signal="b1", fence=AT)
    assert engage(books, ask(signal="b2"))[1] == Held(worker="w-01", fence=AT)


REFUSED = [
    (lambda books: books.ledger.halt("all", "news", AT), {}, Barrier.HALTED),
    (lambda books: None, {"max_positions": 0}, Barrier.POSITIONS),
    (lambda books: None, {"per_symbol": ZERO}, Barrier.PER_SYMBOL),
    (lambda books: bought(books, "other", BBB, "w-02"), {"workers": 1}, Barrier.CREW),
    (lambda books: bought(books, "other", BBB), {}, Barrier.WORKER_TAKEN),
]


@pytest.mark.parametrize(("before", "changes", "barrier"), REFUSED, ids=[row[2].value for row in REFUSED])
def test_what_refuses_it_has_taken_nothing_and_no_lock(books, before, changes, barrier):
    books.ledger.register(worker())
    before(books)
    positions = books.ledger.account(Market.UPBIT, DAY).positions
    _, answer = engage(books, **changes)
    assert isinstance(answer, Reserved)
    assert answer.refused == barrier
    assert books.leases.lock(AAA) is None
    assert books.ledger.account(Market.UPBIT, DAY).positions == positions


def test_a_worker_that_is_not_there_is_missing(books):
    assert engage(books)[1].refused == Barrier.WORKER_MISSING


def test_a_running_lease_and_what_a_dead_owner_left_come_first(books):
    books.ledger.register(worker())
    books.ledger.halt("all", "news", AT)
    left = grant(books, "dead", signal="b0")
    assert engage(books)[1] == Busy(holder="dead", fence=1, ends=left.ends)
    later = Millis(AT + LEASE + 3_000)
    assert engage(books, at=later)[1] == Left(order=left.intent.order, fence=1)
    assert books.leases.lock(AAA).owner == "dead"


def test_the_fence_grows_though_our_clock_is_behind_the_last_ones(books):
    books.ledger.register(worker())
    _, held = engage(books, at=Millis(AT + 1_500))
    assert books.leases.release(held, AT)
    books.ledger.register(worker("w-02"))
    _, again = engage(books, ask(signal="b2"), "w-02")
    assert (again.fence, books.leases.lock(AAA).fence) == (AT + 1_501, AT + 1_501)
    assert not books.leases.renew(replace(again, fence=AT), AT)


def test_the_same_attempt_once_more_is_the_same_grant(books):
    books.ledger.register(worker())
    wanted = ask()
    _, first = engage(books, wanted)
    _, again = engage(books, wanted)
    assert (again.fence, again.intent) == (first.fence, first.intent)
    assert books.ledger.account(Market.UPBIT, DAY).positions == 1


class Shaky:
    def __init__(self, client, lost):
        self._client, self._lost, self.calls = client, lost, 0

    def __getattr__(self, name):
        return getattr(self._client, name)

    def transact_write_items(self, **request):
        self.calls += 1
        # no memory of the token: as after the ten minutes for which the service keeps one
        request["ClientRequestToken"] = f"{request['ClientRequestToken'][:30]}{self.calls}"
        try:
            return self._client.transact_write_items(**request)
        finally:
            if self._lost:
                raise self._lost.pop()


@pytest.mark.parametrize(("lost", "kind"), [(1, Granted), (2, Granted), (3, Unclear)])
def test_one_whose_reply_was_lost_was_made_once(lost, kind):  # invariant 5
    with mock_aws():
        tables = create()
        plain = dynamo_books(tables)
        plain.ledger.register(worker())
        client = Shaky(tables.client(), [ReadTimeoutError(endpoint_url="test")] * lost)
        plain.leases = DynamoLeases(tables.locks, tables.ledger, client, pause=lambda s: None, dice=lambda: 0.5)
        assert isinstance(engage(plain)[1], kind)
        assert plain.ledger.account(Market.UPBIT, DAY).positions == 1


def test_a_list_of_settled_signals_that_grew_long_is_cut_by_the_next_commit():
    books = dynamo_books(Modelled())
    books.ledger.register(worker())
    for number in range(LONG + 1):
        order, held = engage(books, ask(signal=f"b{number}", at=Millis(AT + number)), at=Millis(AT + number))
        assert books.leases.commit(held, settlement(replace(order, state="cancelled"), None, held.intent.cost), AT)
    done = books.leases.lock(AAA).done
    assert done == tuple(f"b{number}" for number in range(LONG + 1 - REMEMBERED, LONG + 1))
