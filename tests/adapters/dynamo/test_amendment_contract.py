"""E1, E8: amendments of a symbol at rest, and names that left nothing: the same for every keeper of locks."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.state import Item
from core.app.ports import Amendment
from core.domain.leases import MARGIN, Granted
from core.domain.results import round_trip
from core.domain.signals import Exit
from core.domain.values import ZERO, Market, Millis, Side
from core.domain.workers import Status
from tests.adapters.dynamo.test_lock_contract import (
    BBB,
    DAY,
    LEASE,
    ask,
    books,
    bought,
    filled,
    grant,
    order_for,
    worker,
)
from tests.adapters.dynamo.test_risk_contract import KRW, LATER
from tests.fakes import AAA, AT

__all__ = ["books"]


def change(**changes):
    base = Amendment(position=None, dust=ZERO, freed=ZERO, day=DAY, currency=KRW)
    return replace(base, **changes)


def test_units_bought_by_hand_become_a_position_with_an_owner_on_a_symbol_never_seen(books):  # E8
    template = bought(books)
    books.ledger.register(worker("w-02"))
    grown = replace(template, instrument=BBB, worker="w-02")
    lock = replace(books.leases.lock(AAA), instrument=BBB, fence=0, position=None, done=())
    before = books.ledger.account(Market.UPBIT, DAY)
    assert books.leases.amend(lock, change(position=grown, freed=Decimal(-500), hired=worker("w-02")), LATER)
    after = books.ledger.account(Market.UPBIT, DAY)
    found = books.leases.lock(BBB)
    assert (found.position, found.fence, found.owner) == (grown, 1, "")
    assert (after.positions, after.exposure) == (before.positions + 1, before.exposure + 500)
    owner = next(each for each in books.ledger.workers(Market.UPBIT) if each.id == "w-02")
    assert (owner.status, owner.symbol) == (Status.HOLD, BBB.symbol)
    assert not books.leases.amend(lock, change(position=grown, hired=worker("w-02")), LATER)


def test_units_sold_by_hand_are_a_result_and_their_worker_is_free(books):  # E8
    position = bought(books)
    lock = books.leases.lock(AAA)
    order = filled(replace(order_for(held_of(lock)), side=Side.SELL, quantity=position.quantity, limit=None), "90")
    trip = round_trip(position, order, Exit.BY_HAND, LATER)
    freed = position.cost + position.fees
    done = change(trip=trip, freed=freed, lost=True, dismissed="w-01", dust=Decimal("0.1"))
    assert books.leases.amend(lock, done, LATER)
    found, account = books.leases.lock(AAA), books.ledger.account(Market.UPBIT, DAY)
    assert (found.position, found.dust, found.lost) == (None, Decimal("0.1"), LATER)
    assert (account.positions, account.exposure, account.streak, account.realised) == (0, 0, 1, trip.pnl)
    assert books.ledger.trips(Market.UPBIT, DAY) == [trip]
    assert [each.status for each in books.ledger.workers(Market.UPBIT)] == [Status.SCAN]


def held_of(lock):
    wanted = ask(side=Side.SELL)
    return Granted(
        instrument=AAA, owner="a", fence=lock.fence, ends=wanted.ends, intent=wanted.intent, position=lock.position
    )


@pytest.mark.parametrize("meanwhile", ["granted", "fence", "worker"])
def test_an_amendment_of_what_moved_meanwhile_changes_nothing(books, meanwhile):  # E8
    bought(books)
    lock = books.leases.lock(AAA)
    wanted = change(dismissed="w-01")
    match meanwhile:
        case "granted":
            grant(books, "seller", signal="s1", side=Side.SELL, limit=None)
        case "fence":
            lock = replace(lock, fence=lock.fence + 1)
        case "worker":
            wanted = change(dismissed="w-07")
    before = books.leases.lock(AAA), books.ledger.account(Market.UPBIT, DAY)
    assert not books.leases.amend(lock, wanted, AT)
    assert (books.leases.lock(AAA), books.ledger.account(Market.UPBIT, DAY)) == before


def name_left(books, ends):
    """An owner that left nothing: no step of ours writes that, so it is put there by hand."""
    lock = books.leases.lock(AAA)
    if hasattr(books.leases, "_books"):
        books.leases._books.items[AAA] = Item(replace(lock, owner="gone", ends=ends), "n")
        return books.leases.lock(AAA)
    values = {":own": {"S": "gone"}, ":ends": {"N": str(ends)}}
    key = {"key": {"S": str(AAA)}}
    update = {"UpdateExpression": "SET own = :own, exp = :ends, req = :own", "ExpressionAttributeValues": values}
    books.leases._client.update_item(TableName=books.leases._tables.locks, Key=key, **update)
    return books.leases.lock(AAA)


@pytest.mark.parametrize(("after", "done"), [(MARGIN, False), (MARGIN + 1, True)])
def test_a_name_that_left_nothing_is_taken_off_only_past_its_lease_and_the_margin(books, after, done):  # E1, E8
    bought(books)
    lock = name_left(books, AT)
    assert not books.leases.tidy(replace(lock, fence=lock.fence + 1), Millis(AT + after))
    assert books.leases.tidy(lock, Millis(AT + after)) is done
    assert books.leases.lock(AAA).owner == ("" if done else "gone")


def test_a_lock_with_something_to_finish_or_nobodys_name_is_not_tidied(books):
    grant(books)
    assert not books.leases.tidy(books.leases.lock(AAA), Millis(AT + 10 * LEASE))
    books.leases.release(held_of(books.leases.lock(AAA)), AT)
    assert not books.leases.tidy(books.leases.lock(AAA), Millis(AT + 10 * LEASE))
