"""Orders at Binance as flows (E8, E9): what is asked, what each answer means to do, and what commissions leave."""

import json
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
from core.venues.binance.order_answers import ADVICE, judge
from core.venues.binance.order_rows import STATES, TradeRow, traded
from core.venues.binance.orders import ORDERS, plain
from core.venues.flow import Response, run
from core.venues.ordering import Depot, Reply, Sought

AT = Millis(1_790_046_000_000)
DEPOT = Depot(number="key", environment=Environment.REAL, quote="USDT")
ORDER = Order(
    id="hoga-0001", instrument=Instrument(Market.BINANCE, "XRPUSDT"), side=Side.BUY, quantity=D("25.0"),
    reference=D("2.8"), signal="s", leg=0, worker="w", reason="fall", at=AT, limit=D("2.95000"),
)  # fmt: skip
ROW = {
    "symbol": "XRPUSDT", "orderId": 7, "clientOrderId": "hoga-0001", "side": "BUY", "status": "FILLED",
    "origQty": "25.00000000", "executedQty": "25.00000000", "cummulativeQuoteQty": "70.00000000", "price": "2.95000000",
    "time": AT,
}  # fmt: skip
TRADE = {
    "id": 91,
    "price": "2.80000000",
    "qty": "25.00000000",
    "commission": "0.02500000",
    "commissionAsset": "XRP",
    "time": AT,
}


def ok(body):
    return Response(200, json.dumps(body).encode())


def refusal(code, message="words", status=400):
    return Response(status, json.dumps({"code": code, "msg": message}).encode())


def asked(flow, *answers):
    """(requests that the flow made, what it returned) where these answers came."""
    requests, left = [], list(answers)

    def send(request):
        requests.append(request)
        return left.pop(0)

    return requests, run(flow, send)


def placing(order, answer):
    return asked(ORDERS.place(order, DEPOT, Phase.REGULAR, AT), answer)


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, {"side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "25", "price": "2.95"}),
        (
            {"side": Side.SELL},
            {"side": "SELL", "type": "LIMIT", "timeInForce": "IOC", "quantity": "25", "price": "2.95"},
        ),
        ({"limit": None}, {"side": "BUY", "type": "MARKET", "quantity": "25"}),
    ],
)
def test_an_order_is_one_post_under_our_id_with_the_terms_of_its_kind(changes, terms):
    (request,), receipt = placing(replace(ORDER, **changes), ok({"symbol": "XRPUSDT", "orderId": 7}))
    assert (request.method, request.path, request.group, request.body) == ("POST", "/api/v3/order", "orders", b"")
    assert dict(request.query) == {
        "symbol": "XRPUSDT", "newClientOrderId": "hoga-0001", "newOrderRespType": "ACK", **terms
    }  # fmt: skip
    assert receipt.id == "XRPUSDT-7"


def test_a_quantity_of_nothing_never_leaves():
    with pytest.raises(OrderExecutionError, match="above 0"):
        placing(replace(ORDER, quantity=D(0)), ok({}))


@given(st.decimals(min_value=D("0.00000001"), max_value=D(10**9), places=8))
def test_a_figure_is_written_without_exponent_and_reads_as_the_same(figure):
    assert D(plain(figure)) == figure
    assert "E" not in plain(figure).upper()


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refusal(-2010, "Account has insufficient balance for requested action."), OrderExecutionError),
        (refusal(-1013, "Filter failure: LOT_SIZE"), OrderExecutionError),
        (refusal(-2015, status=401), OrderExecutionError),
        (refusal(-2010, "Duplicate order sent."), IdUsed),
        (refusal(-1021), RateLimited),
        (refusal(-1003, status=429), RateLimited),
        (refusal(-1015, status=429), RateLimited),
        (refusal(-1008, status=503), RateLimited),
        (refusal(-1003, status=418), RateLimited),
        (Response(403, b"<html>"), RateLimited),
        (refusal(-1007, status=504), UnknownOutcome),
        (refusal(-1000), UnknownOutcome),
        (refusal(-1006, status=500), UnknownOutcome),
        (Response(502, b"<html>"), UnknownOutcome),
        (Response(408, b""), UnknownOutcome),
        (Response(409, b""), UnknownOutcome),
        (Response(307, b""), UnknownOutcome),
        (Response(200, b"{}"), UnknownOutcome),
    ],
)
def test_each_answer_to_an_order_is_what_it_means_to_do(response, error):
    with pytest.raises(error) as caught:
        placing(ORDER, response)
    assert type(caught.value) is error


