"""Orders at Upbit as flows (E8, E9): what is asked, and what each answer means to do."""

import json
from datetime import datetime
from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.errors import (
    IdUsed,
    OrderExecutionError,
    RateLimited,
    Refused,
    Transient,
    UnknownOutcome,
    WireSurprise,
)
from core.domain.orders import Order, State
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.flow import Response, run
from core.venues.ordering import Depot, Reply, Sought
from core.venues.upbit.order_answers import ADVICE, judge
from core.venues.upbit.order_rows import TradeRow, traded
from core.venues.upbit.orders import ORDERS, plain

AT = Millis(1_790_046_000_000)
DEPOT = Depot(number="access", environment=Environment.REAL, quote="KRW")
ORDER = Order(
    id="hoga-0001", instrument=Instrument(Market.UPBIT, "KRW-XRP"), side=Side.BUY, quantity=D("25.50000000"),
    reference=D(3931), signal="s", leg=0, worker="w", reason="fall", at=AT, limit=D(3950),
)  # fmt: skip
MADE = "2026-09-22T12:00:00+09:00"
ROW = {
    "uuid": "u-1", "market": "KRW-XRP", "side": "bid", "ord_type": "limit", "state": "done", "created_at": MADE,
    "price": "3950", "volume": "25.5", "executed_volume": "25.5", "paid_fee": "50.12025", "identifier": "hoga-0001",
    "trades_count": 1,
}  # fmt: skip
TRADE = {"market": "KRW-XRP", "uuid": "t-1", "price": "3931", "volume": "25.5", "funds": "100240.5", "trend": "up",
         "created_at": MADE, "side": "bid"}  # fmt: skip


def ok(body, status=200):
    return Response(status, json.dumps(body).encode())


def refusal(status, name, message="words"):
    return Response(status, json.dumps({"error": {"name": name, "message": message}}).encode())


def asked(flow, *answers):
    """(requests that the flow made, what it returned) where these answers came."""
    requests, left = [], list(answers)

    def send(request):
        requests.append(request)
        return left.pop(0)

    return requests, run(flow, send)


def placed(order):
    requests, receipt = asked(ORDERS.place(order, DEPOT, Phase.REGULAR, AT), ok({"uuid": "u-1"}, 201))
    assert receipt.id == "u-1"
    return requests[0]


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, {"side": "bid", "volume": "25.5", "price": "3950", "ord_type": "limit", "time_in_force": "ioc"}),
        ({"side": Side.SELL}, {"side": "ask", "volume": "25.5", "price": "3950", "ord_type": "limit", "time_in_force": "ioc"}),
        ({"side": Side.SELL, "limit": None}, {"side": "ask", "volume": "25.5", "ord_type": "market"}),
        ({"limit": None}, {"side": "bid", "price": "100240", "ord_type": "price"}),
    ],
)  # fmt: skip
def test_an_order_is_one_post_under_our_id_with_the_terms_of_its_kind(changes, terms):
    request = placed(replace(ORDER, **changes))
    body = json.loads(request.body)
    assert (request.method, request.path, request.group) == ("POST", "/v1/orders", "order")
    assert body == {"market": "KRW-XRP", "identifier": "hoga-0001", **terms}
    assert ("content-type", "application/json; charset=utf-8") in request.headers


def test_a_market_buy_in_another_currency_spends_to_eight_decimals():
    order = replace(
        ORDER, instrument=Instrument(Market.UPBIT, "BTC-XRP"), reference=D("0.0000151"), limit=None, quantity=D(7)
    )
    assert json.loads(placed(order).body)["price"] == "0.0001057"


@pytest.mark.parametrize("quantity", [D(0), D(-1), D("0.000000001")])
def test_a_quantity_that_cannot_be_written_never_leaves(quantity):
    with pytest.raises(OrderExecutionError, match="whole steps"):
        placed(replace(ORDER, quantity=quantity))


