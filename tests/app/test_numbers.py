"""E8 at a venue without client order ids: the number that it gave an order becomes ours with the order's end.

Between the two anybody else may have acted: whoever takes open buys back, whoever has the lock now, or an order that
was matched with the same number. Each of the venue's orders is one of ours in the end, and is booked once.
"""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app.desk import Ending
from core.app.selling import cancel_buys
from core.domain.errors import Transient
from core.domain.orders import State, order_id
from core.domain.phases import Phase
from core.domain.sendings import Fate, Sending
from core.domain.values import Market, Millis, Side
from tests.adapters.orders.scripted import SAMSUNG
from tests.app.test_lost_orders import World
from tests.fakes import buy as a_signal

ORDER = order_id(SAMSUNG, a_signal(id="b1").id, Side.BUY, 0)
NUMBER = "20260922-0001569157"


class Meanwhile:
    """A port before whose method of this name something happens, the first time."""

    def __init__(self, port, name, happens):
        self._port, self._name, self._happens = port, name, [happens]

    def __getattr__(self, name):
        while name == self._name and self._happens:
            self._happens.pop()()
        return getattr(self._port, name)


@pytest.fixture
def world():
    return World()


def meanwhile(world, port, name, happens):
    """A process that is at it while something else happens."""
    desk = world.desk()
    return replace(desk, **{port: Meanwhile(getattr(desk, port), name, happens)})


def others_number(world):
    """The log's entry of another order of ours, that has a number already."""
    return Sending(
        order="hoga-other",
        instrument=SAMSUNG,
        side=Side.BUY,
        quantity=14,
        limit=None,
        at=world.hands.at,
        fate=Fate.TAKEN,
    )


def log(world):
    return world.books.sendings.read(ORDER)


def test_an_order_that_was_bought_has_its_number_in_the_log_and_no_claim_of_its_own(world):
    written = []
    claim = world.bench.sendings.claim
    world.bench.sendings.claim = lambda *given: written.append(given) or claim(*given)
    assert world.buy().outcome is Ending.BOUGHT
    assert (log(world).fate, log(world).venue_id, log(world).version) == (Fate.TAKEN, f"{NUMBER}-06010", 2)
    assert len(written) == 1  # the memory's own, inside of the commit
    assert world.settled() == 14


def test_an_order_whose_number_is_anothers_is_unknown_and_booked_by_nobody_twice(world):
    assert world.books.sendings.claim(others_number(world), NUMBER)
    verdict = world.buy()
    assert (verdict.outcome, verdict.order.state, verdict.order.fills) == (Ending.UNKNOWN, State.UNKNOWN, ())
    assert "not its own" in verdict.detail
    assert world.lock.intent.order == ORDER
    for _ in range(4):
        world.sweep()
    assert (world.lock.position, world.lock.intent) == (None, None)
    assert world.books.ledger.order(ORDER).state is State.REJECTED
    assert world.books.ledger.account(Market.KRX, "any").exposure == 0


def test_a_buy_that_the_days_end_wanted_back_while_its_process_looked_is_bought_by_that_process(world):
    """Whoever takes buys back looks for the number, and has it written, before the order's own process ends it."""
    desk = meanwhile(world, "broker", "find", lambda: cancel_buys(world.desk()))
    assert world.buy(desk=desk).outcome is Ending.BOUGHT
    assert log(world).fate is Fate.TAKEN
    assert world.settled() == 14
    assert len(world.kis.orders) == 1


def test_a_buy_that_was_taken_back_by_another_process_is_ended_by_its_own(world):
    world.bench.phase, world.kis.fills = Phase.CLOSING, 0
    desk = meanwhile(world, "broker", "find", lambda: cancel_buys(world.desk()))
    assert world.buy(desk=desk).outcome is Ending.REFUSED
    assert (log(world).fate, log(world).cancelled > 0) == (Fate.TAKEN, True)
    assert world.settled() == 0


@pytest.mark.parametrize("ends", [True, False], ids=["another ended it", "another is at it"])
def test_who_was_paused_past_its_lease_before_the_end_takes_no_number_and_books_nothing(world, ends):
    """Whoever has the lock finds the order by its terms, as after a death."""

    def silence():
        raise Transient("the venue does not answer")

    def others():
        world.hands.later(30)
        if ends:
            world.sweep()
        else:
            world.buy(desk=meanwhile(world, "broker", "find", silence))

    verdict = world.buy(desk=meanwhile(world, "leases", "commit", others))
    assert verdict.outcome is Ending.LOST
    assert log(world).fate is (Fate.TAKEN if ends else Fate.SENT)
    assert world.settled() == 14
    assert (len(world.kis.orders), log(world).version) == (1, 2)


def test_an_order_that_is_not_finished_has_its_number_from_when_it_is_left_to_the_sweep(world):
    world.bench.phase, world.kis.fills = Phase.CLOSING, 0
    desk = replace(world.desk(), pause=lambda seconds: world.hands.later(12))
    verdict = world.buy(desk=replace(desk, deadline_ms=Millis(20_000)))
    assert (verdict.outcome, verdict.order.state) == (Ending.UNKNOWN, State.OPEN)
    assert (log(world).fate, world.books.ledger.order(ORDER).venue_id) == (Fate.TAKEN, f"{NUMBER}-06010")
    assert world.settled() == 0


def test_an_order_left_open_whose_number_is_anothers_is_left_as_unknown(world):
    world.bench.phase, world.kis.fills = Phase.CLOSING, 0
    assert world.books.sendings.claim(others_number(world), NUMBER)
    desk = replace(world.desk(), pause=lambda seconds: world.hands.later(12), deadline_ms=Millis(20_000))
    verdict = world.buy(desk=desk)
    assert (verdict.outcome, verdict.order.state, verdict.order.venue_id) == (Ending.UNKNOWN, State.UNKNOWN, "")
    assert log(world).fate is Fate.SENT


def test_an_order_filled_in_part_whose_number_is_anothers_is_not_booked_by_what_was_seen_of_that(world):
    """It was to be taken back: its number would have been written for that, and another order of ours has it."""
    world.bench.phase, world.kis.fills = Phase.CLOSING, D("0.5")
    assert world.books.sendings.claim(others_number(world), NUMBER)
    verdict = world.buy()
    assert (verdict.outcome, verdict.order.state, verdict.order.fills) == (Ending.UNKNOWN, State.UNKNOWN, ())
    for _ in range(6):
        world.hands.later(31)
        world.sweep()
    assert (world.lock.position, world.kis.posts[1:]) == (None, [])
    assert world.books.ledger.account(Market.KRX, "any").exposure == 0