def test_a_ban_is_told_with_its_length_and_not_knocked_at_again():
    assert judge(Response(418, b""))[0] is judge(refusal(-1015, status=429))[0] is Reply.LATER
    with pytest.raises(RateLimited) as caught:
        placing(ORDER, Response(418, b"", {"retry-after": "7"}))
    assert caught.value.after_ms == 7000


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_every_refusal_that_is_known_says_what_to_do(code):
    assert judge(refusal(code, "No."))[1] == f"{code} No. ({ADVICE[code]})"


def test_a_refusal_that_nobody_wrote_down_is_told_in_binances_words():
    assert judge(refusal(-9999, "Brand new."))[1] == "-9999 Brand new."
    assert judge(Response(400, b"<html>"))[1] == "HTTP 400"


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_comes_back_is_judged_and_only_a_2xx_is_taken(status, body):
    reply, words = judge(Response(status, body))
    assert (reply is Reply.TAKEN) == (200 <= status < 300)
    assert words


# ---- what became of it -----------------------------------------------------------------------------------------------


def row_of(*trades, worth=(), **changes):
    answers = [
        ok({**ROW, **changes}),
        *([ok(list(trades))] if trades else []),
        *(ok({"price": text}) for text in worth),
    ]
    return asked(ORDERS.named(ORDER, "", DEPOT, AT), *answers)


def test_an_order_is_asked_for_by_our_id_and_by_binances_once_that_is_known():
    requests, row = row_of(TRADE)
    assert requests[0].query == (("symbol", "XRPUSDT"), ("origClientOrderId", "hoga-0001"))
    assert (requests[1].path, dict(requests[1].query)["orderId"]) == ("/api/v3/myTrades", "7")
    assert (row.id, row.state, row.filled, row.value, row.at) == ("XRPUSDT-7", State.FILLED, 25, 70, AT)
    again, _ = asked(ORDERS.named(ORDER, "XRPUSDT-7", DEPOT, AT), ok(ROW), ok([TRADE]))
    assert again[0].query == (("symbol", "XRPUSDT"), ("orderId", "7"))


@pytest.mark.parametrize("code", [-2013, -2026])
def test_an_order_that_binance_does_not_know_is_none(code):
    assert asked(ORDERS.named(ORDER, "", DEPOT, AT), refusal(code))[1] is None


def test_a_commission_in_the_bought_coin_leaves_fewer_units_and_costs_what_left_the_account():
    (trade,) = row_of(TRADE)[1].trades
    assert (trade.id, trade.quantity, trade.fee) == ("XRPUSDT-91", D("24.975"), D("0.07"))
    assert trade.quantity * trade.price + trade.fee == 70


def test_a_commission_in_bnb_is_counted_at_what_bnb_is_worth_and_leaves_the_units_whole():
    requests, row = row_of({**TRADE, "commissionAsset": "BNB", "commission": "0.0001"}, worth=["900.5"])
    assert (row.trades[0].quantity, row.trades[0].fee) == (25, D("0.09005"))
    assert requests[2].query == (("symbol", "BNBUSDT"),)


def test_a_commission_of_nothing_asks_for_no_price():
    requests, row = row_of({**TRADE, "commissionAsset": "BNB", "commission": "0"})
    assert (len(requests), row.trades[0].fee) == (2, 0)


def test_a_sale_pays_in_quote_currency_and_what_is_paid_in_the_sold_coin_is_no_unit_of_the_order():
    paid = msgspec.convert({**TRADE, "commission": "0.07", "commissionAsset": "USDT"}, TradeRow, strict=False)
    (trade,) = traded([paid], Side.SELL, "XRPUSDT", "XRP", "USDT", {})
    assert (trade.quantity, trade.fee) == (25, D("0.07"))
    odd = msgspec.convert({**TRADE, "commission": "0.025"}, TradeRow, strict=False)
    (trade,) = traded([odd], Side.SELL, "XRPUSDT", "XRP", "USDT", {})
    assert (trade.quantity, trade.fee) == (25, D("0.07"))


@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 100)), min_size=1, max_size=9))
def test_whatever_the_executions_units_and_fees_add_up_to_what_was_paid_and_got(executions):
    rows = [
        TradeRow(id=n, price=D(price).scaleb(-8), qty=D(qty).scaleb(-8), commission=D(qty * bips).scaleb(-12), commissionAsset="XRP", time=AT)
        for n, (price, qty, bips) in enumerate(executions)
    ]  # fmt: skip
    parts = traded(rows, Side.BUY, "XRPUSDT", "XRP", "USDT", {})
    assert sum(part.quantity for part in parts) == sum(row.qty - row.commission for row in rows)
    for part, row in zip(parts, rows, strict=True):
        assert part.quantity * part.price + part.fee == row.qty * row.price


