"""The simulated Upbit account: as strict as the real one (reference/upbit.md 5), and its books add up."""

from decimal import Decimal as D
from itertools import count

import msgspec
import pytest

from core.domain.values import Millis
from core.simulators.coins import listing
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
from core.simulators.upbit_keys import AccessKey
from core.simulators.upbit_orders import checked
from core.simulators.upbit_private import Call, Private
from core.venues.flow import Request
from core.venues.ordering import Proof
from core.venues.upbit.signing import sign

AT = 1_790_134_742_000
KEY = AccessKey()
LIMIT = {"market": "KRW-XRP", "side": "bid", "volume": "10", "price": "3500", "ord_type": "limit"}
serial = count(1)


class Bank:
    """One account and whoever asks for it, by default the right way."""

    def __init__(self, **options):
        self.market = SimulatedMarket(seed=3, start=AT, coins=listing(8))
        self.market.advance(AT)
        self.served, self.at = Served(), AT
        self.private = Private(self.market, self.served, **options)
        self.books = self.private.account

    def call(
        self, method, path, query=(), body=None, *, key=KEY, address="127.0.0.1", spoil=lambda request: request, **proof
    ):
        raw = msgspec.json.encode(body) if body is not None else b""
        proof = Proof(
            **{"key": key.access, "secret": key.secret, "nonce": f"n{next(serial)}", "at": Millis(self.at), **proof}
        )
        request = spoil(sign(Request(method, path, tuple(query), body=raw), proof))
        headers = {"content-type": "application/json; charset=utf-8", **dict(request.headers)}
        call = Call(method, path, headers, list(request.query), request.body, address)
        reply, self.headers = self.private.answer(call, self.at)
        said = msgspec.json.decode(reply.body)
        return (reply.status, said["error"]["name"]) if reply.status >= 400 else (reply.status, said)

    def order(self, **changes):
        body = {name: text for name, text in {**LIMIT, **changes}.items() if text}
        return self.call("POST", "/v1/orders", body=body)

    def pass_on(self, seconds):
        for _ in range(seconds):
            self.at += 1000
            self.books.turned(self.market.advance(self.at).trades, self.at)

    @property
    def ask(self):
        return D(repr(self.market.lines["KRW-XRP"].ask))


@pytest.fixture
def bank():
    return Bank()


# ---- who may ask -----------------------------------------------------------------------------------------------------


def altered(request):
    return msgspec.structs.replace(request, query=(("market", "KRW-BTC"),))


def unhashed(request):
    return msgspec.structs.replace(
        request,
        headers=sign(
            Request("GET", "/"), Proof(key=KEY.access, secret=KEY.secret, nonce=f"x{next(serial)}", at=Millis(AT))
        ).headers,
    )


def bare(request):
    return msgspec.structs.replace(request, headers=())


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"spoil": bare}, (401, "no_authorization_token")),
        ({"secret": "another"}, (401, "jwt_verification")),
        ({"key": AccessKey(access="nobody")}, (401, "invalid_access_key")),
        ({"spoil": altered}, (401, "invalid_query_payload")),
        ({"spoil": unhashed}, (401, "invalid_query_payload")),
        ({"algorithm": "HS256"}, 200),
        ({}, 200),
    ],
)
def test_a_call_is_answered_only_where_it_proves_who_asks_for_exactly_this(bank, how, told):
    found = bank.call("GET", "/v1/orders/open", (("market", "KRW-XRP"),), **how)
    assert (found[0] if told == 200 else found) == told


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (AccessKey(addresses=frozenset({"10.0.0.1"})), (401, "no_authorization_ip")),
        (AccessKey(expired=True), (401, "expired_access_key")),
        (AccessKey(scopes=frozenset({"accounts"})), (403, "out_of_scope")),
    ],
)
def test_a_key_that_may_not_do_this_is_told_why(key, told):
    assert Bank(keys=(key,)).order() == told


def test_a_nonce_goes_once(bank):
    assert bank.call("GET", "/v1/accounts", nonce="same")[0] == 200
    assert bank.call("GET", "/v1/accounts", nonce="same") == (401, "nonce_used")


@pytest.mark.parametrize("token", ["Bearer x", "Bearer a.b.c", "Bearer e30.e30", "Basic e30"])
def test_a_token_that_does_not_read_is_refused(bank, token):
    spoil = lambda request: msgspec.structs.replace(request, headers=(("authorization", token),))
    assert bank.call("GET", "/v1/accounts", spoil=spoil)[0] == 401


