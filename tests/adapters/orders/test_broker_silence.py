"""A broker whose venue, log or budget does not answer (E8): nothing is ever taken for not sent by default."""

import pytest

from core.app.evidence import LISTED
from core.domain.errors import OrderExecutionError, Transient, UnknownOutcome, Unreached
from core.domain.sendings import Fate
from core.domain.values import Market
from tests.adapters.orders.scripted import MOCK, REAL, Bench

NO_CASH = {"rt_cd": "1", "msg_cd": "APBK0919", "msg1": "주문가능금액을 초과 했습니다.".ljust(80)}
both = pytest.mark.parametrize("environment", [REAL, MOCK])


class Failing:
    """A store whose method of this name does not answer."""

    def __init__(self, store, *names):
        self._store, self._names = store, names

    def __getattr__(self, name):
        if name in self._names:
            raise Transient("the table did not answer")
        return getattr(self._store, name)


def test_a_number_that_could_not_be_noted_is_an_unknown_outcome_and_found_later():
    """Where lists leave orders out it is noted at once."""
    bench = Bench(MOCK)
    order = bench.order()
    with pytest.raises(UnknownOutcome, match="not noted"):
        bench.broker(sendings=Failing(bench.sendings, "claim")).place(order, bench.hands.at)
    bench.hands.later(2)
    assert bench.broker().find(order, bench.hands.at).state == "filled"
    assert len(bench.kis.posts) == 1


def test_an_order_that_cannot_be_noted_is_not_sent():
    bench = Bench()
    with pytest.raises(Transient):
        bench.broker(sendings=Failing(bench.sendings, "write")).place(bench.order(), bench.hands.at)
    assert bench.kis.posts == []


def test_a_refusal_that_cannot_be_noted_is_a_refusal_and_its_order_is_proven_absent_later():
    bench = Bench()
    bench.kis.answers = [(200, NO_CASH)]

    class Once(Failing):
        """Takes the note of the sending, and nothing after it."""

        def write(self, sending):
            if sending.fate is Fate.SENT:
                return self._store.write(sending)
            raise Transient("the table did not answer")

    order = bench.order()
    with pytest.raises(OrderExecutionError):
        bench.broker(sendings=Once(bench.sendings)).place(order, bench.hands.at)
    assert bench.sendings.read(order.id).fate is Fate.SENT
    bench.hands.later(LISTED / 1000 + 1)
    assert bench.broker().find(order, bench.hands.at) is None


def test_a_question_in_maintenance_never_makes_an_order_look_unsent():
    bench = Bench()
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.silent = {"inquire-daily-ccld"}
    with pytest.raises(Transient):
        broker.find(order, bench.hands.at)
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    assert bench.kis.calls["inquire-daily-ccld"] == 8


def test_an_answer_that_does_not_read_leaves_the_question_open():
    bench = Bench()
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.orders["0001569157"]["price"] = "seventy"
    with pytest.raises(UnknownOutcome, match="a figure that is none"):
        broker.find(order, bench.hands.at)


def test_an_order_that_was_taken_and_is_on_no_list_stays_unknown():
    bench = Bench()
    bench.kis.hidden = {"0001569157"}
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.hands.later(2)
    assert broker.find(order, bench.hands.at).state == "open"
    bench.hands.later(LISTED / 1000)
    with pytest.raises(UnknownOutcome, match="does not list it"):
        broker.find(order, bench.hands.at)


@both
def test_two_that_settle_the_same_order_at_once_decide_it_once(environment):
    bench = Bench(environment)
    bench.kis.lost, bench.kis.empty = ["request"], True
    order = bench.order()
    with pytest.raises(UnknownOutcome):
        bench.broker().place(order, bench.hands.at)
    seen = bench.sendings.read(order.id)
    bench.hands.later(LISTED / 1000 + 1)
    assert bench.broker().find(order, bench.hands.at) is None

    class Late:
        """Reads what was there before the other decided."""

        read = staticmethod(lambda key: seen)
        write, claim = bench.sendings.write, bench.sendings.claim

    with pytest.raises(UnknownOutcome, match="someone else"):
        bench.broker(sendings=Late()).find(order, bench.hands.at)


@pytest.mark.parametrize(
    "fault", [UnknownOutcome("no answer"), Unreached("no connection")], ids=lambda f: type(f).__name__
)
@pytest.mark.parametrize("times", [3, 4])
def test_a_question_is_asked_again_and_at_last_passes(fault, times):
    bench = Bench()
    broker, wire = bench.broker(), bench.kis
    left = [fault] * times

    def troubled(request):
        if left:
            raise left.pop()
        return wire(request)

    broker._line._wire = troubled
    if times == 4:
        with pytest.raises(Transient):
            broker.holdings(Market.KRX)
    else:
        assert broker.holdings(Market.KRX) == {}


def test_an_order_that_took_too_long_to_note_is_not_sent_any_more():
    """Whoever looks for it later counts from the moment that was noted."""
    bench = Bench()

    class Slow(Failing):
        def write(self, sending):
            if sending.fate is Fate.SENT:
                bench.hands.later(5)
            return self._store.write(sending)

    order = bench.order()
    with pytest.raises(Unreached):
        bench.broker(sendings=Slow(bench.sendings)).place(order, bench.hands.at)
    assert bench.kis.posts == []
    assert bench.sendings.read(order.id).fate is Fate.UNSENT


def test_a_budget_without_room_sends_nothing():
    bench = Bench()
    broker = bench.broker()
    broker._line._pace = lambda group, weight, at: 1000
    with pytest.raises(Transient, match="no room"):
        broker.place(bench.order(), bench.hands.at)
    assert bench.kis.posts == []