@pytest.mark.parametrize("status", sorted(STATES))
def test_an_order_is_final_only_once_every_trade_of_it_is_told(status):
    assert row_of(TRADE, status=status)[1].state is STATES[status]
    assert row_of({**TRADE, "qty": "10"}, status=status)[1].state is State.PARTIAL
    none = asked(ORDERS.named(ORDER, "", DEPOT, AT), ok({**ROW, "status": status}), ok([]))[1]
    assert (none.state, none.trades) == (State.OPEN, ())


def test_an_order_without_a_fill_is_as_its_status_says_and_asks_no_further():
    requests, row = row_of(status="EXPIRED", executedQty="0.00000000", time=None)
    assert (len(requests), row.state, row.at, row.note) == (1, State.EXPIRED, None, "expired")


def test_a_status_that_nobody_wrote_down_is_not_final():
    assert row_of(TRADE, status="BRAND_NEW")[1].state is State.OPEN


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refusal(-2015, status=401), Refused),
        (Response(500, b"oops"), Transient),
        (refusal(-1003, status=429), RateLimited),
        (ok({"symbol": 1}), WireSurprise),
        (Response(200, b"\xff"), WireSurprise),
    ],
)
def test_a_question_that_is_not_answered_says_whether_asking_again_helps(response, error):
    with pytest.raises(error):
        asked(ORDERS.named(ORDER, "", DEPOT, AT), response)


def test_a_cancel_names_binances_number():
    requests, receipt = asked(ORDERS.cancel(ORDER, "XRPUSDT-7", DEPOT, AT), ok({**ROW, "status": "CANCELED"}))
    assert (requests[0].method, dict(requests[0].query)) == ("DELETE", {"symbol": "XRPUSDT", "orderId": "7"})
    assert receipt.id == "XRPUSDT-7"


def test_orders_that_wait_are_those_of_the_side_that_was_asked_for():
    waiting = {**ROW, "status": "NEW", "executedQty": "0.00000000"}
    sought = Sought(instrument=ORDER.instrument, side=Side.BUY, since=AT)
    (row,) = asked(ORDERS.standing(sought, DEPOT, AT), ok([waiting, {**waiting, "side": "SELL"}]))[1]
    assert (row.state, row.side) == (State.OPEN, Side.BUY)


# ---- the account -----------------------------------------------------------------------------------------------------

ACCOUNT = {"balances": [
    {"asset": "USDT", "free": "100.0", "locked": "5.0"}, {"asset": "XRP", "free": "20", "locked": "5.5"},
    {"asset": "OLD", "free": "0", "locked": "0"},
]}  # fmt: skip


def test_holdings_are_assets_by_the_symbol_of_the_accounts_market():
    (held,) = asked(ORDERS.holdings(DEPOT, AT), ok(ACCOUNT))[1]
    assert (held.symbol, held.units, held.sellable) == ("XRPUSDT", D("25.5"), 20)


def test_money_buys_units_at_a_price_or_at_the_last_one():
    assert asked(ORDERS.affordable("XRPUSDT", D(3), DEPOT, AT), ok(ACCOUNT))[1] == D("33.33333333")
    requests, units = asked(ORDERS.affordable("XRPUSDT", None, DEPOT, AT), ok({"price": "2.5"}), ok({"balances": []}))
    assert (units, [request.weight for request in requests]) == (0, [2, 20])


def test_a_number_is_unique_with_its_symbol_only():
    notice = msgspec.defstruct("Notice", ["instrument", "order"])(ORDER.instrument, "9")
    assert ORDERS.noticed(notice) == "XRPUSDT-9"
    assert (ORDERS.number("XRPUSDT-7"), ORDERS.identity("XRPUSDT-7")) == ("7", "XRPUSDT-7")


def test_each_environments_orders_go_to_its_own_address():
    assert ORDERS.takes(Environment.REAL, "https://api.binance.com")
    assert ORDERS.takes(Environment.MOCK, "https://testnet.binance.vision")
    assert not ORDERS.takes(Environment.MOCK, "https://api.binance.com")
    assert not ORDERS.takes(Environment.REAL, "https://testnet.binance.vision")
