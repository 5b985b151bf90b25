"""The broker for venues without a client order id (E8, E9): one order per decision, whatever is lost on the way."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app.evidence import LISTED
from core.domain.errors import KeyExpired, OrderExecutionError, RateLimited, Transient, UnknownOutcome, Unreached
from core.domain.events import NoticeKind
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.sendings import Fate, Sending
from core.domain.values import Market, Side
from core.venues.kis.figures import clock
from core.venues.kis.stream import STREAM
from tests.adapters.orders.scripted import MOCK, NUMBER, REAL, Bench

RATE = {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}
EXPIRED = {"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}
BEHIND = {"rt_cd": "1", "msg_cd": "EGW00302", "msg1": "거래 시간초과"}
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


def test_notices_alone_finish_an_order_without_one_question():
    bench = Bench(notices=True)
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)

    assert broker.find(order, bench.hands.at).state == "filled"
    assert set(bench.kis.calls) == {"order-cash"}


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


# ---- whose order it is ---------------------------------------------------------------------------------------------


def test_one_order_of_the_venue_is_never_two_of_ours():
    """Bought, sold, and the same bought again with a lost request: the first buy's number is taken."""
    bench = Bench()
    broker, first = bench.broker(), bench.order()
    broker.place(first, bench.hands.at)
    bench.kis.lost = ["request"]
    again = bench.order(signal="again")
    with pytest.raises(UnknownOutcome):
        broker.place(again, bench.hands.at)
    bench.hands.later(3)

    with pytest.raises(UnknownOutcome):
        broker.find(again, bench.hands.at)


@pytest.mark.parametrize(
    "other", [{"side": Side.SELL}, {"quantity": 11}, {"price": "70100"}, {"symbol": "000660"}], ids=str
)
def test_an_order_with_other_terms_is_not_ours(other):
    bench = Bench()
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.hand_made(**other)
    bench.hands.later(LISTED / 1000 + 1)

    assert broker.find(order, bench.hands.at) is None


@pytest.mark.parametrize("seconds", [-60, 45])
def test_an_order_of_another_time_is_not_ours(seconds):
    bench = Bench()
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    if seconds < 0:
        bench.kis.hand_made()
        bench.hands.later(-seconds)
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    if seconds > 0:
        bench.hands.later(seconds)
        bench.kis.hand_made()
    bench.hands.later(LISTED / 1000 + 1)

    assert broker.find(order, bench.hands.at) is None


def test_a_market_order_matches_whatever_price_it_is_listed_at():
    bench = Bench()
    bench.kis.held["005930"] = D(10)
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order(Side.SELL, limit=None)
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.orders["0001569157"]["price"] = "69900"
    bench.hands.later(2)
    assert broker.find(order, bench.hands.at).state == "filled"


def test_a_number_that_is_another_orders_is_never_taken_from_a_reply():
    bench = Bench()
    other = bench.order(signal="other")
    bench.sendings.claim(
        Sending(
            order=other.id, instrument=other.instrument, side=other.side, quantity=other.quantity, limit=other.limit,
            at=bench.hands.at, fate=Fate.TAKEN,
        ),
        "20260922-0001569157",
    )  # fmt: skip
    with pytest.raises(UnknownOutcome, match="another order"):
        bench.broker().place(bench.order(), bench.hands.at)


def test_the_acceptance_notice_names_an_order_that_the_list_does_not_show_yet():
    bench = Bench(notices=True)
    bench.kis.lost, bench.kis.hidden = ["reply"], {"0001569157"}
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(1)

    found = broker.find(order, bench.hands.at)

    assert (found.state, filled(found)) == ("filled", 10)


def test_a_list_that_adds_up_more_than_it_shows_proves_nothing():
    bench = Bench()
    bench.kis.lost, bench.kis.hidden = ["reply"], {"0001569157"}
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 60)
    with pytest.raises(UnknownOutcome, match="behind"):
        broker.find(order, bench.hands.at)


def test_a_list_that_is_behind_the_account_proves_nothing():
    bench = Bench()
    bench.kis.lost, bench.kis.hidden, bench.kis.sums = ["reply"], {"0001569157"}, False
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 60)
    with pytest.raises(UnknownOutcome, match="behind"):
        broker.find(order, bench.hands.at)


