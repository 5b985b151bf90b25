"""E8: orders that no lock is about are settled with the venue, so that none of them fills unseen."""

from decimal import Decimal

import pytest

from core.adapters.memory.state import Row
from core.domain.errors import Transient
from core.domain.orders import Order, State
from core.domain.policies import Strays
from core.domain.values import Market, Side
from tests.app.test_by_hand import BBB, DAY, Shared


def stray(world, state=State.OPEN, share="0"):
    """An order row that is open, known to the venue, and on no lock."""
    order = Order(
        id="hoga-stray", instrument=BBB, side=Side.BUY, quantity=Decimal(100), reference=Decimal(100), signal="x", leg=0,
        worker="w-01", reason="fall", at=world.hands.at, state=state,
    )  # fmt: skip
    world.books.leases._books.orders[order.id] = Row(order, DAY)
    if share is not None:
        world.broker.fills, world.broker.resting = {0: Decimal(share)}, True
        world.broker.place(order, world.hands.at)
        world.broker.resting = False
    return order


@pytest.mark.parametrize(("share", "state"), [("0", State.CANCELLED), ("1", State.FILLED), (None, State.REJECTED)])
def test_a_stray_order_is_settled_with_the_venue_and_none_of_it_stays_open(share, state):
    world = Shared()
    order = stray(world, State.UNKNOWN, share)
    swept = world.run()
    assert (swept.ended, swept.strays) == ((order.id,), ())
    assert world.books.ledger.order(order.id).state is state
    assert world.run().ended == ()
    assert world.broker.holdings(Market.UPBIT) == ({"KRW-BBB": Decimal(100)} if share == "1" else {})


def test_a_stray_order_that_cannot_be_settled_is_told_and_tried_again():
    world = Shared()
    order = stray(world)
    world.broker.before["find"] = Transient("no connection")
    assert world.run().strays == (order.id,)
    assert "no connection" in world.told.sent[-1].memo
    assert world.run().ended == (order.id,)


def test_with_strays_told_only_nothing_is_cancelled():
    world = Shared(strays=Strays.TELL)
    order = stray(world)
    assert world.run().strays == (order.id,)
    assert world.broker.known[order.id][1].state == "open"
