"""E1, E8: a paper order is one write; what refuses it tells what is there, and what was taken is taken once."""

from decimal import Decimal as D

import msgspec
import pytest
from botocore.exceptions import ClientError

from core.adapters.dynamo.paper_store import DynamoPaperStore
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.paper import PaperBroker
from core.domain.errors import OrderExecutionError, Transient, UnknownOutcome
from core.domain.fills import Holding
from core.domain.values import Market, Millis, Side
from tests.adapters.test_paper import AT, RULES, ShownBooks, broker_of, order, store, table

__all__ = ["store", "table"]


class Counted:
    """A store whose calls are counted."""

    def __init__(self, store):
        self._store, self.calls = store, []

    def __getattr__(self, name):
        def call(*given):
            self.calls.append(name)
            return getattr(self._store, name)(*given)

        return call


class Still(ShownBooks):
    """One book, whoever looks how often."""

    def books(self, symbols, depth):
        self.looks = 0
        return super().books(symbols, depth)


def taken_by(outcome):
    return [(fill.price, fill.quantity) for fill in outcome.fills]


def test_an_order_costs_one_write_whatever_this_process_took_from_the_book_and_one_more_after_another(store):
    """E1: what is gone from a book nobody has to ask for: whoever took it knows, and a refusal tells the others."""
    counted, shown = Counted(store), Still("KRW-BTC")
    broker = broker_of(counted, shown)
    first, second = (broker.place(order(quantity=q, signal=q), AT) for q in ("3", "4"))
    assert (taken_by(first), taken_by(second)) == ([(10000, 3)], [(10000, 2), (10001, 2)])
    assert counted.calls == ["record", "record"]
    counted.calls.clear()
    third = broker_of(counted, shown).place(order(quantity="5", signal="other"), AT)
    assert (taken_by(third), counted.calls) == ([(10001, 3), (10002, 2)], ["record", "record"])
    counted.calls.clear()
    fourth = broker.place(order(Side.SELL, "6", signal="s1"), AT)
    assert (taken_by(fourth), counted.calls) == ([(9999, 5), (9998, 1)], ["record", "record"])
    fifth = broker.place(order(signal="b5"), AT)
    assert (taken_by(fifth), counted.calls) == ([(10002, 1)], ["record", "record", "record"])
    held = store.holding(order().instrument)
    assert (held.units, held.book, held.asks_taken, held.bids_taken) == (7, 1, 13, 6)


def test_a_newer_book_has_all_of_its_depth_whoever_took_from_the_one_before(store):
    counted, shown = Counted(store), ShownBooks("KRW-BTC")
    broker, other = broker_of(counted, shown), broker_of(store, shown)
    broker.place(order(quantity="5", signal="b1"), AT)
    other.place(order(quantity="5", signal="b2"), AT)
    outcome = broker.place(order(quantity="5", signal="b3"), AT)
    assert (taken_by(outcome), counted.calls) == ([(10000, 5)], ["record", "record"])


def test_as_much_as_was_taken_from_the_book_before_is_not_what_another_took_from_this_one(store):
    counted, shown = Counted(store), ShownBooks("KRW-BTC")
    broker, other = broker_of(counted, shown), broker_of(store, shown)
    broker.place(order(quantity="5", signal="b1"), AT)
    other.place(order(quantity="5", signal="b2"), AT)
    shown.looks = 1  # the other one's book is shown once more
    outcome = broker.place(order(quantity="5", signal="b3"), AT)
    assert (taken_by(outcome), counted.calls) == ([(10001, 5)], ["record"] * 3)


def test_an_id_that_was_placed_gets_its_answer_though_nothing_would_be_filled_any_more(store):
    first = broker_of(store).place(order(), AT)
    assert broker_of(store, ShownBooks()).place(order(), AT) == first


def test_a_sale_of_more_than_is_held_is_told_what_is_held_and_refused(store):
    counted = Counted(store)
    with pytest.raises(OrderExecutionError, match="only 0 held"):
        broker_of(counted).place(order(Side.SELL, signal="s1"), AT)
    assert counted.calls == ["record"]
    assert broker_of(store).find(order(Side.SELL, signal="s1"), AT) is None


def test_a_second_writer_who_does_not_know_what_is_gone_is_told_and_neither_part_is_written(store):
    broker = broker_of(store)
    broker.place(order(quantity="2"), AT)
    there, other = store.holding(order().instrument), order(signal="other")
    assert store.record(other, Holding(), msgspec.structs.replace(there, asks_taken=D(1))) == there
    assert store.order(other.id) is None
    assert broker.holdings(Market.UPBIT) == {"KRW-BTC": D(2)}


class Met:
    """A table whose transactions meet another one; it answers questions, or nothing at all."""

    def __init__(self, table, *, answers):
        self._table, self.exceptions = table, table.exceptions
        if not answers:
            self._table = None

    def transact_write_items(self, **request):
        why = [{"Code": "TransactionConflict"}, {"Code": "None"}]
        answer = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": why}
        raise self.exceptions.TransactionCanceledException(answer, "TransactWriteItems")

    def get_item(self, **request):
        if self._table is None:
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "GetItem")
        return self._table.get_item(**request)


def test_a_write_that_met_another_asks_what_is_there_and_silence_then_is_an_unknown_outcome(table):
    """It may have met an earlier try of its own."""
    log = DynamoPaperStore("paper", table)
    first = broker_of(log).place(order(quantity="2"), AT)
    met = DynamoPaperStore("paper", Met(table, answers=True))
    assert broker_of(met).place(order(quantity="3"), AT) == first
    with pytest.raises(Transient, match="busy with this symbol"):
        broker_of(met).place(order(signal="other"), AT)
    with pytest.raises(UnknownOutcome):
        broker_of(DynamoPaperStore("paper", Met(table, answers=False))).place(order(signal="other"), AT)


@pytest.mark.parametrize(
    ("wait_ms", "side", "asked"), [(900, Side.BUY, 0), (1_100, Side.BUY, 1), (1_100, Side.SELL, 0)]
)
def test_a_buy_that_had_to_wait_for_its_book_is_held_against_halts_once_more(wait_ms, side, asked):  # E10
    store, now, looks = MemoryPaperStore(), [AT], []
    broker_of(store).place(order(signal="held"), AT)

    class Waiting(ShownBooks):
        def books(self, symbols, depth):
            now[0] = Millis(now[0] + wait_ms)
            return super().books(symbols, depth)

    def halted(market, symbol):
        looks.append((market, symbol))
        return "all: news"

    shown = Waiting("KRW-BTC")
    shown.looks = 5
    broker = PaperBroker(shown, RULES, store, lambda: now[0], halted=halted)
    if asked:
        with pytest.raises(OrderExecutionError, match="never sent: halted, all: news"):
            broker.place(order(side), AT)
        assert store.holding(order().instrument).units == 1
    else:
        assert broker.place(order(side), AT).state == "filled"
    assert looks == [(Market.UPBIT, "KRW-BTC")] * asked