def numbers(request):
    return msgspec.structs.replace(request, body=b'{"market":"KRW-XRP","volume":10}')


def test_a_body_must_be_json_of_texts(bank):
    assert bank.call("POST", "/v1/orders", body=LIMIT, spoil=numbers) == (400, "validation_error")
    form = Call("POST", "/v1/orders", {"content-type": "application/x-www-form-urlencoded"}, [], b"a=b", "")
    assert msgspec.json.decode(bank.private.answer(form, AT)[0].body)["error"]["name"] == "validation_error"


def test_orders_and_questions_have_limits_of_their_own_by_the_second(bank):
    told = [bank.call("DELETE", "/v1/order", (("uuid", "x"),)) for _ in range(9)]
    assert told[:8] == [(404, "order_not_found")] * 8
    assert told[8] == (429, "too_many_requests")
    assert bank.headers["Remaining-Req"] == "group=order; min=1800; sec=0"
    assert bank.call("GET", "/v1/accounts")[0] == 200
    bank.at += 1000
    assert bank.call("DELETE", "/v1/order", (("uuid", "x"),))[0] == 404


# ---- what an order must be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"market": "KRW-NONE"}, "validation_error"),
        ({"side": "buy"}, "validation_error"),
        ({"ord_type": "stop"}, "validation_error"),
        ({"volume": ""}, "create_bid_error"),
        ({"price": ""}, "create_bid_error"),
        ({"ord_type": "market"}, "create_bid_error"),
        ({"ord_type": "price"}, "create_bid_error"),
        ({"side": "ask", "ord_type": "market"}, "create_ask_error"),
        ({"volume": "x"}, "validation_error"),
        ({"volume": "1E2"}, "validation_error"),
        ({"volume": "-1"}, "validation_error"),
        ({"volume": "1.000000001"}, "validation_error"),
        ({"price": "3500.5"}, "invalid_price_bid"),
        ({"side": "ask", "price": "3500.5"}, "invalid_price_ask"),
        ({"volume": "1"}, "under_min_total_bid"),
        ({"side": "ask", "volume": "1"}, "under_min_total_ask"),
        ({"volume": "1000000"}, "create_bid_error"),
        ({"volume": "3000"}, "insufficient_funds_bid"),
        ({"side": "ask"}, "insufficient_funds_ask"),
        ({"time_in_force": "day"}, "validation_error"),
        ({"ord_type": "best", "volume": "", "price": "10000"}, "validation_error"),
        ({"price": "5000", "time_in_force": "post_only"}, "create_bid_error"),
        ({"identifier": "x" * 65}, "validation_error"),
    ],
)
def test_an_order_that_upbit_would_refuse_is_refused_by_its_name(bank, changes, told):
    assert bank.order(**changes) == (400, told)
    assert bank.books.orders == {}


def test_an_identifier_is_used_up_even_by_an_order_that_failed(bank):
    assert bank.order(identifier="mine", volume="1") == (400, "under_min_total_bid")
    assert bank.order(identifier="mine") == (400, "duplicated_identifier")
    assert bank.call("GET", "/v1/order", (("identifier", "mine"),)) == (404, "order_not_found")


def test_a_market_sale_deeper_than_the_book_is_refused():
    bank = Bank(funds={"XRP": D(10**9)})
    assert bank.order(side="ask", ord_type="market", price="", volume="9000000") == (400, "create_ask_error")


def test_a_test_order_is_checked_and_cannot_be_found(bank):
    status, said = bank.call("POST", "/v1/orders/test", body=LIMIT)
    assert status == 201
    assert bank.call("GET", "/v1/order", (("uuid", said["uuid"]),)) == (404, "order_not_found")


# ---- how it trades ---------------------------------------------------------------------------------------------------


