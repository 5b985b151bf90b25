"""The simulated Binance account: as strict as the real one (reference/binance.md 4 and 5), and its books add up."""

from decimal import Decimal as D
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from core.domain.values import Millis
from core.simulators.binance_account import Account, Call
from core.simulators.binance_keys import ApiKey
from core.simulators.binance_pairs import listing, market_of
from core.simulators.binance_query import Exchange
from core.simulators.served import Served
from core.venues.binance.signing import sign
from core.venues.flow import Request
from core.venues.ordering import Proof

AT = 1_790_134_742_000
KEY = ApiKey()
LIMIT = {"symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "25", "price": "2.9"}
MARKET = {"symbol": "XRPUSDT", "side": "BUY", "type": "MARKET", "quantity": "25"}


class Bank:
    """One account and whoever asks for it, by default the right way."""

    def __init__(self, **options):
        pairs = listing(40)
        self.market = market_of(pairs, seed=3, start=AT)
        self.market.advance(AT)
        self.served, self.at = Served(), AT
        exchange = Exchange({pair.coin.symbol: pair for pair in pairs}, self.market)
        self.account = Account(exchange, self.served, **options)
        self.books = self.account.books

    def call(self, method, name, *, key=KEY, secret="", at=None, spoil=lambda raw: raw, address="", **query):
        proof = Proof(key=key.key, secret=secret or key.secret, nonce="n", at=Millis(at or self.at))
        request = sign(Request(method, f"/api/v3/{name}", tuple(query.items())), proof)
        call = Call(method, request.path, dict(request.headers), spoil(urlencode(request.query)), address)
        reply, self.headers = self.account.answer(call, self.at)
        said = msgspec.json.decode(reply.body)
        return (reply.status, said) if reply.status < 400 else (reply.status, said["code"], said["msg"])

    def order(self, base=LIMIT, **changes):
        return self.call("POST", "order", **{name: text for name, text in {**base, **changes}.items() if text})

    def refused(self, base=LIMIT, **changes):
        return self.order(base, **changes)[1:]


@pytest.fixture
def bank():
    return Bank()


# ---- who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"key": ApiKey(key="")}, -2014),
        ({"key": ApiKey(key="nobody")}, -2015),
        ({"secret": "another"}, -1022),
        ({"spoil": lambda raw: raw.replace("omitZeroBalances=true", "omitZeroBalances=false")}, -1022),
        ({"spoil": lambda raw: raw.rpartition("&signature")[0]}, -1102),
        ({"spoil": lambda raw: raw.replace("timestamp", "time")}, -1102),
        ({"spoil": lambda raw: raw.replace("timestamp=1", "timestamp=x")}, -1100),
        ({"spoil": lambda raw: raw.replace("recvWindow=5000", "recvWindow=60001")}, -1131),
        ({"at": AT + 1000}, -1021),
        ({"at": AT - 5001}, -1021),
    ],
)
def test_a_call_that_does_not_prove_who_asks_now_is_refused_by_its_code(bank, how, code):
    assert bank.call("GET", "account", omitZeroBalances="true", **how)[1] == code


@pytest.mark.parametrize("at", [AT + 999, AT - 5000, AT * 1000])
def test_a_moment_within_the_window_is_taken_in_either_unit(bank, at):
    assert bank.call("GET", "account", at=at)[0] == 200


def test_a_signature_in_capitals_is_the_same(bank):
    capitals = lambda raw: raw[: raw.index("&signature=") + 11] + raw.partition("&signature=")[2].upper()
    assert bank.call("GET", "account", spoil=capitals)[0] == 200


def test_a_key_that_is_for_other_addresses_is_told_so():
    assert (
        Bank(keys=(ApiKey(addresses=frozenset({"10.0.0.1"})),)).call("GET", "account", address="10.0.0.2")[1] == -2015
    )


