"""E8: whoever dies, wherever: one order per decision, and after two sweeps nothing is open."""

from contextlib import suppress

import pytest

from core.app.trade import handle
from core.domain.values import Market
from core.domain.workers import Status
from tests.app.world import World
from tests.fakes import Died, Steps, buy, sell


def steps_of(act):
    """Every moment between two steps of an act that nobody interrupts."""
    world, steps = World(), Steps()
    act(world, steps)
    return steps.taken


def a_buy(world, steps):
    handle(buy(at=world.hands.at, expires_s=600), world.mortal(steps))


def a_sale(world, steps):
    world.bought()
    handle(sell(at=world.hands.at), world.mortal(steps))


def a_sale_in_two_legs(world, steps):
    world.bought()
    world.broker.fills = {0: 0.5}
    handle(sell(at=world.hands.at), world.mortal(steps))


def a_sweep_after_a_buy(world, steps):
    with suppress(Died):
        a_buy(world, Steps(BUY.index("after place") + 1))
    world.sweep(world.mortal(steps))


def a_buy_of_dust(world, steps):
    world.broker.fills = {0: 0.002}
    handle(buy(at=world.hands.at, expires_s=600), world.mortal(steps))


def a_sale_that_leaves_dust(world, steps):
    world.bought()
    world.broker.fills = {0: 0.996}
    handle(sell(at=world.hands.at), world.mortal(steps))


BUY, SALE, LEGS = steps_of(a_buy), steps_of(a_sale), steps_of(a_sale_in_two_legs)
BUY_DUST, SALE_DUST = steps_of(a_buy_of_dust), steps_of(a_sale_that_leaves_dust)
SWEEP = steps_of(a_sweep_after_a_buy)


def at_every(steps):
    return pytest.mark.parametrize("last", [pytest.param(n, id=f"{n}-{name}") for n, name in enumerate(steps, 1)])


def settled(world):
    """Two sweeps later, with the signal delivered again in between, the books and the venue say the same."""
    world.sweep()
    world.sweep()
    assert world.books.ledger.open_orders(Market.UPBIT) == []
    lock = world.lock
    assert lock is None or (lock.owner, lock.intent) == ("", None)
    held = lock.position.quantity if lock and lock.position else 0
    dust = sum(trip.quantity for trip in trips(world) if trip.exit == "dust")
    assert world.broker.holdings(Market.UPBIT).get("KRW-AAA", 0) == held + dust
    taken = lock.position.cost + lock.position.fees if held else 0
    assert (world.account.exposure, world.account.positions) == (taken, 1 if held else 0)
    holding = [worker.symbol for worker in world.books.ledger.workers(Market.UPBIT) if worker.status is Status.HOLD]
    assert holding == (["KRW-AAA"] if held else [])
    return held


def trips(world):
    return world.books.ledger.trips(Market.UPBIT, "2026-09-21")


@at_every(BUY)
def test_a_buy_that_dies_at_any_step_is_one_order(last):
    world = World()
    with pytest.raises(Died):
        a_buy(world, Steps(last))

    signal = buy(expires_s=600)
    handle(signal, world.desk())
    world.hands.later(25)
    handle(signal, world.desk())

    assert settled(world) > 0
    assert len(world.broker.known) == 1


@at_every(BUY)
def test_a_buy_that_dies_and_comes_back_too_late_is_bought_once_or_not_at_all(last):
    world = World()
    with pytest.raises(Died):
        a_buy(world, Steps(last))
    world.hands.later(601)

    held = settled(world)

    assert len(world.broker.known) == (1 if held else 0)


@at_every(SALE)
def test_a_sale_that_dies_at_any_step_sells_all_once(last):
    world = World()
    with pytest.raises(Died):
        a_sale(world, Steps(last))

    world.sweep()
    handle(sell(id="again", at=world.hands.at), world.desk())

    assert settled(world) == 0
    assert len(world.broker.known) == 2
    assert len(world.books.ledger.trips(Market.UPBIT, "2026-09-21")) == 1


@at_every(LEGS)
def test_a_sale_in_two_legs_that_dies_at_any_step_sells_each_leg_once(last):
    world = World()
    with pytest.raises(Died):
        a_sale_in_two_legs(world, Steps(last))

    world.sweep()
    handle(sell(id="again", at=world.hands.at), world.desk())

    assert settled(world) == 0
    trips = world.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert world.account.realised == sum(trip.pnl for trip in trips)
    sold = [order for order, _ in world.broker.known.values() if order.side == "sell"]
    assert len(trips) == len(sold) == 2


@at_every(BUY_DUST)
def test_a_buy_of_too_little_that_dies_at_any_step_is_written_off_once(last):  # E3
    world = World()
    with pytest.raises(Died):
        a_buy_of_dust(world, Steps(last))
    world.sweep()

    assert settled(world) == 0
    asked = int("after engage" in BUY_DUST[:last] and "before engage" not in BUY_DUST[last - 1 :])
    assert [trip.exit for trip in trips(world)] == ["dust"] * asked
    assert len(world.broker.known) == asked
    assert world.sweep().differs == ()


@at_every(SALE_DUST)
def test_a_sale_that_leaves_too_little_and_dies_at_any_step_writes_the_rest_off_once(last):  # E5
    world = World()
    with pytest.raises(Died):
        a_sale_that_leaves_dust(world, Steps(last))
    world.sweep()
    handle(sell(id="again", at=world.hands.at), world.desk())

    assert settled(world) == 0
    assert sorted(trip.exit for trip in trips(world)) == ["dust", "stop_loss"]
    assert world.account.realised == sum(trip.pnl for trip in trips(world))
    assert len(world.broker.known) == 2


@at_every(SWEEP)
def test_a_sweep_that_dies_at_any_step_is_finished_by_the_next(last):
    world = World()
    with pytest.raises(Died):
        a_sweep_after_a_buy(world, Steps(last))

    assert settled(world) > 0
    assert len(world.broker.known) == 1


def test_the_steps_that_can_be_died_at_are_all_of_them():
    named = {name.split()[1] for name in (*BUY, *SALE, *LEGS, *SWEEP)}
    assert named == {"engage", "grant", "note", "commit", "place", "find", "send", "register", "move"}
