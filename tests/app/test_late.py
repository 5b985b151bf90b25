"""E8: an order that was given up as never sent and that the venue has after all is ours, with its own fills."""

from decimal import Decimal

import pytest

from core.adapters.memory.state import Row
from core.app.trade import handle
from core.domain.errors import Transient
from core.domain.orders import Order, State
from core.domain.policies import ByHand
from core.domain.values import ZERO, Market, Side
from core.domain.workers import Status
from tests.app.test_by_hand import BBB, DAY, Shared
from tests.fakes import AAA, buy

UNITS = Decimal(100)


def given_up(world, on=BBB, side=Side.BUY, name="late", *, share="1", quantity=UNITS):
    """An order row that ends in "never sent", and an order of that id at the venue, unless `share` is None."""
    order = Order(
        id=f"hoga-{name}", instrument=on, side=side, quantity=quantity, reference=Decimal(100), signal=name, leg=0,
        worker="w-01", reason="fall" if side is Side.BUY else "stop_loss", at=world.hands.at, state=State.REJECTED,
    )  # fmt: skip
    world.books.leases._books.orders[order.id] = Row(order, DAY)
    if share is not None:
        world.broker.fills = {0: Decimal(share)}
        world.broker.place(order, world.hands.at)
    return order


def until_settled(world, runs=11):
    return [act for _ in range(runs) for act in world.run().acts]


@pytest.mark.parametrize("by_hand", ByHand)
@pytest.mark.parametrize(("share", "state"), [("1", State.FILLED), ("0.6", State.CANCELLED)])
def test_a_late_buy_becomes_a_position_with_its_own_price_and_fees_whatever_is_done_about_people(by_hand, share, state):
    world = Shared(by_hand=by_hand)
    given_up(world, AAA, name="another", share=None)
    order = given_up(world, share=share)
    [act] = until_settled(world)
    row, held = world.books.ledger.order(order.id), world.held(BBB)
    assert (act.units, row.state, row.note != "") == (UNITS * Decimal(share), state, True)
    assert (held.quantity, held.cost, held.fees, held.signal) == (row.filled, row.value, row.fees, "late")
    account = world.books.ledger.account(Market.UPBIT, DAY)
    assert (account.exposure, account.positions) == (held.cost + held.fees, 1)
    [owner] = [one for one in world.books.ledger.workers(Market.UPBIT) if one.id == held.worker]
    assert (owner.status, owner.symbol) == (Status.HOLD, BBB.symbol)
    assert "had been given up" in world.memos()[0]


def test_a_late_buy_of_what_was_bought_again_meanwhile_is_part_of_that_position():
    world = Shared(by_hand=ByHand.TELL)
    handle(buy(expires_s=600), world.desk())
    before = world.held()
    given_up(world, AAA)
    until_settled(world, 2)
    after = world.held()
    assert (after.quantity - before.quantity, after.cost - before.cost) == (UNITS, 100 * UNITS)
    assert (after.worker, after.signal) == (before.worker, before.signal)


def test_a_late_sale_of_what_is_held_is_booked_by_its_own_fills():
    world = Shared(by_hand=ByHand.TELL)
    handle(buy(expires_s=600), world.desk())
    order = given_up(world, AAA, Side.SELL, quantity=world.held().quantity)
    [act] = until_settled(world, 2)
    assert (world.held(), act.trip.id, world.books.ledger.order(order.id).state) == (None, order.id, State.FILLED)
    assert world.books.ledger.account(Market.UPBIT, DAY).exposure == 0
    assert {one.status for one in world.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def test_what_a_person_bought_is_not_taken_for_an_order_that_the_venue_never_had():
    world = Shared(by_hand=ByHand.TELL)
    order = given_up(world, share=None)
    world.trades(BBB.symbol, UNITS)
    assert until_settled(world) == []
    assert (world.held(BBB), world.books.ledger.order(order.id).state) == (None, State.REJECTED)


def test_a_late_buy_that_nobody_is_free_to_own_is_told_as_a_difference():
    world = Shared(by_hand=ByHand.TELL)
    world.books.leases._books.workers = {
        key: type(one)(id=one.id, market=one.market, status=Status.EXIT, capital=one.capital, heartbeat=one.heartbeat)
        for key, one in world.books.leases._books.workers.items()
    }
    given_up(world)
    assert until_settled(world) == []
    assert [each.instrument for each in world.run().differs] == [BBB]


def test_a_late_sale_of_what_is_not_held_is_no_act_of_ours():
    world = Shared(by_hand=ByHand.TELL)
    world.trades(BBB.symbol, UNITS)
    world.run()
    given_up(world, side=Side.SELL)
    assert until_settled(world, 3) == []
    assert world.held(BBB) is None


def test_a_venue_that_does_not_answer_or_refuses_it_again_changes_nothing_yet():
    world = Shared(by_hand=ByHand.TELL)
    order = given_up(world)
    world.broker.before["find"] = Transient("no connection")
    for _ in range(9):
        if "find" not in world.broker.before:
            break
        assert world.run().acts == ()
    assert world.held(BBB) is None
    [act] = until_settled(world, 3)
    assert (act.units, world.books.ledger.order(order.id).state) == (UNITS, State.FILLED)
    assert world.books.ledger.open_orders(Market.UPBIT) == []
    assert world.held(BBB).quantity > ZERO
