"""E9 for the venues of coins: accounts by the names of their secrets, markets opened one by one, no test environment."""

import pytest

from core.adapters.account_key import AccountKey
from core.adapters.keyring import AppKey
from core.adapters.paper import PaperBroker
from core.adapters.venue_broker import VenueBroker
from core.domain.errors import Misconfigured
from core.domain.policies import Environment
from core.domain.values import Market
from core.settings import parse
from tests.adapters.orders.test_opt_in import KRX, LIVE, SECRETS, Kept, faults_of

UPBIT = """
  upbit:
    rest: {url: "https://api.upbit.com"}
    stream: {url: "wss://api.upbit.com/websocket/v1"}
    account: {url: "https://api.upbit.com"%s}
"""
BINANCE = """
  binance:
    rest: {url: "https://api.binance.com"}
    stream: {url: "wss://stream.binance.com:9443/stream"}
    universe: {quote: USDT}
    account: {url: "%s", key: {environment: %s}}
"""
TEST, REAL = ("https://testnet.binance.vision", "mock"), ("https://api.binance.com", "real")
COINS = {
    "upbit_access_key": "ua", "upbit_secret_key": "us", "binance_api_key": "ba", "binance_api_secret": "bs",
    "binance_test_api_key": "ta", "binance_test_api_secret": "ts",
}  # fmt: skip
BOTH = "markets:" + UPBIT % "" + BINANCE % REAL


def test_an_account_of_coins_needs_no_names_of_secrets_unless_they_are_others():
    markets = parse("broker: live\n" + BOTH, {}).markets
    upbit, binance = markets[Market.UPBIT].account, markets[Market.BINANCE].account
    assert (upbit.key.app_key, upbit.key.app_secret, upbit.number) == (
        "upbit_access_key",
        "upbit_secret_key",
        "upbit_access_key",
    )
    assert (binance.key.app_key, binance.key.environment) == ("binance_api_key", Environment.REAL)

    tested = parse("broker: mock\nmarkets:" + BINANCE % TEST, {}).markets[Market.BINANCE].account
    assert (tested.key.app_key, tested.number) == ("binance_test_api_key", "binance_test_api_key")

    own = parse("broker: live\nmarkets:" + UPBIT % ", key: {app_key: upbit_second}, number: upbit_second", {})
    key = own.markets[Market.UPBIT].account.key
    assert (key.app_key, key.app_secret) == ("upbit_second", "upbit_secret_key")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "broker: mock\nmarkets:" + UPBIT % "",
            "markets.upbit.account: found an account while broker is mock; allowed: none, because upbit has no test "
            "environment: without it its orders go to paper; or broker paper or live",
        ),
        (
            "broker: live\nmarkets:" + UPBIT % ", key: {environment: mock}",
            "markets.upbit.account.key.environment: found mock; allowed: real, because upbit has no test environment",
        ),
        (
            "broker: live\nmarkets:" + UPBIT % ", key: {algorithm: HS1}",
            "markets.upbit.account.key.algorithm: found 'HS1'; allowed: HS512 or HS256",
        ),
        (
            "broker: mock\nmarkets:" + BINANCE % (REAL[0], "mock"),
            "markets.binance.account.url: found https://api.binance.com; allowed: https://testnet.binance.vision:443, "
            "or this machine for a simulator",
        ),
        (
            "broker: mock\nmarkets:" + BINANCE % REAL,
            "markets.binance.account.key.environment: found real; allowed: mock, because broker is mock",
        ),
        ("broker: live\nmarkets:\n  upbit: {rest: {url: 'https://a.test'}, stream: {url: 'ws://b.test'}, account: 7}",
         "markets.upbit.account: found 7; allowed: object | null, got int"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_a_fault_with_its_key(text, fault):
    assert fault in faults_of(text)


@pytest.mark.parametrize(
    ("opt_in", "opened"),
    [
        ("", set()),
        ("ua", set()),
        ("upbit=ua", {Market.UPBIT}),
        ("binance=ba", {Market.BINANCE}),
        ("upbit=ba,binance=ua", set()),
        ("upbit=ua, binance=ba", {Market.UPBIT, Market.BINANCE}),
        ("12345678-01", {Market.KRX}),
        ("krx=1234567801,upbit=ua", {Market.KRX, Market.UPBIT}),
    ],
)
def test_each_market_is_opened_by_its_own_account_and_by_no_other(opt_in, opened):
    text = "broker: live" + KRX + LIVE + UPBIT % "" + BINANCE % REAL
    wiring = Kept(text, {"HOGA_LIVE_ACCOUNT": opt_in}, {**SECRETS, **COINS})
    found = set()
    for market in (Market.KRX, Market.UPBIT, Market.BINANCE):
        try:
            assert isinstance(wiring.broker(market), VenueBroker)
            found.add(market)
        except Misconfigured as shut:
            assert f"{market.value}=ACCOUNT" in str(shut)  # noqa: PT017 - the text is what is held here
    assert found == opened


def test_the_testnet_needs_no_second_opt_in_and_paper_none_at_all():
    tested = Kept("broker: mock\nmarkets:" + BINANCE % TEST, {}, COINS)
    assert isinstance(tested.broker(Market.BINANCE), VenueBroker)
    paper = Kept("broker: paper\n" + BOTH, {"HOGA_LIVE_ACCOUNT": "upbit=ua,binance=ba"}, COINS)
    assert isinstance(paper.broker(Market.UPBIT), PaperBroker)


def test_an_app_key_signs_for_an_account_of_shares_and_an_access_key_for_one_of_coins():
    text = "broker: live" + KRX + LIVE + UPBIT % ""
    wiring = Kept(text, {"HOGA_LIVE_ACCOUNT": "krx=1234567801,upbit=ua"}, {**SECRETS, **COINS})
    assert isinstance(wiring.broker(Market.UPBIT)._line._sign, AccountKey)
    assert isinstance(wiring.broker(Market.KRX)._line._sign, AppKey)
    assert wiring.notices(Market.UPBIT) is None  # it is asked by our own ids
    assert wiring.notices(Market.KRX) is not None