@given(st.decimals(min_value=D("0.00000001"), max_value=D(10**9), places=8))
def test_a_figure_is_written_without_exponent_and_reads_as_the_same(figure):
    text = plain(figure)
    assert D(text) == figure
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refusal(400, "insufficient_funds_bid"), OrderExecutionError),
        (refusal(404, "order_not_found"), OrderExecutionError),
        (refusal(400, "duplicated_identifier"), IdUsed),
        (refusal(429, "too_many_requests"), RateLimited),
        (Response(429, b"Too many API requests."), RateLimited),
        (refusal(400, "too_many_request_order"), RateLimited),
        (refusal(401, "nonce_used"), RateLimited),
        (Response(418, b"blocked"), RateLimited),
        (Response(503, b""), UnknownOutcome),
        (Response(408, b""), UnknownOutcome),
        (Response(302, b""), UnknownOutcome),
        (Response(201, b"{"), UnknownOutcome),
        (Response(201, b'{"state":"wait"}'), UnknownOutcome),
    ],
)
def test_each_answer_to_an_order_is_what_it_means_to_do(response, error):
    with pytest.raises(error) as caught:
        asked(ORDERS.place(ORDER, DEPOT, Phase.REGULAR, AT), response)
    assert type(caught.value) is error


def test_a_block_is_told_with_its_length_and_not_knocked_at_again():
    assert judge(Response(418, b""))[0] is Reply.LATER
    with pytest.raises(RateLimited) as caught:
        asked(ORDERS.place(ORDER, DEPOT, Phase.REGULAR, AT), Response(418, b"", {"retry-after": "7"}))
    assert caught.value.after_ms == 7000


@pytest.mark.parametrize("name", sorted(ADVICE))
def test_every_refusal_that_is_known_says_what_to_do(name):
    reply, words = judge(refusal(401, name, "한국어"))
    assert reply is Reply.REFUSED
    assert words == f"{name}: {ADVICE[name]}"


def test_a_refusal_that_nobody_wrote_down_is_told_in_upbits_words():
    assert judge(refusal(400, "brand_new", "새로운 오류"))[1] == "brand_new: 새로운 오류"
    assert judge(Response(400, b"<html>"))[1] == "HTTP 400"


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_comes_back_is_judged_and_only_a_2xx_is_taken(status, body):
    reply, words = judge(Response(status, body))
    assert (reply is Reply.TAKEN) == (200 <= status < 300)
    assert words


# ---- what became of it -----------------------------------------------------------------------------------------------


def row_of(**changes):
    return asked(ORDERS.named(ORDER, "", DEPOT, AT), ok({**ROW, "trades": [TRADE], **changes}))


def test_an_order_is_asked_for_by_our_id_and_by_upbits_once_that_is_known():
    assert row_of()[0][0].query == (("identifier", "hoga-0001"),)
    requests, row = asked(ORDERS.named(ORDER, "u-1", DEPOT, AT), ok({**ROW, "trades": [TRADE]}))
    assert requests[0].query == (("uuid", "u-1"),)
    assert (row.id, row.state, row.filled, row.value, row.at) == ("u-1", State.FILLED, D("25.5"), D("100240.5"), AT)


def test_an_order_that_upbit_does_not_know_is_none():
    assert asked(ORDERS.named(ORDER, "", DEPOT, AT), refusal(404, "order_not_found"))[1] is None


def test_each_trade_has_its_price_and_the_fees_add_up_to_what_was_paid():
    (trade,) = row_of()[1].trades
    assert (trade.id, trade.price, trade.quantity, trade.fee) == ("t-1", D(3931), D("25.5"), D("50.12025"))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"state": "wait", "executed_volume": "0", "trades": []}, State.OPEN),
        ({"state": "watch", "executed_volume": "0", "trades": []}, State.OPEN),
        ({"state": "wait"}, State.PARTIAL),
        ({"state": "done"}, State.FILLED),
        ({"state": "cancel", "volume": "30"}, State.CANCELLED),
        ({"state": "cancel"}, State.FILLED),  # a cancel that came after the last fill
        ({"state": "cancel", "executed_volume": "0", "trades": []}, State.CANCELLED),
        ({"state": "cancel", "ord_type": "price", "volume": None, "price": "100300"}, State.CANCELLED),
        ({"state": "done", "ord_type": "price", "volume": None}, State.FILLED),
        ({"state": "done", "executed_volume": "26"}, State.PARTIAL),  # a trade is not told yet
        ({"state": "done", "trades": []}, State.OPEN),
    ],
)
def test_an_order_is_final_only_once_every_trade_of_it_is_told(changes, state):
    row = row_of(**changes)[1]
    assert row.state is state
    assert row.price == (0 if changes.get("ord_type") == "price" else 3950)


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**6)), max_size=8), st.integers(0, 10**8))
def test_the_parts_of_a_fee_always_add_up_to_it(trades, paid):
    rows = [
        TradeRow(uuid=str(n), price=D(price), volume=D(volume), funds=D(price * volume), created_at=datetime.fromisoformat(MADE))
        for n, (price, volume) in enumerate(trades)
    ]  # fmt: skip
    fee = D(paid) / 1000
    parts = traded(rows, fee)
    assert sum((part.fee for part in parts), D(0)) == (fee if rows else 0)
    assert all(part.fee >= 0 for part in parts)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refusal(401, "invalid_access_key"), Refused),
        (refusal(500, "oops"), Transient),
        (refusal(429, "too_many_requests"), RateLimited),
        (ok({"uuid": 1}), WireSurprise),
        (Response(200, b"\xff"), WireSurprise),
    ],
)
def test_a_question_that_is_not_answered_says_whether_asking_again_helps(response, error):
    with pytest.raises(error):
        asked(ORDERS.named(ORDER, "", DEPOT, AT), response)


