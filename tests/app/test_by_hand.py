"""E8: what people trade by hand, what is too little to sell, and orders that no lock is about: put right and told once."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.state import Item
from core.app import sweep, tally
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.errors import Transient
from core.domain.levels import Hands
from core.domain.messages import Kind
from core.domain.policies import ByHand, SweepPolicy
from core.domain.values import ZERO, Instrument, Market, Millis
from core.domain.workers import Status
from tests.app.world import World, take
from tests.fakes import AAA, FEE, SYMBOLS, Died, Dying, Steps, buy, policy, sell, shelf_of
from tests.watching import Quotes

DAY = "2026-09-21"
BBB = Instrument(Market.UPBIT, "KRW-BBB")


class Shared(World):
    """A venue where a person trades as well: `person` holds what he did, by symbol."""

    ask = None

    def __init__(self, by_hand=ByHand.ADOPT, person=None, **changes):
        super().__init__()
        self.person, self.price, self.by_hand, self.changes = person or {}, 100.0, by_hand, changes
        self.shelf, venue = shelf_of(at=self.hands.at), self.broker.holdings
        self.broker.holdings = lambda market: self._all(venue(market))
        self.run()

    def _all(self, ours):
        both = {symbol: ours.get(symbol, ZERO) + self.person.get(symbol, ZERO) for symbol in {*ours, *self.person}}
        return {symbol: units for symbol, units in both.items() if units}

    def desk(self):
        chosen = policy(sweep=SweepPolicy(by_hand=self.by_hand, **self.changes))
        last = lambda symbol: self.ask() if self.ask else self.price
        return replace(super().desk(), policy=chosen, last_price=last, shelf=self.shelf)

    def run(self):
        self.hands.later(60)
        return sweep.run(self.desk(), Quotes(*SYMBOLS))

    def trades(self, symbol, units):
        self.person[symbol] = self.person.get(symbol, ZERO) + Decimal(units)

    def held(self, on=AAA):
        lock = self.books.leases.lock(on)
        return lock.position if lock else None

    def memos(self):
        return [alert.memo for alert in self.told.sent if alert.kind.value == "by_hand"]


def test_units_bought_by_hand_are_seen_twice_before_they_are_ours():
    world = Shared()
    world.trades("KRW-BBB", 100)
    assert [each.instrument for each in world.run().differs] == [BBB]
    assert world.held(BBB) is None
    swept = world.run()
    position = world.held(BBB)
    assert (swept.differs, [act.units for act in swept.acts]) == ((), [Decimal(100)])
    assert (position.quantity, position.cost, position.price, position.rule) == (100, 10_000, 100, "by_hand")
    owner = next(one for one in world.books.ledger.workers(Market.UPBIT) if one.id == position.worker)
    assert (owner.status, owner.symbol) == (Status.HOLD, "KRW-BBB")
    assert world.account.exposure == 10_000
    assert "bought by hand are ours now" in world.memos()[0]
    assert world.run().acts == ()
    assert len({alert.id for alert in world.told.sent if alert.kind.value == "by_hand"}) == 1  # told again, known again


def test_a_sweep_that_dies_before_it_tells_what_it_put_right_is_told_for():  # F5
    world = Shared()
    world.trades("KRW-BBB", 100)
    world.run()
    world.hands.later(60)
    desk = world.desk()
    with pytest.raises(Died):
        sweep.run(replace(desk, alerts=Dying(desk.alerts, Steps(1), {"send"})), Quotes(*SYMBOLS))
    assert (world.held(BBB).quantity, world.memos()) == (100, [])
    assert world.run().acts == ()
    assert [memo[:18] for memo in world.memos()] == ["100 bought by hand"]
    assert (world.run().untold, len(world.memos())) == ("", 1)


def test_what_was_bought_by_hand_is_sold_by_its_exits():  # E4
    world = Shared()
    world.trades("KRW-BBB", 100)
    world.run(), world.run()
    ended = handle(sell("KRW-BBB", at=world.hands.at), world.desk())
    assert ended.outcome is Ending.SOLD
    assert ended.trip.rule == "by_hand"


def test_units_bought_beside_our_own_join_the_position_at_its_mean_price():
    world = Shared()
    world.bought()
    before = world.held()
    world.price = 110.0
    world.trades("KRW-AAA", 1000)
    world.run(), world.run()
    after = world.held()
    assert (after.quantity, after.worker) == (before.quantity + 1000, before.worker)
    assert after.cost == before.cost + 110_000
    assert after.price * after.quantity == pytest.approx(after.cost)


@pytest.mark.parametrize("mode", [ByHand.ADOPT, ByHand.IGNORE])
def test_a_position_sold_by_hand_is_a_marked_trip_at_the_last_price(mode):
    world = Shared(mode)
    world.bought()
    before = world.held()
    world.price = 90.0
    world.trades("KRW-AAA", -before.quantity)
    world.run()
    swept = world.run()
    (trip,) = world.books.ledger.trips(Market.UPBIT, DAY)
    assert (trip.exit, trip.quantity, trip.sold) == ("by_hand", before.quantity, 90)
    assert trip.pnl == before.quantity * 90 * (1 - FEE) - before.cost - before.fees
    assert (world.held(), world.account.exposure, world.account.positions) == (None, 0, 0)
    assert {one.status for one in world.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}
    assert swept.acts[0].trip == trip
    assert "sold by hand" in world.memos()[0]


def test_a_part_sold_by_hand_leaves_the_rest_with_its_owner():
    world = Shared()
    world.bought()
    before = world.held()
    world.trades("KRW-AAA", -1000)
    world.run(), world.run()
    after = world.held()
    assert (after.quantity, after.worker) == (before.quantity - 1000, before.worker)
    assert after.realised == world.account.realised != 0


def test_a_rest_that_is_too_little_to_sell_is_written_off_with_it():
    world = Shared()
    world.bought()
    units = world.held().quantity
    world.trades("KRW-AAA", -(units - 2))
    world.run(), world.run()
    assert (world.held(), world.lock.dust) == (None, 2)
    assert world.books.ledger.trips(Market.UPBIT, DAY)[0].quantity == units
    assert world.run().differs == ()


def test_with_tell_nothing_is_done_however_long_it_lasts():
    world = Shared(ByHand.TELL)
    world.bought()
    before = world.lock
    world.trades("KRW-AAA", -1000)
    for _ in range(4):
        assert [each.instrument for each in world.run().differs] == [AAA]
    assert world.lock == before
    assert "nothing is done about it" in world.told.sent[-1].memo


def test_with_ignore_what_a_person_bought_stays_his_and_is_told_once():
    world = Shared(ByHand.IGNORE)
    world.bought()
    before = world.held()
    world.trades("KRW-AAA", 1000)
    world.run(), world.run()
    assert world.held() == before
    assert world.shelf.read(Hands, Market.UPBIT).own == {"KRW-AAA": 1000}
    assert (world.run().differs, world.run().acts, len(world.memos())) == ((), (), 1)
    world.trades("KRW-AAA", 500)
    for _ in range(4):
        world.run()
    told = [alert for alert in world.told.sent if alert.kind is Kind.BY_HAND]
    assert [alert.memo.split()[0] for alert in told] == ["1,000", "500"]
    assert len({alert.id for alert in told}) == 2  # else people would not be told of the second
    handle(sell(at=world.hands.at), world.desk())
    assert world.run().differs == ()


def test_what_a_person_held_before_we_began_is_never_adopted():
    world = Shared(person={"KRW-BBB": Decimal(500)})
    for _ in range(3):
        assert (world.run().acts, world.run().differs) == ((), ())
    assert world.held(BBB) is None
    handle(buy("KRW-BBB", at=world.hands.at), world.desk())
    assert world.run().differs == ()
    world.trades("KRW-BBB", -500)
    assert (world.run().differs, world.run().acts) == ((), ())


def test_a_coin_that_is_not_safe_to_trade_is_never_adopted():
    world = Shared()
    world.trades("KRW-ODD", 100)
    assert (world.run().differs, world.run().acts) == ((), ())


def test_units_too_little_to_sell_are_left_where_they_are_and_do_not_show_again():
    world = Shared()
    world.trades("KRW-BBB", 2)
    world.run(), world.run()
    assert (world.held(BBB), world.books.leases.lock(BBB).dust) == (None, 2)
    assert (world.run().differs, world.run().acts) == ((), ())


def test_without_a_price_or_a_free_worker_nothing_is_adopted_and_people_are_told():
    world = Shared()
    world.trades("KRW-BBB", 100)
    world.run()
    world.price = None
    assert [each.instrument for each in world.run().differs] == [BBB]

    def away():
        raise Transient("no price today")

    world.ask = away
    assert [each.instrument for each in world.run().differs] == [BBB], "a price that cannot be had stops nothing"
    world.ask, world.price = None, 100.0
    for one in world.books.ledger.workers(Market.UPBIT):
        world.books.ledger.move(one, Status.EXIT, world.hands.at)
    assert [each.instrument for each in world.run().differs] == [BBB]
    assert world.held(BBB) is None


# ---- dust ------------------------------------------------------------------------------------------------------------


def dusty():
    """A sale that left two units, which were written off."""
    world = Shared(ByHand.TELL)
    world.bought()
    world.broker.fills = {0: Decimal("0.9999")}
    handle(sell(at=world.hands.at), world.desk())
    world.broker.fills = {}
    assert world.held() is None
    assert 0 < world.lock.dust < 50
    return world


def test_dust_written_off_yesterday_is_no_difference_today():
    world = dusty()
    assert world.run().differs == ()
    world.hands.later(2 * 86_400)
    world.shelf = replaced(world)
    handle(buy(id="b9", at=world.hands.at), world.desk())
    assert world.run().differs == ()


def replaced(world):
    """The same levels, the safe set young again."""
    fresh = shelf_of(at=world.hands.at)
    fresh.write(world.shelf.read(Hands, Market.UPBIT))
    return fresh


def test_dust_that_a_person_cleared_is_forgotten():
    world = dusty()
    world.trades("KRW-AAA", -world.lock.dust)
    world.hands.at = Millis(world.hands.at - world.hands.at % 600_000 + 600_000 - 60_000)
    swept = world.run()
    assert [act.did for act in swept.acts] == ["of what was written off are gone from the venue"]
    assert (world.lock.dust, world.run().acts) == (0, ())


def test_a_position_under_the_least_order_is_written_off_by_the_sweep():
    world = Shared()
    world.bought()
    small = replace(world.held(), quantity=Decimal(2), cost=Decimal(200), fees=ZERO)
    books = world.books.leases._books
    books.items[AAA] = replace_item(books.items[AAA], small)
    world.trades("KRW-AAA", 2 - 9895)
    world.price = None
    assert world.run().acts == (), "nobody knows that it is worth too little"
    world.price = 100.0
    swept = world.run()
    assert [act.did for act in swept.acts] == ["are under the least order: written off"]
    assert (world.held(), world.lock.dust) == (None, 2)
    assert world.books.ledger.trips(Market.UPBIT, DAY)[0].exit == "dust"


def replace_item(item, position):
    return Item(replace(item.lock, position=position), item.nonce)


def test_units_of_an_order_under_way_are_nobodys_own():
    """The list of the day's orders may be a moment behind: what the lock is about is not taken for a person's."""
    world = Shared()
    take(world.desk(), buy("KRW-BBB", at=world.hands.at, expires_s=600))
    world.trades("KRW-BBB", 100)
    desk = world.desk()
    counted = tally.compare(desk.leases.locks(), desk, world.hands.at)
    assert counted.differences == ()
    assert world.shelf.read(Hands, Market.UPBIT).own == {}


def test_less_than_a_lot_is_left_where_it_is_whatever_it_is_worth():
    world = Shared()
    world.price = 10.0**9
    world.trades("KRW-BBB", "0.00009")
    world.run(), world.run()
    assert world.held(BBB) is None
    assert world.books.leases.lock(BBB).dust == Decimal("0.00009")
    assert "too little to sell" in world.memos()[0]