def looked_up(bank, uuid):
    return bank.call("GET", "/v1/order", (("uuid", uuid),))[1]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"price": "4200", "time_in_force": "ioc"}, "done"),
        ({"price": "4200", "time_in_force": "fok"}, "done"),
        ({"price": "3000", "time_in_force": "ioc"}, "cancel"),
        ({"price": "3000", "time_in_force": "fok"}, "cancel"),
        ({"price": "3000"}, "wait"),
        ({"price": "3000", "time_in_force": "post_only"}, "wait"),
        ({"ord_type": "price", "volume": "", "price": "10000"}, "cancel"),  # some of a won is left over
        ({"ord_type": "best", "volume": "", "price": "10000", "time_in_force": "ioc"}, "cancel"),
    ],
)
def test_an_order_is_answered_as_it_came_and_then_is_what_its_kind_makes_of_it(bank, changes, state):
    status, said = bank.order(**changes)
    assert (status, said["state"], said["executed_volume"]) == (201, "wait", "0")
    found = looked_up(bank, said["uuid"])
    assert found["state"] == state
    assert sum((D(trade["volume"]) for trade in found["trades"]), D(0)) == D(found["executed_volume"])
    assert D(found["paid_fee"]) == sum((D(trade["funds"]) for trade in found["trades"]), D(0)) * D("0.0005")


def test_what_was_taken_from_a_book_is_gone_until_the_book_changes(bank):
    best = str(bank.ask)
    one = bank.books.available(probe(bank, best))
    assert one > 0
    bank.books.balances["KRW"] = D(10**12)
    bank.order(volume=f"{one}", price=best, time_in_force="ioc")
    assert bank.books.available(probe(bank, best)) == 0


def probe(bank, price):
    return checked({**LIMIT, "price": price, "volume": "10"}, bank.books, bank.private.rules, 99, AT)


def test_an_order_that_waits_keeps_its_money_with_the_fee_and_trades_when_the_market_does(bank):
    price = str(bank.ask - 1)
    _, said = bank.order(price=price, volume="100")
    accounts = {row["currency"]: row for row in bank.call("GET", "/v1/accounts")[1]}
    assert D(accounts["KRW"]["locked"]) == D(price) * 100 * D("1.0005")
    bank.pass_on(300)
    found = looked_up(bank, said["uuid"])
    assert D(found["executed_volume"]) > 0
    assert {trade["price"] for trade in found["trades"]} == {price}


def test_a_cancel_is_taken_at_once_and_carried_out_later_with_fills_in_between(bank):
    bank.books.cancel_ms = 60_000
    _, said = bank.order(price=str(bank.ask - 1), volume="2000")
    assert bank.call("DELETE", "/v1/order", (("uuid", said["uuid"]),))[1]["state"] == "wait"
    bank.pass_on(59)
    before = D(looked_up(bank, said["uuid"])["executed_volume"])
    bank.pass_on(2)
    found = looked_up(bank, said["uuid"])
    assert before > 0
    assert found["state"] in ("cancel", "done")
    assert bank.call("DELETE", "/v1/order", (("uuid", said["uuid"]),)) == (404, "order_not_found")


def test_all_orders_that_wait_are_listed_and_cancelled_together(bank):
    for price in ("3000", "3001", "3002"):
        bank.order(price=price)
    waiting = bank.call("GET", "/v1/orders/open", (("market", "KRW-XRP"), ("page", "1"), ("limit", "2")))[1]
    assert [row["price"] for row in waiting] == ["3002", "3001"]
    assert bank.call("DELETE", "/v1/orders/open")[1]["success"]["count"] == 3
    assert bank.call("GET", "/v1/orders/open")[1] == []
    assert len(bank.call("GET", "/v1/orders/closed", (("market", "KRW-XRP"),))[1]) == 3


def test_the_books_add_up_after_any_trades(bank):
    began = bank.books.balances["KRW"]
    for _ in range(5):
        bank.order(price="4200", volume="7.7", time_in_force="ioc")
        bank.order(side="ask", ord_type="market", volume="3.3", price="")
        bank.pass_on(1)
    fills = [(order.side, fill) for order in bank.books.orders.values() for fill in order.fills]
    spent = sum((fill.value if side == "buy" else -fill.value) + fill.fee for side, fill in fills)
    assert began - bank.books.balances["KRW"] == spent
    assert bank.books.balances["XRP"] == sum(fill.quantity if side == "buy" else -fill.quantity for side, fill in fills)
    assert len(bank.books.report()["orders"]) == 10


def test_the_chance_tells_fees_limits_and_both_balances(bank):
    said = bank.call("GET", "/v1/orders/chance", (("market", "KRW-XRP"),))[1]
    assert (said["bid_fee"], said["market"]["bid"]["min_total"], said["bid_account"]["currency"]) == (
        "0.0005",
        "5000",
        "KRW",
    )
    assert bank.call("GET", "/v1/orders/chance", (("market", "KRW-NONE"),)) == (400, "validation_error")