def public(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pem(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_an_ed25519_key_signs_and_another_ones_signature_does_not_pass():
    private, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    bank = Bank(keys=(ApiKey(public=public(private)),))
    assert bank.call("GET", "account", secret=pem(private))[0] == 200
    assert bank.call("GET", "account", secret=pem(other))[1] == -1022
    wrong_kind = Bank(keys=(ApiKey(public=public(X25519PrivateKey.generate())),))
    assert wrong_kind.call("GET", "account", secret=pem(private))[1] == -1022


def test_a_parameter_that_a_call_does_not_have_is_refused(bank):
    assert bank.call("GET", "account", surprise="1")[1] == -1104
    assert bank.refused(surprise="1")[0] == -1104


def test_orders_are_counted_by_ten_seconds_and_told_in_the_headers(bank):
    bank = Bank(per_10_s=2)
    for _ in range(2):
        bank.order(price="1")
        assert "X-MBX-ORDER-COUNT-10S" in bank.headers or bank.served.refusals
    assert bank.order()[:2] == (429, -1015)
    bank.at += 10_000
    assert bank.order()[0] == 200


# ---- what an order must be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"symbol": ""}, -1102, "symbol"),
        ({"symbol": "NONEUSDT"}, -1121, "Invalid symbol."),
        ({"symbol": "AQTUSDT"}, -2010, "Market is closed."),
        ({"side": "BID"}, -1117, "side"),
        ({"type": "STOP"}, -1116, "orderType"),
        ({"timeInForce": ""}, -1102, "timeInForce"),
        ({"timeInForce": "DAY"}, -1115, "timeInForce"),
        ({"quantity": ""}, -1102, "quantity"),
        ({"price": ""}, -1102, "price"),
        ({"quantity": "x"}, -1100, "quantity"),
        ({"quantity": "1e2"}, -1100, "quantity"),
        ({"quantity": "25.000000001"}, -1111, "precision"),
        ({"quantity": "-25"}, -1013, "quantity"),
        ({"quantity": "25.00001"}, -1013, "LOT_SIZE"),
        ({"price": "2.90000001"}, -1013, "PRICE_FILTER"),
        ({"quantity": "1"}, -1013, "NOTIONAL"),
        ({"quantity": "9000"}, -2010, "insufficient balance"),
        ({"side": "SELL"}, -2010, "insufficient balance"),
        ({"newClientOrderId": "no spaces"}, -1100, "newClientOrderId"),
        ({"newClientOrderId": "x" * 37}, -1100, "newClientOrderId"),
        ({"type": "LIMIT_MAKER", "timeInForce": ""}, -2010, "immediately match"),
        ({"type": "MARKET", "timeInForce": ""}, -1102, "quantity"),
        ({"type": "MARKET", "timeInForce": "", "price": "", "quoteOrderQty": "70"}, -1102, "quantity"),
    ],
)
def test_an_order_that_binance_would_refuse_is_refused_by_its_code(bank, changes, code, words):
    found, said = bank.refused(**changes)
    assert (found, bank.books.orders) == (code, {})
    assert words in said


def test_a_client_id_is_unique_among_open_orders_only(bank):
    waits = {"newClientOrderId": "mine", "timeInForce": "GTC", "price": "1.5"}
    assert bank.order(**waits)[0] == 200
    assert bank.refused(**waits) == (-2010, "Duplicate order sent.")
    assert bank.call("DELETE", "order", symbol="XRPUSDT", origClientOrderId="mine")[1]["status"] == "CANCELED"
    for _ in range(2):  # and so a second buy under the id of one that was filled is simply taken
        assert bank.order(newClientOrderId="mine")[0] == 200
    assert len(bank.books.orders) == 3
    newest = bank.call("GET", "order", symbol="XRPUSDT", origClientOrderId="mine")[1]
    assert (newest["orderId"], newest["status"]) == (3, "FILLED")


def test_a_test_order_is_checked_and_leaves_nothing(bank):
    assert bank.call("POST", "order/test", **LIMIT) == (200, {})
    assert bank.call("POST", "order/test", **{**LIMIT, "quantity": "1"})[1] == -1013
    assert bank.books.orders == {}


