"""E7: totals that limits are held against are what the locks add up to, whatever left them otherwise."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.app import recount, sweep
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.values import Market
from tests.app.world import World, take
from tests.fakes import SYMBOLS, Died, Steps, buy, sell, shelf_of
from tests.watching import Quotes

KRW = "KRW"


class Till(World):
    """A world whose desks know that Upbit alone is paid in won, with a shelf that lasts."""

    def __init__(self):
        super().__init__()
        self.shelf = shelf_of(at=self.hands.at)

    def desk(self):
        return replace(super().desk(), shelf=self.shelf, paid_alike=frozenset({Market.UPBIT}))

    def run(self):
        self.hands.later(60)
        return sweep.run(self.desk(), Quotes(*SYMBOLS))

    def drift(self, money, positions=0, currency=None):
        books = self.books.ledger._books
        books.exposure[Market.UPBIT] += Decimal(money)
        books.positions[Market.UPBIT] += positions
        books.currency[KRW] += Decimal(money if currency is None else currency)

    def counted(self):
        total = self.books.ledger.total(Market.UPBIT)
        return total.exposure, total.positions, self.books.ledger.total(KRW).exposure

    def true(self):
        held = [lock.position for lock in self.books.leases.locks() if lock.position]
        worth = sum(each.cost + each.fees for each in held)
        return worth, len(held), worth


def test_what_nothing_moved_is_recounted_by_nobody():
    world = Till()
    world.bought()
    assert [world.run().recounted for _ in range(2)] == [(), ()]
    assert world.counted() == world.true()


@pytest.mark.parametrize(("money", "positions"), [("3000000", 2), ("-1000000", -1), ("0", 1), ("0.5", 0)])
def test_a_drift_that_lasts_is_put_right_in_the_second_run_and_buys_go_on(money, positions):
    world = Till()
    world.bought()
    world.drift(money, positions)
    assert world.run().recounted == ()
    done = world.run().recounted
    assert {each.of for each in done} == ({"upbit", KRW} if Decimal(money) else {"upbit"})
    assert world.counted() == world.true()
    assert handle(buy("KRW-BBB", at=world.hands.at), world.desk()).outcome is Ending.BOUGHT
    assert world.run().recounted == ()


def test_totals_of_an_older_version_are_counted_in_the_first_run():
    world = Till()
    world.bought()
    books = world.books.ledger._books
    books.currency.clear(), books.moves.clear()
    (done,) = world.run().recounted
    assert (done.of, done.was.exposure) == (KRW, 0)
    assert world.counted() == world.true()


def test_a_total_that_moves_while_the_locks_are_read_is_left_to_the_next_run():
    world = Till()
    world.bought()
    world.drift("7")
    world.run()
    desk = world.desk()
    before = recount.totals(desk)
    handle(buy("KRW-BBB", at=world.hands.at), desk)
    assert recount.put_right(before, desk.leases.locks(), desk) == ()
    world.run(), world.run()
    assert world.counted() == world.true()


def test_a_drift_that_changes_is_no_drift_yet():
    world = Till()
    world.bought()
    world.drift("7")
    world.run()
    world.drift("1")
    assert world.run().recounted == ()
    assert len(world.run().recounted) == 2


def test_a_currency_is_not_recounted_by_whoever_does_not_know_its_markets():
    world = Till()
    world.bought()
    world.drift("7")
    plain = replace(world.desk(), paid_alike=None)
    for _ in range(2):
        world.hands.later(60)
        done = sweep.run(plain, Quotes(*SYMBOLS)).recounted
    assert [each.of for each in done] == ["upbit"]


def test_a_buy_under_way_counts_with_what_it_reserved():
    world = Till()
    steps = Steps()
    handle(buy(expires_s=600), World().mortal(steps))
    with pytest.raises(Died):
        handle(buy(expires_s=600), world.mortal(Steps(len(steps.taken) - steps.taken[::-1].index("after engage"))))
    assert recount.put_right(recount.totals(world.desk()), world.books.leases.locks(), world.desk()) == ()
    take(world.desk(), buy("KRW-CCC", expires_s=600))  # granted and nothing more: nothing is taken for it
    assert recount.put_right(recount.totals(world.desk()), world.books.leases.locks(), world.desk()) == ()


@given(acts=st.lists(st.tuples(st.sampled_from(SYMBOLS), st.booleans(), st.sampled_from([1.0, 0.4, 0.0])), max_size=12))
def test_whatever_is_traded_the_totals_are_what_the_locks_add_up_to(acts):
    world = Till()
    for symbol, buying, part in acts:
        world.hands.later(61)
        world.broker.fills = {0: part}
        handle((buy if buying else sell)(symbol, at=world.hands.at), world.desk())
        assert world.counted() == world.true()
    assert world.run().recounted == ()