def test_an_open_order_that_only_the_waiting_list_has_is_ours():
    bench = Bench()
    bench.phase = Phase.CLOSING
    bench.kis.lost, bench.kis.fills, bench.kis.empty, bench.kis.sums = ["reply"], D(0), True, False
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)
    with pytest.raises(UnknownOutcome, match="does not list it"):
        broker.find(order, bench.hands.at)
    assert bench.sendings.read(order.id).fate is Fate.TAKEN


# ---- mock: a list without rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("side", Side)
def test_on_mock_a_filled_order_without_a_row_is_told_by_holdings(sums, side):
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.sums, bench.kis.price = True, sums, D(69_900)
    bench.kis.held["005930"] = D(25)
    broker, order = bench.broker(), bench.order(side)
    broker.place(order, bench.hands.at)
    bench.hands.later(5)

    found = broker.find(order, bench.hands.at)

    price = 69_900 if sums or side is Side.BUY else 70_000
    assert (found.state, filled(found), cost(found)) == ("filled", 10, 10 * price)


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_on_mock_holdings_say_whether_an_unknown_order_arrived(lost):
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.lost = True, [lost]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    with pytest.raises(UnknownOutcome):
        broker.find(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)

    found = broker.find(order, bench.hands.at)

    if lost == "request":
        assert found is None
        return
    assert (found.state, filled(found), cost(found)) == ("filled", 10, 700_000)
    assert broker.find(order, bench.hands.at) == found
    assert broker.place(order, bench.hands.at) == found
    assert len(bench.kis.posts) == 1


def test_on_mock_an_order_that_may_be_waiting_is_not_absent():
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.lost, bench.kis.fills = True, ["reply"], D(0)
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 600)
    with pytest.raises(UnknownOutcome, match="something moved"):
        broker.find(order, bench.hands.at)

    bench.hands.later(86_400)  # its day is over: nothing waits any more
    assert broker.find(order, bench.hands.at).state == "expired"


def test_on_mock_a_cancel_ends_an_order_that_no_list_has():
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.fills = True, D("0.3")
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.hands.later(2)
    order = replace(order, state=State.OPEN)
    first = broker.cancel(order, bench.hands.at)
    assert (first.state, filled(first)) == ("partial", 3)
    bench.hands.later(40)

    found = broker.find(replace(order, state=State.PARTIAL, fills=first.fills), bench.hands.at)
    assert (found.state, filled(found)) == ("cancelled", 3)


def test_on_mock_nothing_is_sent_where_holdings_do_not_answer():
    bench = Bench(MOCK)
    broker, order = bench.broker(), bench.order()
    bench.kis.silent = {"inquire-balance"}
    with pytest.raises(Transient):
        broker.place(order, bench.hands.at)
    assert bench.kis.posts == []
    assert broker.find(order, bench.hands.at) is None


# ---- cancels -------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("notices", [False, True])
def test_a_cancel_takes_back_what_is_left_and_is_no_order_of_its_own(environment, notices):
    bench = Bench(environment, notices=notices)
    bench.kis.fills = D("0.3")
    bench.phase = Phase.CLOSING
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.hands.later(1)

    found = broker.cancel(replace(order, state=State.OPEN), bench.hands.at)

    assert (found.state, filled(found)) == ("cancelled", 3)
    body = bench.kis.posts[-1]
    assert (body["RVSE_CNCL_DVSN_CD"], body["QTY_ALL_ORD_YN"], body["ORGN_ODNO"]) == ("02", "Y", "0001569157")
    assert body["KRX_FWDG_ORD_ORGNO"] == "06010"


def test_what_is_filled_cannot_be_cancelled():
    bench = Bench()
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    with pytest.raises(OrderExecutionError, match="40330000"):
        broker.cancel(order, bench.hands.at)


def test_what_was_never_sent_cannot_be_cancelled():
    bench = Bench()
    with pytest.raises(OrderExecutionError):
        bench.broker().cancel(bench.order(), bench.hands.at)


def test_a_fill_that_was_told_is_never_taken_back_by_a_list_that_lags():
    bench = Bench(notices=True)
    bench.kis.fills = D("0.3")
    bench.phase = Phase.CLOSING
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.kis.orders["0001569157"]["filled"] = D(0)
    bench.hands.later(2)

    found = broker.find(replace(order, state=State.OPEN), bench.hands.at)
    assert (found.state, filled(found)) == ("partial", 3)

    bench.kis.board = None
    bench.board._kept.clear()
    bench.hands.later(2)
    kept = broker.find(replace(order, state=State.PARTIAL, fills=found.fills), bench.hands.at)
    assert (kept.state, kept.fills) == ("partial", found.fills)


