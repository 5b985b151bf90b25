"""E1, E8: any walk over all that a lock can be asked for (renew, evict, adopt, amend and tidy too) on DynamoDB itself.

reference/aws.md 1.6, held after each step, and beside it the books in memory, which must say the same. Invariant 11 (no
lock item is ever removed) needs more than code: no role may delete one, which tests/infra/test_template.py holds.
"""

from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.app.ports import Amendment, Reserved
from core.domain.leases import Granted, booked
from core.domain.results import opened, round_trip
from core.domain.signals import Exit
from core.domain.values import ZERO, Market, Millis, Side
from tests.adapters.dynamo.test_lock_contract import (
    DAY,
    Modelled,
    ask,
    dynamo_books,
    filled,
    limits,
    order_for,
    settlement,
    worker,
)
from tests.cloud import create
from tests.fakes import AAA, AT

ACTS = ("grant", "reserve", "note", "commit", "park", "release", "renew", "evict", "adopt", "amend", "tidy", "later")
WORKERS = ("w-01", "w-02")
LENGTH = 24
WALKS = settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


class Walk:
    """Two keepers of the same locks. `held` are all grants there ever were, `seen` all items that were ever read."""

    def __init__(self, real):
        self.both, self.at, self.serial = (MemoryBooks(), real), AT, count(1)
        self.held, self.seen, self.asked, self.fence = [], [], set(), 0
        for books in self.both:
            for name in WORKERS:
                books.ledger.register(worker(name))

    def same(self, act):
        """The answer of both, which must be one."""
        answers = [act(books) for books in self.both]
        assert answers[0] == answers[1]
        return answers[1]

    def lock(self):
        return self.same(lambda books: books.leases.lock(AAA))

    def step(self, name, pick):
        """One call with anything that is at hand; the same call twice would be a retry, and is another matter."""
        before = self.lock()
        done, fence = getattr(self, name)(pick)
        after = self.lock()
        if after is not None:
            assert after.fence >= self.fence  # 1
            self.fence = after.fence
            self.seen += [after] if after not in self.seen else []
        if fence is not None and before is not None and fence != before.fence:
            assert not done  # 4: who does not hold it (any more) is refused
            assert after == before
        self.same(lambda books: books.ledger.account(Market.UPBIT, DAY))
        self.same(lambda books: [(one.id, one.status, one.symbol) for one in books.ledger.workers(Market.UPBIT)])
        self.same(lambda books: books.ledger.open_orders(Market.UPBIT))

    def once(self, *key):
        """Was this asked for already?"""
        fresh = key not in self.asked
        self.asked.add(key)
        return fresh

    # ---- each answers: was it done, and under which fence was it asked for (None: under none) ---------------------

    def later(self, pick):
        self.at = Millis(self.at + pick([1_000, 9_000, 23_000]))
        return True, None

    def grant(self, pick):
        wanted = ask(
            pick(["a", "b"]), at=self.at, signal=f"s{pick([next(self.serial), 1])}", side=pick([Side.BUY, Side.SELL]),
            limit=None,
        )  # fmt: skip
        before, answer = self.lock(), self.same(lambda books: books.leases.grant(wanted, self.at))
        if isinstance(answer, Granted):
            assert answer.fence == (before.fence if before else 0) + 1  # 1
            if before and before.intent:
                assert answer.intent == before.intent  # 6
            assert not before or wanted.intent.signal not in before.done  # 7
            self.held.append(answer)
        return isinstance(answer, Granted), None

    def reserve(self, pick):
        held, name = pick(self.held), pick(WORKERS)
        if held.intent.side is Side.SELL or not self.once("reserve", held.fence, name):
            return False, None
        order = order_for(held, name)
        given = lambda books: books.leases.reserve(held, order, worker(name), limits(), self.at)
        return self._booked(held, order, self.same(lambda books: blunt(given(books))), limits().cost)

    def note(self, pick):
        held = pick(self.held)
        if held.intent.side is Side.BUY or held.position is None or not self.once("note", held.fence):
            return False, None
        order = order_for(held, held.position.worker, quantity=held.position.quantity)
        return self._booked(held, order, self.same(lambda books: blunt(books.leases.note(held, order, self.at))), ZERO)

    def _booked(self, held, order, answer, cost):
        if answer == (False, ""):
            self.held.append(replace(held, intent=booked(held.intent, order.worker, order.quantity, cost)))
        return answer == (False, ""), held.fence

    def commit(self, pick):
        held = pick(self.held)
        if not held.intent.reserved or not self.once("commit", held.fence):
            return False, None
        order = filled(order_for(held, held.intent.worker, quantity=held.intent.quantity))
        ends = bought(held, order) if order.side is Side.BUY else sold(held, order, self.at)
        return self.same(lambda books: books.leases.commit(held, ends, self.at)), held.fence

    def park(self, pick):
        held = pick(self.held)
        if not held.intent.reserved or not self.once("park", held.fence):
            return False, None
        order = order_for(held, held.intent.worker, quantity=held.intent.quantity)
        return self.same(lambda books: books.leases.park(held, order, self.at)), held.fence

    def release(self, pick):
        held = pick(self.held)
        if held.intent.reserved or ("commit", held.fence) in self.asked or not self.once("release", held.fence):
            return False, None
        return self.same(lambda books: books.leases.release(held, self.at)), held.fence

    def renew(self, pick):
        held = pick(self.held)
        return self.same(lambda books: books.leases.renew(held, Millis(self.at + 15_000))), held.fence

    def evict(self, pick):
        lock = pick(self.seen)
        return bool(lock.owner) and self.same(lambda books: books.leases.evict(lock)), lock.fence

    def adopt(self, pick):
        lock, heir = pick(self.seen), worker(pick(WORKERS))
        if not self.once("adopt", lock.fence, heir.id):
            return False, None
        return self.same(lambda books: books.leases.adopt(lock, heir, self.at)), lock.fence

    def amend(self, pick):
        """A person sold all of it, or units of nobody lie there."""
        lock, dust = pick(self.seen), pick([ZERO, 1 + ZERO])
        if not self.once("amend", lock.fence, dust):
            return False, None
        kept = None if dust else lock.position
        gone = lock.position if lock.position and not kept else None
        change = Amendment(
            position=kept, dust=dust, freed=gone.cost + gone.fees if gone else ZERO, day=DAY, currency="KRW",
            dismissed=gone.worker if gone else "",
        )  # fmt: skip
        return self.same(lambda books: books.leases.amend(lock, change, self.at)), lock.fence

    def tidy(self, pick):
        lock = pick(self.seen)
        return bool(lock.owner) and self.same(lambda books: books.leases.tidy(lock, self.at)), lock.fence


def blunt(answer: Reserved):
    """Without the words for people."""
    return answer.lost, answer.refused


def bought(held, order):
    position = opened(order, order.worker)
    return settlement(order, position, held.intent.cost - position.cost - position.fees)


def sold(held, order, at):
    freed = held.position.cost + held.position.fees
    return settlement(order, None, freed, round_trip(held.position, order, Exit.STOP_LOSS, at))


def walk(real, data):
    walked = Walk(real)
    pick = lambda things: data.draw(st.sampled_from(list(things)))
    walked.step("grant", pick)
    for _ in range(LENGTH):
        ready = [name for name in ACTS if name in ("grant", "later") or (walked.held and walked.seen)]
        walked.step(pick(ready), pick)


@WALKS
@given(data=st.data())
def test_any_walk_keeps_the_invariants_and_both_keepers_agree(data):
    walk(dynamo_books(Modelled()), data)


@pytest.mark.cloud
@settings(WALKS, max_examples=12)
@given(data=st.data())
def test_any_walk_on_the_real_tables_keeps_the_invariants_too(dynamo, data):
    walk(dynamo_books(create(dynamo)), data)
