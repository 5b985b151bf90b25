"""The broker for venues without a client order id (E8, E9): one order per decision, whatever is lost on the way."""

from contextlib import suppress
from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app.evidence import LISTED
from core.domain.errors import KeyExpired, OrderExecutionError, RateLimited, Transient, UnknownOutcome, Unreached
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.sendings import Fate
from core.domain.values import Market
from tests.adapters.orders.scripted import MOCK, REAL, Bench

RATE = {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}
EXPIRED = {"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}
NO_CASH = {"rt_cd": "1", "msg_cd": "APBK0919", "msg1": "주문가능금액을 초과 했습니다.".ljust(80)}
both = pytest.mark.parametrize("environment", [REAL, MOCK])


def filled(outcome):
    return sum(fill.quantity for fill in outcome.fills)


def cost(outcome):
    return sum(fill.quantity * fill.price for fill in outcome.fills)


@both
def test_an_order_that_is_taken_is_found_filled_with_its_fees(environment):
    bench = Bench(environment)
    broker, order = bench.broker(), bench.order()
    taken = broker.place(order, bench.hands.at)
    assert (taken.state, taken.venue_id) == ("open", "20260922-0001569157-06010")

    bench.hands.later(2)
    found = broker.find(replace(order, state=State.OPEN), bench.hands.at)

    assert (found.state, filled(found), cost(found)) == ("filled", 10, 700_000)
    assert sum(fill.fee for fill in found.fills) == 350
    assert broker.holdings(Market.KRX) == {"005930": 10}


class Unread:
    """A board that nobody may read."""

    def about(self, instrument, since):
        raise AssertionError("the list has it")


@pytest.mark.parametrize("part", ["1", "0.7", "0"])
def test_whoever_sent_an_order_finds_it_finished_in_the_list_without_one_notice(part):
    """E1: a call to the venue is no round trip to a table. What was given back counts where the venue counts it."""
    bench = Bench()
    bench.kis.fills, bench.kis.counts = D(part), True
    broker, order = bench.broker(board=Unread()), bench.order()
    broker.place(order, bench.hands.at)
    bench.hands.later(0.2)

    found = broker.find(order, bench.hands.at)

    units = D(10) * D(part)
    assert (found.state, filled(found)) == ("filled" if units == 10 else "cancelled", units)
    assert cost(found) == 70_000 * units
    assert bench.kis.calls == {"order-cash": 1, "inquire-daily-ccld": 1}


def test_whoever_sent_an_order_finds_it_refused_in_the_list_without_one_notice():
    bench = Bench()
    bench.kis.rejects = True
    broker, order = bench.broker(board=Unread()), bench.order()
    broker.place(order, bench.hands.at)
    found = broker.find(order, bench.hands.at)
    assert (found.state, found.fills) == ("rejected", ())


@pytest.mark.parametrize("trouble", ["behind", "no value", "gives no account of the rest", "silent"])
def test_where_the_list_leaves_anything_open_every_later_look_hears_the_notices(trouble):
    bench = Bench(notices=True)
    bench.kis.fills = D("0.7") if trouble == "gives no account of the rest" else D(1)
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    row = bench.kis.orders["0001569157"]
    match trouble:
        case "behind":
            bench.kis.hidden = {"0001569157"}
        case "no value":
            row["value"] = D(0)
        case "silent":
            bench.kis.silent = {"inquire-daily-ccld"}
    with suppress(Transient):
        assert broker.find(order, bench.hands.at).state == "open"

    found = broker.find(order, bench.hands.at)

    whole = trouble != "gives no account of the rest"
    assert (found.state, filled(found)) == (("filled", 10) if whole else ("partial", 7))


def test_notices_finish_an_order_that_no_list_has_without_one_question():
    bench = Bench(MOCK, notices=True)
    bench.kis.empty = True
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.kis.calls.clear()

    assert broker.find(order, bench.hands.at).state == "filled"
    assert not bench.kis.calls


def test_a_row_is_asked_for_once_a_second_however_often_one_looks():
    bench = Bench()
    bench.kis.fills = D(0)
    bench.phase = Phase.CLOSING
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    for _ in range(10):
        bench.hands.later(0.2)
        broker.find(order, bench.hands.at)

    assert bench.kis.calls["inquire-daily-ccld"] == 2


def test_a_value_that_does_not_divide_evenly_stays_exact():
    bench = Bench()
    bench.kis.fills = D(0)
    bench.phase = Phase.CLOSING
    broker, order = bench.broker(), bench.order(quantity=3)
    broker.place(order, bench.hands.at)
    number = next(iter(bench.kis.orders))
    bench.kis.fill(number, D(1), D(69_900))
    bench.kis.fill(number, D(2), D(70_000))
    bench.hands.later(2)

    found = broker.find(order, bench.hands.at)

    assert (filled(found), cost(found)) == (3, 209_900)


# ---- what is lost on the way ---------------------------------------------------------------------------------------


@both
def test_a_lost_reply_is_an_unknown_outcome_and_is_found_by_its_terms(environment):
    bench = Bench(environment)
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(3)

    found = bench.broker().find(replace(order, state=State.UNKNOWN), bench.hands.at)

    assert (found.state, filled(found)) == ("filled", 10)
    assert len(bench.kis.posts) == 1


def test_a_lost_request_is_not_sent_again_before_the_list_has_had_time():
    bench = Bench()
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)

    for _ in range(6):
        bench.hands.later(9)
        with pytest.raises(UnknownOutcome):
            broker.place(order, bench.hands.at)
        with pytest.raises(UnknownOutcome):
            broker.find(order, bench.hands.at)
    assert len(bench.kis.posts) == 1


