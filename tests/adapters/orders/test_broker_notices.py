"""Cancels, and notices that come before the reply, with a new number, or not at all (E8, E9)."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.events import NoticeKind
from core.domain.orders import State
from core.domain.phases import Phase
from core.venues.kis.figures import clock
from core.venues.kis.stream import STREAM
from tests.adapters.orders.scripted import MOCK, NUMBER, REAL, Bench

BEHIND = {"rt_cd": "1", "msg_cd": "EGW00302", "msg1": "거래 시간초과"}
both = pytest.mark.parametrize("environment", [REAL, MOCK])


def filled(outcome):
    return sum(fill.quantity for fill in outcome.fills)


def cost(outcome):
    return sum(fill.quantity * fill.price for fill in outcome.fills)


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
    assert broker.find(order, bench.hands.at).state == "open"
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
        broker.find(order, bench.hands.at)  # whoever sent it looks into the list first
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
    broker.find(order, bench.hands.at)

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
