"""Live stays shut at every venue (E9): with one opt-in missing no live order endpoint is reached, by whatever way.

Held against the transport: every name that is looked up and every socket that is opened on this machine.
"""

import itertools
import socket
import threading
from contextlib import contextmanager, suppress
from decimal import Decimal as D
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.adapters import accounts
from core.adapters.account_key import AccountKey
from core.adapters.gate import OPT_IN, Gate
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.adapters.order_wire import OrderWire
from core.adapters.secrets import Secret
from core.domain.errors import CoreError, Misconfigured
from core.domain.orders import Order
from core.domain.policies import (
    AccountPolicy,
    DayPolicy,
    Environment,
    KeyPolicy,
    MarketPolicy,
    RestPolicy,
    StreamPolicy,
)
from core.domain.sessions import always_open
from core.domain.values import Instrument, Market, Side
from core.settings import BrokerKind
from core.venues.flow import Request
from core.venues.spec import venue
from tests.adapters.orders.scripted import AT, Signer

LIVE = {
    Market.KRX: "https://openapi.koreainvestment.com:9443",
    Market.UPBIT: "https://api.upbit.com",
    Market.BINANCE: "https://api.binance.com",
}
SYMBOLS = {Market.KRX: "005930", Market.UPBIT: "KRW-BTC", Market.BINANCE: "BTCUSDT"}
ACCOUNT = "1234567801"
markets = pytest.mark.parametrize("market", LIVE)


def host_of(url):
    return url.partition("//")[2].partition(":")[0]


def opt_ins(market):
    """Texts that do not open this market, and those that do."""
    others = [other for other in LIVE if other is not market]
    shut = ["", ACCOUNT[:-1], f"{market.value}=", f"{market.value}={ACCOUNT[:-1]}", f"{others[0].value}={ACCOUNT}", "yes",
            f"{market.value}={ACCOUNT},{market.value}=other"]  # fmt: skip
    shut += [] if market is Market.KRX else [ACCOUNT]  # a text without a market is the KRX account's
    opening = [f"{market.value}={ACCOUNT}", f"{others[0].value}=x, {market.value.upper()}= {ACCOUNT}"]
    return shut, opening + ([ACCOUNT] if market is Market.KRX else [])


class Secrets:
    def get(self, name):
        return Secret(ACCOUNT)


@pytest.fixture
def reached(monkeypatch):
    """Every host that anything on this machine tries to look up; none is found."""
    hosts = []

    def lookup(host, *args, **kwargs):
        hosts.append(str(host).lower().rstrip("."))
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return hosts


def broker_of(market, kind, url, environment, opt_in):
    key = KeyPolicy(app_key="key", app_secret="secret", environment=environment)
    policy = MarketPolicy(
        rest=RestPolicy(url="https://quotes.test"),
        stream=StreamPolicy(url="ws://stream.test"),
        account=AccountPolicy(url=url, key=key),
    )
    found = venue(market)
    signs = found.orders.sign is not None
    sign = AccountKey(found.orders, key, Secrets(), lambda: AT, lambda: "nonce") if signs else Signer()
    return accounts.broker(
        kind, policy, found, sign=sign, secrets=Secrets(), opt_in=opt_in, budget=MemoryBudget(), purse="",
        sendings=MemorySendings(), board=MemoryNotices(), days=lambda: always_open(DayPolicy(ends="09:00")),
        clock=lambda: AT, sleep=lambda seconds: None, dice=lambda: 0.5,
    )  # fmt: skip


def everything(broker, market):
    """Ask all that a broker can be asked."""
    order = Order(
        id="hoga-1", instrument=Instrument(market, SYMBOLS[market]), side=Side.BUY, quantity=D(10), reference=D(70_000),
        signal="s", leg=0, worker="w", reason="fall", at=AT, limit=D(70_000),
    )  # fmt: skip
    for act in (
        lambda: broker.place(order, AT),
        lambda: broker.find(order, AT),
        lambda: broker.cancel(order, AT),
        lambda: broker.holdings(market),
        lambda: broker.affordable(SYMBOLS[market], D(1)),
        lambda: broker.affordable(SYMBOLS[market], None),
    ):
        with suppress(CoreError):
            act()


@markets
def test_with_either_opt_in_missing_the_live_host_is_never_looked_up(market, reached):
    """The base address may point where it likes: at the live host, at another venue's, at a look-alike of either."""
    live = host_of(LIVE[market])
    addresses = [
        *LIVE.values(),
        f"https://127.0.0.1@{live}",
        f"https://{live}.:443",
        f"http://{live}",
        "https://elsewhere.test",
    ]
    shut, opening = opt_ins(market)
    for kind, url, environment, opt_in in itertools.product(BrokerKind, addresses, Environment, shut + opening):
        reached.clear()
        with suppress(CoreError):
            everything(broker_of(market, kind, url, environment, opt_in), market)
        both = kind is BrokerKind.LIVE and opt_in in opening and environment is Environment.REAL
        assert set(reached) <= ({live} if both and url == LIVE[market] else set()), (kind, url, environment, opt_in)


@markets
def test_with_both_opt_ins_an_order_does_leave(market, reached):
    for opt_in in opt_ins(market)[1]:
        reached.clear()
        everything(broker_of(market, BrokerKind.LIVE, LIVE[market], Environment.REAL, opt_in), market)
        assert set(reached) == {host_of(LIVE[market])}


@markets
def test_a_missing_opt_in_is_named_with_the_form_that_mends_it_and_never_with_the_account(market):
    with pytest.raises(Misconfigured, match=OPT_IN) as caught:
        broker_of(market, BrokerKind.LIVE, LIVE[market], Environment.REAL, "")
    assert f"{market.value}=ACCOUNT" in str(caught.value)
    assert ACCOUNT not in str(caught.value)


def test_upbit_has_no_test_environment_and_says_so():
    with pytest.raises(Misconfigured, match="no test environment") as caught:
        broker_of(Market.UPBIT, BrokerKind.MOCK, LIVE[Market.UPBIT], Environment.REAL, "")
    assert "paper or live" in str(caught.value)


@contextmanager
def redirecting(target, status):
    """A server of this machine that sends everybody on."""

    class Elsewhere(BaseHTTPRequestHandler):
        def _sent_on(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Location", target + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_DELETE = _sent_on

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@markets
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_that_sends_a_call_on_to_the_live_host_is_not_followed(market, status, monkeypatch):
    asked, real = [], socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args: asked.append(host) or real(host, *args))
    orders = venue(market).orders
    gate = Gate(orders.origins.get(Environment.MOCK, ("https", "nowhere.test", 443)))
    with redirecting(LIVE[market], status) as url:
        wire = OrderWire(url, gate, connect_s=30, read_s=30)
        for method in ("POST", "GET", "DELETE"):
            response = wire(Request(method, "/v1/orders", body=b"{}" if method == "POST" else b""))
            assert response.status == status
            assert orders.judge(response)[0].value in ("refused", "unsure")
        wire.close()
    assert set(asked) == {"127.0.0.1"}