@both
def test_a_lost_request_is_proven_absent_and_sent_once_more(environment):
    bench = Bench(environment)
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)

    assert broker.find(order, bench.hands.at) is None
    assert broker.place(order, bench.hands.at).state == "open"
    assert len(bench.kis.posts) == 2
    assert len(bench.kis.orders) == 1


@pytest.mark.parametrize("trouble", ["EGW00301", "EGW00302", "EGW00001", "EGW00202", "", "OPSQ0010"])
def test_trouble_behind_the_gateway_is_never_sent_again(trouble):
    bench = Bench()
    bench.kis.answers = [(500, {"rt_cd": "1", "msg_cd": trouble, "msg1": ""})]
    with pytest.raises(UnknownOutcome):
        bench.broker().place(bench.order(), bench.hands.at)
    assert len(bench.kis.posts) == 1


@pytest.mark.parametrize("refusal", [RATE, {**RATE, "msg_cd": "EGW00215"}, EXPIRED])
def test_what_is_refused_at_the_door_is_sent_again_at_once(refusal):
    bench = Bench()
    bench.kis.answers = [(500, refusal), (500, refusal)]
    broker, order = bench.broker(), bench.order()

    assert broker.place(order, bench.hands.at).state == "open"
    assert len(bench.kis.posts) == 3
    assert bench.signer.renewals == (2 if refusal is EXPIRED else 0)


@pytest.mark.parametrize(("refusal", "kind"), [(RATE, RateLimited), (EXPIRED, KeyExpired)])
def test_what_stays_refused_at_the_door_was_certainly_not_sent(refusal, kind):
    bench = Bench()
    bench.kis.answers = [(500, refusal)] * 4
    broker, order = bench.broker(), bench.order()
    with pytest.raises(kind):
        broker.place(order, bench.hands.at)

    assert bench.sendings.read(order.id).fate is Fate.UNSENT
    assert broker.find(order, bench.hands.at) is None
    assert broker.place(order, bench.hands.at).state == "open"


def test_a_refusal_is_remembered_and_never_asked_about():
    bench = Bench()
    bench.kis.answers = [(200, NO_CASH)]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(OrderExecutionError, match="APBK0919"):
        broker.place(order, bench.hands.at)

    found = broker.find(order, bench.hands.at)
    assert (found.state, found.fills) == ("rejected", ())
    with pytest.raises(OrderExecutionError, match="APBK0919"):
        broker.place(order, bench.hands.at)
    assert bench.kis.calls == {"order-cash": 1}


def test_an_order_that_the_exchange_rejects_later_is_found_rejected():
    bench = Bench()
    bench.kis.rejects, bench.kis.lost = True, ["reply"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(3)
    assert broker.find(order, bench.hands.at).state == "rejected"


def test_no_connection_means_that_nothing_left():
    bench = Bench()
    broker, order = bench.broker(), bench.order()
    broker._line._wire = lambda request: (_ for _ in ()).throw(Unreached("refused"))
    with pytest.raises(Unreached):
        broker.place(order, bench.hands.at)
    assert bench.sendings.read(order.id).fate is Fate.UNSENT


def test_an_order_that_was_never_sent_was_never_seen_and_nobody_is_asked():
    bench = Bench()
    assert bench.broker().find(bench.order(), bench.hands.at) is None
    assert not bench.kis.calls


def test_two_that_place_the_same_order_at_once_send_it_once():
    bench = Bench()
    order, sendings = bench.order(), bench.sendings

    class Late:
        """Reads before the other has written."""

        read = staticmethod(lambda key: None)
        write, claim = sendings.write, sendings.claim

    bench.broker().place(order, bench.hands.at)
    with pytest.raises(UnknownOutcome, match="someone else"):
        bench.broker(sendings=Late()).place(order, bench.hands.at)
    assert len(bench.kis.posts) == 1
