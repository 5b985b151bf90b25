"""E8: a venue's number becomes our order's with the order's end: both are written, or neither, by whoever has the lock.

Held against every keeper of locks and log: memory, the model checker's table, moto, AWS.
"""

import pytest
from msgspec.structs import replace

from core.domain.errors import UnknownOutcome
from core.domain.orders import State, moved
from core.domain.results import opened
from core.domain.sendings import Fate, Taking, draft
from core.domain.values import ZERO, Millis
from tests.adapters.dynamo.test_lock_contract import LEASE, ask, books, filled, grant, reserve, settlement, worker
from tests.fakes import AAA, AT

__all__ = ["books"]

NUMBER = "20260921-0000000007"


def sent(books, order):
    """A log's entry of an order that left and has no number yet."""
    entry = draft(order, None, None)
    assert books.sendings.write(entry)
    return entry


def taking(entry, identity=NUMBER):
    return Taking(
        sending=replace(entry, fate=Fate.TAKEN, venue_id=f"{identity}-06010", version=entry.version + 1),
        identity=identity,
    )


class Trade:
    """A buy that the venue took: its lock, its order as it ended, and the number that is still to be written."""

    def __init__(self, books):
        self.books = books
        books.ledger.register(worker())
        order, _, self.held = reserve(books, grant(books))
        self.entry = sent(books, order)
        self.order, self.taking = filled(order), taking(self.entry)
        self.position = opened(self.order, "w-01")

    def commit(self, held=None, **changes):
        freed = self.held.intent.cost - self.position.cost - self.position.fees
        ends = replace(settlement(self.order, self.position, freed), taking=self.taking, **changes)
        return self.books.leases.commit(held or self.held, ends, AT)

    def park(self, held=None):
        return self.books.leases.park(held or self.held, moved(self.open, State.OPEN), AT, self.taking)

    @property
    def open(self):
        return replace(self.order, state=State.NOTED, fills=())

    def another(self):
        """The entry of another order of the same terms."""
        return sent(self.books, replace(self.open, id="hoga-other"))

    def untouched(self):
        """Nothing at all was written."""
        lock = self.books.leases.lock(AAA)
        return (lock.owner, lock.intent, lock.position, self.books.ledger.order(self.order.id).state) == (
            "a", self.held.intent, None, State.NOTED,
        )  # fmt: skip


ENDS = pytest.mark.parametrize("end", [Trade.commit, Trade.park], ids=["commit", "park"])


@pytest.fixture
def trade(books):
    return Trade(books)


@ENDS
def test_the_number_is_the_orders_once_its_end_is_written_and_nobody_elses_any_more(books, trade, end):
    assert end(trade)
    assert books.sendings.read(trade.order.id) == trade.taking.sending
    assert not books.sendings.claim(taking(trade.another()).sending, NUMBER)


@ENDS
def test_an_end_whose_number_is_another_orders_writes_nothing_and_leaves_the_order_to_be_asked_for(books, trade, end):
    """What was seen of that number is the other order's: booked here as well it would be booked twice."""
    assert books.sendings.claim(taking(trade.another()).sending, NUMBER)
    with pytest.raises(UnknownOutcome, match="not its own"):
        end(trade)
    assert trade.untouched()
    assert books.sendings.read(trade.order.id) == trade.entry
    assert books.leases.park(trade.held, moved(trade.open, State.UNKNOWN), AT)


@ENDS
@pytest.mark.parametrize("cancelled", [False, True], ids=["claimed", "and cancelled"])
def test_whoever_asked_about_the_order_may_have_written_its_number_first(books, trade, end, cancelled):
    """The day's end takes open buys back without their locks, and looks for one that has no number yet."""
    theirs = trade.taking.sending
    assert books.sendings.claim(theirs, NUMBER)
    if cancelled:
        theirs = replace(theirs, cancelled=AT, version=theirs.version + 1)
        assert books.sendings.write(theirs)
    assert end(trade)
    assert books.sendings.read(trade.order.id) == theirs


@ENDS
def test_an_order_that_somebody_gave_another_number_is_not_ended_by_this_one(books, trade, end):
    theirs = taking(trade.entry, "20260921-0000000008").sending
    assert books.sendings.claim(theirs, "20260921-0000000008")
    with pytest.raises(UnknownOutcome):
        end(trade)
    assert trade.untouched()
    assert books.sendings.read(trade.order.id) == theirs


@ENDS
def test_an_order_that_was_shown_never_to_have_arrived_is_not_ended_by_its_number(books, trade, end):
    assert books.sendings.write(replace(trade.entry, fate=Fate.UNSENT, version=2))
    with pytest.raises(UnknownOutcome):
        end(trade)
    assert trade.untouched()


@ENDS
@pytest.mark.parametrize("number", ["free", "another's"])
def test_who_lost_the_lock_takes_no_number(books, trade, end, number):
    """A process that was paused past its lease: whoever has the lock now asks the venue what became of the order."""
    if number == "another's":
        assert books.sendings.claim(taking(trade.another()).sending, NUMBER)
    later = Millis(AT + LEASE + 5_000)
    assert books.leases.grant(ask("b", at=later), later).owner == "b"
    assert not end(trade)
    assert books.sendings.read(trade.order.id) == trade.entry


@ENDS
def test_the_same_end_written_twice_is_written_once(books, trade, end):
    assert end(trade)
    assert end(trade) or end is Trade.commit  # a memory does not know its own write again
    assert books.sendings.read(trade.order.id) == trade.taking.sending


def test_a_number_is_taken_with_an_end_whose_worker_was_stopped_meanwhile(books, trade):
    """Nothing was filled, so the worker would scan again, and it is not there to."""
    [found] = [each for each in books.ledger.workers(AAA.market) if each.id == "w-01"]
    books.ledger.move(found, type(found.status).EXIT, AT)
    trade.order = replace(trade.order, state=State.CANCELLED, fills=())
    ends = replace(settlement(trade.order, None, trade.held.intent.cost), taking=trade.taking)
    assert books.leases.commit(trade.held, ends, AT)
    assert books.sendings.read(trade.order.id).fate is Fate.TAKEN
    assert books.ledger.account(AAA.market, "any").exposure == ZERO