# ---- how it trades ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "FILLED"),
        ({"timeInForce": "FOK"}, "FILLED"),
        ({"timeInForce": "FOK", "price": "1.5"}, "EXPIRED"),
        ({"price": "1.5"}, "EXPIRED"),
        ({"timeInForce": "GTC", "price": "1.5"}, "NEW"),
        ({"type": "LIMIT_MAKER", "timeInForce": "", "price": "1.5"}, "NEW"),
        ({"type": "MARKET", "timeInForce": "", "price": ""}, "FILLED"),
        ({"type": "MARKET", "timeInForce": "", "price": "", "quantity": "", "quoteOrderQty": "100"}, "FILLED"),
    ],
)
def test_an_order_becomes_what_its_kind_makes_of_it(bank, changes, status):
    assert bank.order(**changes)[1]["status"] == status
    found = bank.call("GET", "order", symbol="XRPUSDT", orderId="1")[1]
    trades = bank.call("GET", "myTrades", symbol="XRPUSDT", orderId="1")[1]
    assert found["status"] == status
    assert sum((D(trade["qty"]) for trade in trades), D(0)) == D(found["executedQty"])
    assert sum((D(trade["quoteQty"]) for trade in trades), D(0)) == D(found["cummulativeQuoteQty"])


@pytest.mark.parametrize(("how", "has"), [("ACK", 5), ("RESULT", 16), ("FULL", 17)])
def test_an_answer_tells_as_much_as_was_asked_for(bank, how, has):
    assert len(bank.order(newOrderRespType=how)[1]) == has


def test_half_an_order_is_told_as_such(bank):
    bank.books.share = D("0.4")
    assert bank.order()[1]["status"] == "EXPIRED"
    assert bank.order(timeInForce="GTC")[1]["status"] == "PARTIALLY_FILLED"


def test_a_commission_comes_out_of_what_is_got_or_out_of_bnb():
    bank = Bank(funds={"USDT": D(10_000), "BNB": D("0.0002")})
    fills = bank.order()[1]["fills"]
    assert {fill["commissionAsset"] for fill in fills} == {"XRP"}
    assert bank.books.balances["XRP"] == D("24.975")
    sold = bank.order(MARKET, side="SELL", quantity="24")[1]["fills"]
    assert {fill["commissionAsset"] for fill in sold} == {"USDT"}
    bank.account.bnb = True
    paid = {fill["commissionAsset"] for _ in range(4) for fill in bank.order()[1]["fills"]}
    assert paid == ({"BNB", "XRP"} if "BNBUSDT" in bank.market.lines else {"XRP"})


def test_an_order_is_not_shown_before_the_reads_have_caught_up(bank):
    bank.account.lag_ms = 3000
    bank.order()
    assert bank.call("GET", "order", symbol="XRPUSDT", orderId="1")[1] == -2013
    bank.at += 3000
    assert bank.call("GET", "order", symbol="XRPUSDT", orderId="1")[0] == 200


def test_what_waits_is_listed_by_symbol_and_cancelled_together(bank):
    for price in ("1.5", "1.6"):
        bank.order(timeInForce="GTC", price=price)
    assert len(bank.call("GET", "openOrders", symbol="XRPUSDT")[1]) == 2
    assert bank.call("GET", "rateLimit/order")[1][0]["count"] == 2
    balances = {row["asset"]: row for row in bank.call("GET", "account")[1]["balances"]}
    assert D(balances["USDT"]["locked"]) == D("77.5")
    assert len(bank.call("DELETE", "openOrders", symbol="XRPUSDT")[1]) == 2
    assert bank.call("DELETE", "openOrders", symbol="XRPUSDT")[1] == -2011
    assert bank.call("DELETE", "order", symbol="XRPUSDT", orderId="1")[1] == -2011


def test_an_order_of_another_symbol_is_not_this_ones(bank):
    bank.order(newClientOrderId="mine")
    assert bank.call("GET", "order", symbol="ETHUSDT", origClientOrderId="mine")[1] == -2013
    assert bank.call("GET", "order", symbol="XRPUSDT")[1] == -1102


def test_the_books_add_up_after_any_trades(bank):
    for _ in range(4):
        bank.order()
        bank.order(MARKET, side="SELL", quantity="20")
        bank.at += 1000
        bank.books.turned(bank.market.advance(bank.at).trades, bank.at)
    moved = {"XRP": D(0), "USDT": D(10_000)}
    for order in bank.books.orders.values():
        for fill in order.fills:
            sign = 1 if order.side == "buy" else -1
            moved["XRP"] += sign * fill.quantity
            moved["USDT"] -= sign * fill.value
            moved[fill.paid_in] -= fill.fee
    assert {name: bank.books.balances[name] for name in moved} == moved
