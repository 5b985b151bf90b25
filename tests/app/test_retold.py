"""F5: what a trade was to tell is told, whoever dies between the last write and the telling; and people get it once."""

import pytest
from msgspec.structs import replace

from core.app.owed import GRACE, retell
from core.app.trade import handle
from core.domain.errors import Transient
from core.domain.messages import Kind
from core.domain.values import Market
from tests.app.world import World
from tests.fakes import Died, Steps, buy, sell


class Mute:
    """Alerts that cannot be sent."""

    def send(self, alerts):
        raise Transient("the queue does not answer")


def told(world):
    """Alerts of trades, in the order in which they were sent."""
    return [alert for alert in world.told.sent if alert.kind in (Kind.BOUGHT, Kind.SOLD)]


def died_before_telling(world, signal):
    dry = World()
    if signal.side == "sell":
        dry.bought()
    steps = Steps()
    handle(signal, dry.mortal(steps))
    with pytest.raises(Died):
        handle(signal, world.mortal(Steps(steps.taken.index("before send") + 1)))


def test_a_fill_whose_owner_died_before_telling_it_is_told_by_the_sweep():
    world = World()
    died_before_telling(world, buy(expires_s=600))
    assert world.told.sent == []
    world.sweep()
    assert [alert.kind for alert in told(world)] == [Kind.BOUGHT]


def test_a_sale_and_its_profit_are_told_too():
    world = World()
    world.bought()
    world.sweep()
    world.told.sent.clear()
    died_before_telling(world, sell(at=world.hands.at))
    world.sweep()
    assert world.told.kinds == [Kind.SOLD.value]
    assert "PnL" in world.told.sent[0].memo


def test_what_the_sweep_tells_again_is_the_same_alert_and_only_once_more():
    world = World()
    handle(buy(expires_s=600), world.desk())
    first = told(world)
    world.sweep()
    world.sweep()
    assert told(world) == first * 2  # the cooldown knows the id, so that people get it once


def test_what_cannot_be_told_waits():
    world = World()
    died_before_telling(world, buy(expires_s=600))
    world.hands.later(GRACE / 1000)
    assert "does not answer" in retell(replace(world.desk(), alerts=Mute()))
    assert retell(world.desk()) == ""
    assert world.told.kinds == [Kind.BOUGHT.value]
    assert world.books.ledger.untold(Market.UPBIT) == []


def test_whoever_wrote_it_is_given_time_to_tell_it():
    world = World()
    died_before_telling(world, buy(expires_s=600))
    assert retell(world.desk()) == ""
    assert world.told.sent == []


def test_a_name_that_cannot_be_read_stops_no_trade():
    world = World()

    def nobody(symbol):
        raise Transient("the shelf does not answer")

    assert handle(buy(expires_s=600), replace(world.desk(), name=nobody)).outcome == "bought"
    assert world.told.sent[0].name == ""
