"""B2, E1: turns of the venue's budget that a buy takes together with its symbol, as every keeper of both answers it."""

from types import SimpleNamespace

import pytest
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.dynamo.budget import DynamoBudget
from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.domain.leases import Barrier, Granted
from core.domain.orders import order_id
from core.domain.turns import Fare
from core.domain.values import Market, Millis, Side
from core.feed.pace import LINGER_MS, PUT_OFF_MS, SKEW_MS, step_ms, stretches
from tests.adapters.dynamo.test_lock_contract import AT, BBB, ask, intent, limits, order_for, worker
from tests.cloud import create
from tests.fakes import AAA

UPBIT, LIMIT = Market.UPBIT, 8.0
STEP = step_ms(LIMIT)
UNTIL = AT + LINGER_MS + STEP


class Keepers:
    """Books and the budget beside them; `calls` as far as they are counted."""

    def __init__(self, books, budget, client=None):
        self.leases, self.ledger, self.budget, self.client = books.leases, books.ledger, budget, client
        for name in ("w-01", "w-02"):
            self.ledger.register(worker(name))

    def engage(self, on=AAA, name="w-01", at=AT, groups=("ticker", "orderbook"), signal="b1"):
        wanted = ask(signal=signal, at=at)
        meant = intent(signal, order=order_id(on, signal, Side.BUY, 0), instrument=on)
        wanted = replace(wanted, instrument=on, intent=meant)
        held = Granted(instrument=on, owner="a", fence=at, ends=wanted.ends, intent=meant, position=None)
        turns = stretches(UPBIT, [Fare(group, LIMIT) for group in groups], at)
        return self.leases.engage(wanted, order_for(held, name), worker(name), limits(), at, turns)

    def take(self, group, at):
        return self.budget.take(UPBIT, group, LIMIT, Millis(at))


@pytest.fixture(params=["memory", "moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def keepers(request):
    match request.param:
        case "memory":
            budget = MemoryBudget()
            yield Keepers(MemoryBooks(budget), budget)
        case "moto":
            with mock_aws():
                yield _of(create())
        case "ministack":
            yield _of(create(request.getfixturevalue("dynamo")))


def _of(tables):
    client = tables.client()
    quick = {"pause": lambda seconds: None, "dice": lambda: 0.5}
    leases = DynamoLeases(tables.locks, tables.ledger, client, state=tables.state, **quick)
    books = SimpleNamespace(leases=leases, ledger=DynamoLedger(tables.ledger, client, **quick))
    return Keepers(books, DynamoBudget(tables.state, client), client)


def spans(held):
    return {each.group: (each.since - AT, each.until - AT) for each in held.turns}


def test_they_are_taken_with_the_symbol_and_keep_everybody_else_waiting_until_their_end(keepers):
    held = keepers.engage()
    assert spans(held) == dict.fromkeys(("ticker", "orderbook"), (0, LINGER_MS + STEP))
    for group in ("ticker", "orderbook"):
        assert keepers.take(group, AT + 10) == UNTIL - AT - 10
        assert keepers.take(group, UNTIL) == 0
    assert keepers.take("other", AT) == 0


def test_what_refuses_the_buy_has_taken_no_turn(keepers):
    keepers.ledger.halt("all", "news", AT)
    assert keepers.engage().refused == Barrier.HALTED
    assert keepers.take("ticker", AT) == 0


def test_one_that_is_free_soon_is_taken_from_then_on_and_the_others_from_now(keepers):
    keepers.take("ticker", AT)
    assert spans(keepers.engage()) == {
        "ticker": (STEP, LINGER_MS + 2 * STEP), "orderbook": (0, LINGER_MS + STEP),
    }  # fmt: skip
    assert keepers.take("ticker", UNTIL) == STEP


def test_one_that_is_not_free_soon_is_left_and_the_buy_goes_on(keepers):
    keepers.take("ticker", AT + PUT_OFF_MS)
    held = keepers.engage()
    assert isinstance(held, Granted)
    assert set(spans(held)) == {"orderbook"}
    assert keepers.take("ticker", AT + PUT_OFF_MS) == STEP


def test_a_moment_that_a_wrong_clock_set_keeps_nobody_out(keepers):
    keepers.take("ticker", AT + 10 * SKEW_MS)
    assert spans(keepers.engage(groups=("ticker",))) == {"ticker": (0, LINGER_MS + STEP)}


def test_what_refuses_is_told_though_the_turns_are_not_free_either(keepers):
    keepers.take("ticker", AT)
    keepers.ledger.halt("all", "news", AT)
    assert keepers.engage().refused == Barrier.HALTED


def test_a_fence_of_a_faster_clock_and_a_turn_that_is_not_free_are_both_got_over(keepers):
    first = keepers.engage(at=Millis(AT + 1_500), groups=())
    assert keepers.leases.release(first, AT)
    keepers.take("ticker", AT)
    held = keepers.engage(name="w-02", groups=("ticker",), signal="b2")
    assert (held.fence, spans(held)) == (AT + 1_501, {"ticker": (STEP, LINGER_MS + 2 * STEP)})


def test_two_buys_in_one_moment_have_their_turns_one_after_the_other(keepers):
    first, second = keepers.engage(groups=("ticker",)), keepers.engage(BBB, "w-02", groups=("ticker",))
    assert spans(first) == {"ticker": (0, LINGER_MS + STEP)}
    assert spans(second) == {}  # it would wait too long


def test_without_a_table_of_them_no_turns_are_taken():
    with mock_aws():
        tables = create()
        keepers = _of(tables)
        keepers.leases = DynamoLeases(tables.locks, tables.ledger, keepers.client)
        assert keepers.engage().turns == ()
        assert keepers.take("ticker", AT) == 0
    assert Keepers(MemoryBooks(), MemoryBudget()).engage().turns == ()


def test_turns_that_others_take_again_and_again_do_not_refuse_the_buy():
    """A rush at one venue: before each of its tries somebody has just taken a turn of another group."""
    with mock_aws():
        keepers = _of(create())
        write, rush = keepers.client.transact_write_items, [("a", 0), ("b", 0), ("c", 0), ("a", STEP), ("b", STEP)]

        def met(**request):
            if rush:
                group, later = rush.pop(0)
                assert keepers.take(group, AT + later) == 0
            return write(**request)

        keepers.client.transact_write_items = met
        assert isinstance(keepers.engage(groups=("a", "b", "c")), Granted)
        assert len(rush) == 1  # not asked for a third time
