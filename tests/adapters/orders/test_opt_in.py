"""E9: which broker settings make, market by market; each contradiction named with its key."""

import pytest

from core.adapters.paper import PaperBroker
from core.adapters.secrets import EnvSecrets
from core.adapters.venue_broker import VenueBroker
from core.adapters.wiring import Wiring
from core.domain.errors import Misconfigured
from core.domain.values import Market
from core.settings import BrokerKind, Faulty, parse
from tests.adapters.orders.scripted import NUMBER
from tests.adapters.test_wiring import ENV

KRX = """
markets:
  krx:
    rest: {url: "https://openapi.koreainvestment.com:9443"}
    stream: {url: "ws://ops.koreainvestment.com:21000/tryitout"}
    keys: [{app_key: kis_app_key, app_secret: kis_app_secret, environment: real}]
"""
UPBIT = """
  upbit:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
"""
MOCK_URL, LIVE_URL = "https://openapivts.koreainvestment.com:29443", "https://openapi.koreainvestment.com:9443"
MOCK = f'    account: {{url: "{MOCK_URL}"}}\n'
LIVE = f'    account: {{url: "{LIVE_URL}", key: {{app_key: kis_app_key, app_secret: kis_app_secret, environment: real}}}}\n'


def faults_of(text):
    with pytest.raises(Faulty) as caught:
        parse(text, {})
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("broker: mock" + KRX, "broker: found 'mock' and no account; allowed: paper, or an `account` on a market that is enabled"),
        ("broker: live" + KRX + MOCK, "markets.krx.account.key.environment: found mock; allowed: real, because broker is live"),
        ("broker: mock" + KRX + LIVE, "markets.krx.account.key.environment: found real; allowed: mock, because broker is mock"),
        (
            "broker: mock" + KRX + f'    account: {{url: "{LIVE_URL}"}}\n',
            f"markets.krx.account.url: found {LIVE_URL}; allowed: {MOCK_URL}, or this machine for a simulator",
        ),
        ("broker: real" + KRX + MOCK, "broker: found 'real'; allowed: paper or mock or live"),
        (
            "broker: paper" + KRX + f"{UPBIT}    account: {{url: 'https://api.upbit.com', key: {{environment: mock}}}}\n",
            "markets.upbit.account.key.environment: found mock; allowed: real, because upbit has no test environment",
        ),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_a_fault_with_its_key(text, fault):
    assert faults_of(text) == [fault]


def test_a_simulator_of_this_machine_may_stand_in_for_either_environment():
    for kind, account in (("mock", MOCK), ("live", LIVE)):
        text = (
            f"broker: {kind}"
            + KRX
            + account.replace(MOCK_URL, "http://127.0.0.1:1").replace(LIVE_URL, "http://localhost:1")
        )
        assert parse(text, {}).broker is BrokerKind(kind)


class Kept(Wiring):
    """The wiring with settings and secrets of a test's own."""

    def __init__(self, text, env, secrets):
        super().__init__({**ENV, **env})
        self.__dict__["settings"] = parse(text, {})
        self.__dict__["secrets"] = EnvSecrets({f"HOGA_SECRET_{name.upper()}": value for name, value in secrets.items()})


SECRETS = {
    "kis_account": NUMBER,
    "kis_app_key": "k",
    "kis_app_secret": "s",
    "kis_mock_app_key": "m",
    "kis_mock_app_secret": "t",
}


def test_each_market_has_the_broker_that_settings_give_it():
    paper = Kept("broker: paper" + KRX + MOCK + UPBIT, {}, SECRETS)
    assert isinstance(paper.broker(Market.KRX), PaperBroker)

    mock = Kept("broker: mock" + KRX + MOCK + UPBIT, {}, SECRETS)
    assert isinstance(mock.broker(Market.KRX), VenueBroker)
    assert isinstance(mock.broker(Market.UPBIT), PaperBroker)
    assert mock.broker(Market.KRX) is mock.broker(Market.KRX)


@pytest.mark.parametrize("opt_in", ["", "12345678", "12345678-02", "yes"])
def test_live_without_the_second_opt_in_makes_no_broker(opt_in):
    wiring = Kept("broker: live" + KRX + LIVE, {"HOGA_LIVE_ACCOUNT": opt_in}, SECRETS)
    with pytest.raises(Misconfigured, match="HOGA_LIVE_ACCOUNT") as caught:
        wiring.broker(Market.KRX)
    assert NUMBER[:8] not in str(caught.value)


def test_the_second_opt_in_alone_opens_nothing():
    wiring = Kept("broker: paper" + KRX + LIVE, {"HOGA_LIVE_ACCOUNT": NUMBER}, SECRETS)
    assert isinstance(wiring.broker(Market.KRX), PaperBroker)


def test_with_both_opt_ins_there_is_a_live_broker():
    wiring = Kept("broker: live" + KRX + LIVE, {"HOGA_LIVE_ACCOUNT": "1234567801"}, SECRETS)
    assert isinstance(wiring.broker(Market.KRX), VenueBroker)
