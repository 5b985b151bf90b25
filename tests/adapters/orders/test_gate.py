"""E9: no request to a live order endpoint leaves this machine with any one of the two opt-ins missing.

The last step before the network is watched: every name that is looked up and every socket that is opened.
"""

import itertools
import socket
import threading
from contextlib import suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from core.adapters import accounts
from core.adapters.gate import OPT_IN, Gate, opened, session
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.adapters.order_wire import OrderWire
from core.adapters.secrets import Secret
from core.domain.errors import CoreError, Misconfigured, UnknownOutcome, Unreached
from core.domain.phases import Phase
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
from core.domain.values import Market
from core.settings import BrokerKind
from core.venues.flow import Request
from core.venues.kis.orders import ORDERS
from core.venues.spec import venue
from tests.adapters.orders.scripted import AT, NUMBER, Bench, Signer

LIVE = "https://openapi.koreainvestment.com:9443"
MOCK = "https://openapivts.koreainvestment.com:29443"
LIVE_HOST = "openapi.koreainvestment.com"
POST = Request("POST", "/uapi/domestic-stock/v1/trading/order-cash", body=b"{}")
ADDRESSES = (
    LIVE, MOCK, "http://127.0.0.1:9", "HTTPS://OPENAPI.KOREAINVESTMENT.COM:9443", "https://openapi.koreainvestment.com",
    "http://openapi.koreainvestment.com:9443", "https://openapi.koreainvestment.com.:9443",
    "https://127.0.0.1@openapi.koreainvestment.com:9443", "https://openapi.koreainvestment.com:9443#@127.0.0.1",
    "https://openapivts.koreainvestment.com:29443@openapi.koreainvestment.com:9443", "https://elsewhere.test",
)  # fmt: skip


@pytest.fixture
def reached(monkeypatch):
    """Every host that anything on this machine tries to look up; none is found."""
    hosts = []

    def lookup(host, *args, **kwargs):
        hosts.append(str(host).lower().rstrip("."))
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return hosts


def policy(url, environment):
    key = KeyPolicy(app_key="key", app_secret="secret", environment=environment)
    return MarketPolicy(
        rest=RestPolicy(url="https://quotes.test"),
        stream=StreamPolicy(url="ws://stream.test"),
        account=AccountPolicy(url=url, key=key),
    )


class Secrets:
    def __init__(self, number=NUMBER):
        self.number = number

    def get(self, name):
        return Secret(self.number)


def broker_of(kind, url, environment, opt_in, number=NUMBER):
    return accounts.broker(
        kind, policy(url, environment), venue(Market.KRX), sign=Signer(), secrets=Secrets(number), opt_in=opt_in,
        budget=MemoryBudget(), purse="", sendings=MemorySendings(), board=MemoryNotices(),
        days=lambda: always_open(DayPolicy(ends="09:00")), clock=lambda: AT, sleep=lambda seconds: None, dice=lambda: 0.5,
        phase=lambda instrument, at: Phase.REGULAR,
    )  # fmt: skip


def everything(kind, url, environment, opt_in):
    """Make the broker and ask all that it can be asked."""
    broker, order = broker_of(kind, url, environment, opt_in), Bench().order()
    for act in (
        lambda: broker.place(order, AT),
        lambda: broker.find(order, AT),
        lambda: broker.cancel(order, AT),
        lambda: broker.holdings(Market.KRX),
        lambda: broker.affordable("005930", Decimal(1)),
    ):
        with suppress(CoreError):
            act()


COMBINATIONS = list(itertools.product(BrokerKind, ADDRESSES, Environment, ("", "1234567801", "12345678-02", NUMBER)))


@pytest.mark.parametrize("kind", BrokerKind)
@pytest.mark.parametrize("environment", Environment)
def test_a_live_address_is_reached_only_with_both_opt_ins(kind, environment, reached):
    for kind_, url, environment_, opt_in in COMBINATIONS:
        if (kind_, environment_) != (kind, environment):
            continue
        reached.clear()
        with suppress(CoreError):
            everything(kind, url, environment, opt_in)
        both = kind is BrokerKind.LIVE and opt_in.replace("-", "") == "1234567801"
        allowed = both and environment is Environment.REAL
        assert LIVE_HOST not in reached or allowed, (kind, url, environment, opt_in)
        assert set(reached) <= {LIVE_HOST, "openapivts.koreainvestment.com", "127.0.0.1"}


def test_with_both_opt_ins_an_order_does_leave(reached):
    everything(BrokerKind.LIVE, LIVE, Environment.REAL, NUMBER)
    assert set(reached) == {LIVE_HOST}