# ---- notices before the reply --------------------------------------------------------------------------------------


def test_notices_that_came_before_the_reply_count():
    """The scripted account tells its notices while the POST is still on its way (reference/kis.md 7.8)."""
    bench = Bench(notices=True)
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    assert [notice.kind for notice in bench.kis.notices] == [NoticeKind.ACCEPTED, NoticeKind.FILLED]
    assert broker.find(order, bench.hands.at).state == "filled"
    assert all(notice.account == "" for notice in bench.board.about(order.instrument, 0))


def cells(order, kind, quantity, price, at, tail, original="", change="0", number=None):
    """One record as it comes out of the cipher: 18 fields that both layouts share, then the layout's own."""
    return "^".join(
        ["HTSID", "1234567801", number or "0001569157", original, "02", change, "00", "0", order.instrument.symbol,
         f"{quantity:010d}", f"{price:09d}", clock(at), "0", kind, "1", "06010", f"{order.quantity:09f}"[:9], "NAME", *tail]
    )  # fmt: skip


TAILS = {23: ["1Y", "10", "", "삼성전자", ""], 26: ["0", "1", "Y", "", "10", "", "삼성전자", "000070000"]}


@pytest.mark.parametrize("width", TAILS)
@pytest.mark.parametrize("lost", ["", "reply"])
def test_notices_of_either_layout_finish_an_order_that_no_list_shows(width, lost):
    """From the frame's text to the outcome, with the HTTP reply there and lost."""
    bench = Bench(MOCK if width == 23 else REAL)
    bench.kis.empty, bench.kis.lost = True, [lost]
    broker, order = bench.broker(), bench.order()
    records = [cells(order, kind, 10, 70_000, bench.hands.at, TAILS[width]) for kind in ("1", "2")]
    assert {len(record.split("^")) for record in records} == {width}
    topic = "H0STCNI9" if width == 23 else "H0STCNI0"
    bench.board.put(STREAM.decode(f"0|{topic}|002|{'^'.join(records)}".encode(), bench.hands.at))
    if lost:
        with pytest.raises(UnknownOutcome):
            broker.place(order, bench.hands.at)
    else:
        broker.place(order, bench.hands.at)
    bench.kis.calls.clear()

    found = broker.find(order, bench.hands.at)

    assert (found.state, filled(found), cost(found)) == ("filled", 10, 700_000)
    assert found.venue_id == "20260922-0001569157-06010"
    assert sum(bench.kis.calls.values()) == (1 if lost else 0)


def test_a_cancel_notice_with_a_new_number_ends_the_order_that_it_names():
    bench = Bench()
    bench.kis.fills, bench.phase = D(0), Phase.CLOSING
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    record = cells(order, "1", 10, 0, bench.hands.at, TAILS[26], "0001569157", "2", "0001569158")
    bench.board.put(STREAM.decode(f"0|H0STCNI0|001|{record}".encode(), bench.hands.at))

    assert broker.find(order, bench.hands.at).state == "cancelled"


def test_cash_that_an_order_may_use_leaves_credit_out():
    assert Bench().broker().affordable("005930", D(70_000)) == 142


def test_the_accounts_number_is_in_no_error_and_no_text():
    bench = Bench()
    bench.kis.answers = [(500, BEHIND)]
    with pytest.raises(UnknownOutcome) as caught:
        bench.broker().place(bench.order(), bench.hands.at)
    assert "12345678" not in str(caught.value) + repr(bench.broker()._depot())
    assert NUMBER not in repr(bench.sendings.read(bench.order().id))


# ---- what does not answer ------------------------------------------------------------------------------------------


class Failing:
    """A store whose method of this name does not answer."""

    def __init__(self, store, *names):
        self._store, self._names = store, names

    def __getattr__(self, name):
        if name in self._names:
            raise Transient("the table did not answer")
        return getattr(self._store, name)


def test_a_number_that_could_not_be_noted_is_an_unknown_outcome_and_found_later():
    bench = Bench()
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
