"""E1, B2: a process that has no share of what is kept free takes turns for a buy's calls together with the symbol.

Counted as in test_round_trips.py. What the venue says is looked at once the symbol is taken: so a refusal by the lock
or by a limit costs it no more than anybody, and one by the venue's word one write more.
"""

import pytest

from core.adapters.dynamo.budget import DynamoBudget
from core.domain.orders import State
from core.domain.values import Instrument, Market, Millis, Side
from core.domain.workers import Status
from core.feed.pace import PUT_OFF_MS, step_ms
from tests.adapters.dynamo.test_round_trips import deprived, house, sent, tables

__all__ = ["house", "sent", "tables"]

pytestmark = pytest.mark.cloud


@pytest.fixture
def poor(house):
    deprived(house.wiring, Market.UPBIT)
    return house


def busy(house, ahead_ms):
    """Prices may be asked for only so much later than the next call comes."""
    at = Millis(house.wiring.clock() + 2_501 + ahead_ms - step_ms(8.0))
    budget = DynamoBudget(house.wiring.named("HOGA_STATE_TABLE"), house.wiring.client("dynamodb"))
    assert not budget.take(Market.UPBIT, "ticker", 8.0, at)


def test_a_paper_buy_costs_three_round_trips_and_a_refused_lock_one(poor):
    second, third = poor.symbols[1:3]
    for symbol in (second, third):
        assert poor.call(symbol, Side.BUY, "b") == (("bought", ""), ["locks", "paper", "locks"])
    assert poor.call(second, Side.BUY, "b") == (("repeated", ""), ["locks"])
    assert poor.call(second, Side.BUY, "other") == (("held", ""), ["locks"])


def test_a_second_buy_in_the_same_moment_is_not_in_the_way_of_the_first_one_of_this_process(poor):
    """Its turns end later than the next buy begins: what is this process's own is no reason to wait."""
    assert poor.call(poor.symbols[1], Side.BUY, "b")[0] == ("bought", "")
    poor.wiring.clock.more -= 2_501
    assert poor.call(poor.symbols[2], Side.BUY, "b") == (("bought", ""), ["locks", "paper", "locks"])


def test_a_limit_or_a_halt_costs_one_round_trip(poor):
    second, ledger = poor.symbols[1], poor.wiring.ledger
    ledger.halt("all", "news", poor.wiring.clock())
    assert poor.call(second, Side.BUY, "halted") == (("refused", "halted"), ["locks"])
    ledger.resume("all")
    poor.risk(max_positions=1)
    assert poor.call(second, Side.BUY, "full") == (("refused", "open positions"), ["locks"])
    assert poor.wiring.leases.lock(Instrument(Market.UPBIT, second)) is None


def test_what_the_venue_says_against_it_costs_one_write_more_and_leaves_nothing(poor):
    """The price that it was decided at is far under the one that the venue tells."""
    second, price = poor.symbols[1], poor.price  # the one with the share asks for nothing: test_late_looks.py
    poor.price = lambda symbol: price(symbol) * 0.9
    assert poor.call(second, Side.BUY, "b")[1] == ["locks", "locks"]
    verdict, wiring = poor.verdicts[-1], poor.wiring
    assert (verdict.outcome.value, verdict.order.state) == ("refused", State.REJECTED)
    assert verdict.detail.startswith("never sent: price moved, ")
    lock = wiring.leases.lock(Instrument(Market.UPBIT, second))
    assert (lock.owner, lock.intent, lock.position) == ("", None, None)
    assert wiring.ledger.account(Market.UPBIT, "any").positions == 1
    holding = [worker for worker in wiring.ledger.workers(Market.UPBIT) if worker.status is Status.HOLD]
    assert len(holding) == 1


def test_a_turn_that_is_not_free_yet_costs_one_try_more(poor):
    busy(poor, 300)
    assert poor.call(poor.symbols[1], Side.BUY, "b") == (("bought", ""), ["locks", "locks", "paper", "locks"])


def test_one_that_is_not_free_soon_is_asked_for_by_each_call(poor):
    busy(poor, PUT_OFF_MS + 100)
    outcome, asked = poor.call(poor.symbols[1], Side.BUY, "b")
    assert (outcome, asked[:3]) == (("bought", ""), ["locks", "locks", "budget"])


def test_a_turn_that_is_not_free_refuses_nobody_and_what_refuses_costs_one_all_the_same(poor):
    poor.wiring.ledger.halt("all", "news", poor.wiring.clock())
    busy(poor, 300)
    assert poor.call(poor.symbols[1], Side.BUY, "b") == (("refused", "halted"), ["locks"])
