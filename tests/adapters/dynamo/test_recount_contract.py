"""E7, E8, F5: totals counted anew, and news that no order is about: the same for every keeper of locks and ledger."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app.ports import Total
from core.domain.messages import Alert, Kind
from core.domain.values import Market
from tests.adapters.dynamo.test_amendment_contract import change
from tests.adapters.dynamo.test_lock_contract import books, bought
from tests.adapters.dynamo.test_risk_contract import KRW, LATER
from tests.fakes import AAA, AT

__all__ = ["books"]


@pytest.mark.parametrize("of", [Market.UPBIT, "XYZ"])
def test_a_total_that_was_never_counted_is_nothing_and_is_set_once(books, of):
    was = books.ledger.total(of)
    assert was == Total(exposure=Decimal(0), positions=0, moves=0)
    assert books.ledger.correct(of, was, Decimal("12.5"), 2)
    after = books.ledger.total(of)
    assert (after.exposure, after.positions, after.moves) == (Decimal("12.5"), 2 if of is Market.UPBIT else 0, 1)
    assert not books.ledger.correct(of, was, Decimal(1), 1)
    assert books.ledger.total(of) == after


def test_a_total_that_moved_since_it_was_read_is_not_corrected(books):
    before = books.ledger.total(Market.UPBIT)
    position = bought(books)
    assert not books.ledger.correct(Market.UPBIT, before, Decimal(0), 0)
    now = books.ledger.total(Market.UPBIT)
    assert (now.exposure, now.positions) == (position.cost + position.fees, 1)
    assert books.ledger.correct(Market.UPBIT, now, Decimal(7), 3)
    account = books.ledger.account(Market.UPBIT, "any")
    assert (account.exposure, account.positions) == (7, 3)


def test_an_amendment_moves_the_totals_that_it_changes(books):
    bought(books)
    lock = books.leases.lock(AAA)
    before = books.ledger.total(Market.UPBIT), books.ledger.total(KRW)
    grown = replace(lock.position, quantity=lock.position.quantity + 1)
    assert books.leases.amend(lock, change(position=grown, freed=Decimal(-5)), LATER)
    assert not books.ledger.correct(Market.UPBIT, before[0], Decimal(0), 0)
    assert not books.ledger.correct(KRW, before[1], Decimal(0), 0)


def test_the_news_of_an_amendment_waits_until_it_was_told(books):
    bought(books)
    for key, _ in books.ledger.untold(Market.UPBIT):
        books.ledger.told(key)
    lock = books.leases.lock(AAA)
    news = Alert(id=f"{AAA}:by_hand:{lock.fence}", kind=Kind.BY_HAND, at=AT, market=Market.UPBIT, instrument=AAA)
    assert books.leases.amend(lock, change(position=lock.position, news=news), LATER)
    ((key, waiting),) = books.ledger.untold(Market.UPBIT)
    assert waiting == news
    assert books.ledger.untold(Market.KRX) == []
    books.ledger.told(key)
    books.ledger.told(key)
    assert books.ledger.untold(Market.UPBIT) == []