def test_a_cancel_names_upbits_number():
    requests, receipt = asked(ORDERS.cancel(ORDER, "u-1", DEPOT, AT), ok(ROW))
    assert (requests[0].method, requests[0].path, requests[0].query) == ("DELETE", "/v1/order", (("uuid", "u-1"),))
    assert receipt.id == "u-1"


def test_orders_that_wait_are_read_page_by_page_and_those_of_the_other_side_left_out():
    waiting = {**ROW, "state": "wait", "executed_volume": "0"}
    full = [waiting] * 99 + [{**waiting, "side": "ask"}]
    requests, rows = asked(
        ORDERS.standing(Sought(instrument=ORDER.instrument, side=Side.BUY, since=AT), DEPOT, AT), ok(full), ok([])
    )
    assert [dict(request.query)["page"] for request in requests] == ["1", "2"]
    assert len(rows) == 99
    assert {row.state for row in rows} == {State.OPEN}


def test_a_list_that_never_ends_is_left_after_fifty_pages():
    waiting = {**ROW, "state": "wait", "executed_volume": "0"}
    sought = Sought(instrument=ORDER.instrument, side=Side.BUY, since=AT)
    requests, _ = asked(ORDERS.standing(sought, DEPOT, AT), *[ok([waiting] * 100)] * 50)
    assert len(requests) == 50


# ---- the account -----------------------------------------------------------------------------------------------------


def test_holdings_are_coins_by_the_symbol_of_the_accounts_market():
    assets = [
        {"currency": "KRW", "balance": "1000000", "locked": "0", "avg_buy_price": "0", "unit_currency": "KRW"},
        {"currency": "XRP", "balance": "20", "locked": "5.5", "avg_buy_price": "3931", "unit_currency": "KRW"},
        {"currency": "OLD", "balance": "0", "locked": "0", "avg_buy_price": "0", "unit_currency": "KRW"},
    ]
    (held,) = asked(ORDERS.holdings(DEPOT, AT), ok(assets))[1]
    assert (held.symbol, held.units, held.sellable, held.cost) == ("KRW-XRP", D("25.5"), D(20), D("100240.5"))


CHANCE = {"bid_fee": "0.0005", "bid_account": {"balance": "100050", "locked": "0"}}


def test_money_buys_units_with_their_fee_at_a_price_or_at_the_last_one():
    assert asked(ORDERS.affordable("KRW-XRP", D(4000), DEPOT, AT), ok(CHANCE))[1] == 25
    requests, units = asked(
        ORDERS.affordable("KRW-XRP", None, DEPOT, AT), ok([{"market": "KRW-XRP", "trade_price": 2000.0}]), ok(CHANCE)
    )
    assert units == 50
    assert [request.path for request in requests] == ["/v1/ticker", "/v1/orders/chance"]


def test_upbits_number_is_all_there_is_to_an_order():
    notice = msgspec.defstruct("Notice", ["order"])("u-9")
    assert (ORDERS.noticed(notice), ORDERS.number("u-1"), ORDERS.identity("u-1")) == ("u-9", "u-1", "u-1")


def test_orders_go_to_upbit_itself_or_to_this_machine_and_to_no_test_environment():
    assert ORDERS.takes(Environment.REAL, "https://api.upbit.com")
    assert ORDERS.takes(Environment.REAL, "http://127.0.0.1:5")
    assert not ORDERS.takes(Environment.REAL, "https://sg-api.upbit.com")
    assert not ORDERS.takes(Environment.MOCK, "http://127.0.0.1:5")
