"""E6, E8: sales before the day's end whose answers are lost: settled in the same run, not when its lease ends."""

import pytest
from msgspec.structs import replace

from core.app.liquidate import Liquidating, run
from core.app.ports import Reserved
from core.domain.errors import Transient, UnknownOutcome
from core.domain.leases import Granted, Unclear
from core.domain.values import Side
from tests.app.test_liquidate import RICH, Shop


class Lossy:
    """A venue whose answers to sales are lost, `times` often; what it was asked is carried out or not."""

    def __init__(self, shop, times, *, done=True, silent=False):
        self.shop, self.left, self.done, self.silent, self.sent = shop, times, done, silent, []

    def __getattr__(self, name):
        return getattr(self.shop.broker, name)

    def place(self, order, at):
        self.sent.append(order.id)
        if order.side is Side.SELL and self.left:
            self.left -= 1
            if self.done:
                self.shop.broker.place(order, at)
            raise UnknownOutcome("the line was cut")
        return self.shop.broker.place(order, at)

    def find(self, order, at):
        if self.silent:
            self.silent -= 1
            raise UnknownOutcome("no answer")
        return self.shop.broker.find(order, at)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_costs_one_round_and_not_the_rest_of_the_run(done):
    shop = Shop().bought(KRW_BTC=RICH, KRW_XRP=RICH).minutes_before(5)
    began, venue = shop.at, Lossy(shop, 1, done=done)
    ended = run(replace(shop.desk, broker=venue))
    assert (ended.outcome, ended.left) == (Liquidating.FLAT, {})
    assert shop.at - began < 10_000
    assert len(set(venue.sent)) == 2  # one id for each position: what may have been sent is asked for, not sent anew


def test_a_venue_that_cannot_even_be_asked_is_asked_again_in_the_next_round():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(5)
    began, venue = shop.at, Lossy(shop, 1, silent=3)
    assert run(replace(shop.desk, broker=venue)).outcome is Liquidating.FLAT
    assert shop.at - began < 45_000
    assert len(venue.sent) == 1


class Deaf:
    """Locks whose grants are written and not answered, `times` often."""

    def __init__(self, shop, times):
        self._plain, self._left = shop.desk.leases, times

    def __getattr__(self, name):
        return getattr(self._plain, name)

    def grant(self, ask, at):
        answer = self._plain.grant(ask, at)
        self._left -= 1
        return answer if self._left < 0 else Unclear(reason="the table did not answer")

    def note(self, held, order, at):
        return self._plain.note(held, order, at)


def test_a_lock_that_was_taken_without_an_answer_is_taken_again_in_the_next_round():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(5)
    began = shop.at
    assert run(replace(shop.desk, leases=Deaf(shop, 1))).outcome is Liquidating.FLAT
    assert shop.at - began < 10_000


class Lost(Deaf):
    """The order row is not written, or nobody says so."""

    def note(self, held, order, at):
        return Reserved(lost=True)


def test_a_lock_of_another_run_is_left_alone():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(5)
    run(replace(shop.desk, leases=Lost(shop, 0), deadline_ms=12_000))
    (lock,) = shop.desk.leases.locks()
    before, wanted = lock.fence, replace(shop.desk, owner="liquidate#2", deadline_ms=12_000)
    assert lock.owner == "liquidate#1"
    shop.desk.leases.renew(granted_of(lock), shop.at + 60_000)
    assert run(wanted).outcome is Liquidating.LEFT
    assert shop.desk.leases.locks()[0].fence == before


def granted_of(lock):
    return Granted(
        instrument=lock.instrument, owner=lock.owner, fence=lock.fence, ends=lock.ends, intent=lock.intent,
        position=lock.position,
    )  # fmt: skip


def test_locks_that_do_not_answer_afterwards_end_by_themselves():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(5)

    class Away(Lost):
        def lock(self, instrument):
            raise Transient("the table is away")

    assert run(replace(shop.desk, leases=Away(shop, 0), deadline_ms=12_000)).outcome is Liquidating.LEFT