def test_each_refusal_names_what_is_missing_and_never_the_account():
    for kind, environment, opt_in, words in (
        (BrokerKind.LIVE, Environment.REAL, "", OPT_IN),
        (BrokerKind.LIVE, Environment.REAL, "99999999-01", OPT_IN),
        (BrokerKind.LIVE, Environment.MOCK, NUMBER, "another environment"),
        (BrokerKind.MOCK, Environment.REAL, NUMBER, "another environment"),
        (BrokerKind.PAPER, Environment.REAL, NUMBER, "paper"),
    ):
        with pytest.raises(Misconfigured, match=words) as caught:
            broker_of(kind, LIVE, environment, opt_in)
        assert "12345678" not in str(caught.value)


def test_an_empty_account_number_opens_nothing():
    for number, opt_in in (("", ""), ("-", "-"), ("--", "")):
        with pytest.raises(Misconfigured):
            broker_of(BrokerKind.LIVE, LIVE, Environment.REAL, opt_in, number=number)


def test_a_base_address_that_was_pointed_at_the_live_host_stays_shut_on_mock():
    with pytest.raises(Misconfigured, match="held back"):
        broker_of(BrokerKind.MOCK, LIVE, Environment.MOCK, NUMBER)


def test_a_redirect_to_the_live_host_is_not_followed(monkeypatch):
    """A simulator, or whoever sits at this machine's port, cannot send an order on."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", LIVE + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        gate = Gate(ORDERS.origins[Environment.MOCK])
        wire = OrderWire(url, gate, connect_s=2, read_s=2)
        asked, real = [], socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args: asked.append(host) or real(host, *args))
        assert wire(POST).status == 307
        with pytest.raises(Misconfigured, match="held back"):  # even a session that follows meets the gate
            session(gate).post(url + "/x", data=b"{}", timeout=2)
        assert asked == ["127.0.0.1"] * len(asked)
        wire.close()
    finally:
        server.shutdown()
        server.server_close()


def test_no_proxy_of_the_environment_is_asked(monkeypatch, reached):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.test:8080")
    with pytest.raises(Unreached):
        OrderWire(MOCK, Gate(ORDERS.origins[Environment.MOCK]), connect_s=1, read_s=1)(POST)
    assert reached == ["openapivts.koreainvestment.com"]


@given(st.text(max_size=40))
@example("https://openapi.koreainvestment.com:9443\\@127.0.0.1")
@example("https://127.0.0.1\\@openapi.koreainvestment.com:9443")
@example("https://[::1]@openapi.koreainvestment.com:9443")
def test_whatever_is_written_as_an_address_a_mock_gate_lets_only_mock_and_this_machine_through(text):
    gate = Gate(ORDERS.origins[Environment.MOCK])
    for url in (text, f"https://{text}", f"https://{text}@{LIVE_HOST}:9443"):
        try:
            prepared = requests.Request("POST", url, data=b"{}").prepare()
        except (requests.RequestException, ValueError):
            continue
        try:
            gate.check(prepared.url)
        except Misconfigured:
            continue
        assert requests.adapters.parse_url(prepared.url).host in (
            "127.0.0.1",
            "localhost",
            "[::1]",
            "openapivts.koreainvestment.com",
        )


def test_a_time_out_after_the_request_left_is_an_unknown_outcome():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        wire = OrderWire(f"http://127.0.0.1:{deaf.getsockname()[1]}", Gate(("", "", 0)), connect_s=1, read_s=0.05)
        with pytest.raises(UnknownOutcome) as caught:
            wire(POST)
    assert "ReadTimeout" in str(caught.value)


def test_a_connection_that_is_refused_carried_nothing():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unreached):
        OrderWire(f"http://127.0.0.1:{port}", Gate(("", "", 0)), connect_s=1, read_s=1)(POST)


def test_a_connection_that_is_cut_may_have_carried_an_order():
    listener = socket.create_server(("127.0.0.1", 0))

    def cut():
        peer, _ = listener.accept()
        peer.recv(65_536)
        peer.close()

    threading.Thread(target=cut, daemon=True).start()
    with listener, pytest.raises(UnknownOutcome):
        OrderWire(f"http://127.0.0.1:{listener.getsockname()[1]}", Gate(("", "", 0)), connect_s=1, read_s=2)(POST)


def test_opened_is_the_only_door():
    gate = opened(BrokerKind.MOCK, policy(MOCK, Environment.MOCK).account, ORDERS, Secret(NUMBER), "")
    gate.check(MOCK + "/uapi")
    with pytest.raises(Misconfigured):
        gate.check(LIVE + "/uapi")
