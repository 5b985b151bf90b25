"""The composition root: everything is made once, from the environment it is given, and a missing piece has a name."""

from decimal import Decimal
from pathlib import Path

import pytest
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.access import access
from core.adapters.channels import notifiers
from core.adapters.discord import DiscordNotifier
from core.adapters.logchannel import LogNotifier
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.passes import LONGEST_S, SqsPasses
from core.adapters.recent import KEPT_MS
from core.adapters.secrets import EnvSecrets
from core.adapters.telegram import TelegramNotifier
from core.adapters.wiring import ROOT, Wiring, wired
from core.app import ports
from core.domain.errors import Misconfigured, Refused, Transient
from core.domain.events import Specification
from core.domain.levels import SafeSet
from core.domain.policies import NotifyPolicy
from core.domain.specifications import Specifications
from core.domain.values import Market, Millis

ENV = {
    "HOGA_STAGE": "dev",
    "HOGA_SETTINGS": "settings.yaml",
    "HOGA_LOCKS_TABLE": "locks",
    "HOGA_LEDGER_TABLE": "ledger",
    "HOGA_STATE_TABLE": "state",
    "HOGA_PAPER_TABLE": "paper",
    "HOGA_SIGNALS_QUEUE": "http://127.0.0.1:1/signals.fifo",
    "HOGA_ALERTS_QUEUE": "http://127.0.0.1:1/alerts",
    "HOGA_PASSES_QUEUE": "http://127.0.0.1:1/passes",
    "HOGA_SIGNALS_DEAD": "http://127.0.0.1:1/signals-dead.fifo",
    "HOGA_ALERTS_DEAD": "http://127.0.0.1:1/alerts-dead",
    "HOGA_JOBS_DEAD": "http://127.0.0.1:1/jobs-dead",
    "HOGA_BUS": "hoga",
    "AWS_REGION": "ap-northeast-2",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


@pytest.fixture
def wiring():
    return Wiring(ENV)


PARTS = (
    "settings", "shelf", "leases", "ledger", "cooldowns", "budget", "signals", "alerts", "passes", "news", "notifiers",
    "lock_client", "dead_letters",
)  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_made_once(wiring, part):
    assert getattr(wiring, part) is getattr(wiring, part)


def test_clients_and_quotes_are_made_once_for_each_service_and_market(wiring):
    assert wiring.client("sqs") is wiring.client("sqs")
    assert wiring.client("sqs") is not wiring.client("ssm")
    assert wiring.quotes(Market.UPBIT) is wiring.quotes(Market.UPBIT)


def test_rules_of_a_market_ask_what_its_listing_said_of_each_symbol():
    """E3."""
    wiring = Wiring({**ENV, "HOGA__MARKETS__BINANCE__ENABLED": "true"})
    wiring.shelf = MemoryShelf(wiring.clock)
    own = Specification(tick=Decimal("0.1"), lot=Decimal("0.01"), minimum=Decimal(5), maximum=Decimal("Infinity"))
    wiring.shelf.write(Specifications(market=Market.BINANCE, at=Millis(1), rows={"BTCUSDT": own}))

    desk = wiring.desk(Market.BINANCE, "worker/1", Millis(21_000))

    assert desk.rules is wiring.rules(Market.BINANCE)
    assert (desk.rules.lot("BTCUSDT"), desk.rules.minimum("BTCUSDT")) == (Decimal("0.01"), 5)
    with pytest.raises(Refused, match="No listing"):
        desk.rules.lot("NEWUSDT")


def test_the_lock_client_never_repeats_a_request_behind_our_back(wiring):
    """A retry that we do not see is a write whose reply was lost unnoticed (reference/aws.md 1.3)."""
    assert wiring.lock_client.meta.config.retries["total_max_attempts"] == 1
    assert wiring.client("dynamodb").meta.config.retries["total_max_attempts"] == 3


def test_parts_fit_the_ports_they_are_given_for(wiring):
    lookout = wiring.lookout(Market.UPBIT)
    desk = wiring.desk(Market.UPBIT, "worker/1", Millis(21_000))

    assert (lookout.market, desk.owner, desk.deadline_ms) == (Market.UPBIT, "worker/1", 21_000)
    assert desk.policy is lookout.policy is wiring.settings.markets[Market.UPBIT]
    assert desk.nonce() != desk.nonce()
    assert desk.monotonic_s() <= desk.monotonic_s()
    for port, part in {ports.Shelf: desk.shelf, ports.Leases: desk.leases, ports.Ledger: desk.ledger}.items():
        assert [name for name in vars(port) if not name.startswith("_") and not hasattr(part, name)] == []


@pytest.mark.parametrize("variable", sorted(name for name in ENV if name.startswith("HOGA_")))
def test_a_missing_variable_is_named(variable):
    wiring = Wiring({**ENV, variable: ""})

    def build_everything():
        parts = (
            "settings",
            "shelf",
            "leases",
            "ledger",
            "signals",
            "alerts",
            "passes",
            "news",
            "notifiers",
            "dead_letters",
        )
        return [getattr(wiring, part) for part in parts], wiring.broker(Market.UPBIT)

    with pytest.raises(Misconfigured, match=variable):
        build_everything()


def test_settings_beside_the_package_are_found_from_anywhere(wiring, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert (ROOT / "settings.yaml").exists()
    assert wiring.settings.enabled == [Market.UPBIT]


def test_the_environment_overrides_the_file():
    wiring = Wiring({**ENV, "HOGA__MARKETS__UPBIT__SCAN__INTERVAL_S": "7"})

    assert wiring.policy(Market.UPBIT).scan.interval_s == 7.0


def test_a_market_that_is_switched_off_is_not_served():
    wiring = Wiring({**ENV, "HOGA__MARKETS__UPBIT__ENABLED": "false", "HOGA__MARKETS__KRX__ENABLED": "true"})

    with pytest.raises(Misconfigured, match="not enabled"):
        wiring.lookout(Market.UPBIT)


def test_clients_go_where_the_environment_says():
    wiring = Wiring({**ENV, "AWS_ENDPOINT_URL": "http://127.0.0.1:4599"})

    assert wiring.client("sqs").meta.endpoint_url == "http://127.0.0.1:4599"
    assert wiring.lock_client.meta.endpoint_url == "http://127.0.0.1:4599"
    assert wiring.shelf._row.Meta.host == "http://127.0.0.1:4599"


def test_what_the_environment_does_not_say_is_left_to_boto3():
    assert access({}) == {}
    assert access({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}) == {"region_name": "a"}


def test_the_process_has_one_wiring_of_its_own_environment(monkeypatch):
    monkeypatch.setenv("HOGA_STAGE", "mine")
    wired.cache_clear()

    assert wired() is wired()
    assert wired().named("HOGA_STAGE") == "mine"
    wired.cache_clear()


# ---- names and prices for a desk --------------------------------------------------------------------------------


class Rows:
    """A shelf with one safe set that counts how often it is read; quotes that know one price."""

    def __init__(self, names):
        self.names, self.reads = names, 0

    def read(self, kind, market):
        self.reads += 1
        return None if self.names is None else SafeSet(market=market, at=1, safe=(), excluded=(), names=self.names)


def test_names_are_read_once_and_a_symbol_without_one_has_none(wiring):
    wiring.shelf = Rows({"KRW-A": "Alpha"})
    desk = wiring.desk(Market.UPBIT, "me", Millis(1))

    assert [desk.name("KRW-A"), desk.name("KRW-B"), desk.name("KRW-A")] == ["Alpha", "", "Alpha"]
    assert wiring.shelf.reads == 1


def test_before_the_first_listing_nothing_has_a_name_and_seconds_later_it_is_looked_for_again(wiring):
    """That a level is not there is kept as long as a level (E1): a trade must not ask for it at every step."""
    at = [Millis(1_000)]
    wiring.clock = lambda: at[0]
    wiring.shelf = Rows(None)
    desk = wiring.desk(Market.UPBIT, "me", Millis(1))

    assert desk.name("KRW-A") == ""
    wiring.shelf.names = {"KRW-A": "Alpha"}
    at[0] = Millis(1_000 + KEPT_MS)
    assert desk.name("KRW-A") == "Alpha"


def test_the_last_price_is_asked_of_the_venue(wiring):
    class Prices:
        def tickers(self, symbols, quote):
            return [type("Row", (), {"price": 7.0})] if (symbols, quote) == (["KRW-A"], "KRW") else []

    wiring._quick[Market.UPBIT] = Prices()
    desk = wiring.desk(Market.UPBIT, "me", Millis(1))

    assert (desk.last_price("KRW-A"), desk.last_price("KRW-GONE")) == (7.0, None)


# ---- channels, pictures, passes ---------------------------------------------------------------------------------


def test_each_channel_of_the_settings_gets_its_notifier():
    made = notifiers(NotifyPolicy(channels=("log", "telegram", "discord")), "en", EnvSecrets({}))

    assert [type(made[name]) for name in ("log", "telegram", "discord")] == [
        LogNotifier,
        TelegramNotifier,
        DiscordNotifier,
    ]


def test_a_channel_that_does_not_exist_is_refused():
    with pytest.raises(Misconfigured, match="smoke"):
        notifiers(NotifyPolicy(channels=("smoke",)), "en", EnvSecrets({}))


def test_charts_can_be_switched_off(wiring):
    from core.adapters.pictures import picture

    assert wiring.picture is picture
    assert Wiring({**ENV, "HOGA__NOTIFY__CHARTS": "false"}).picture(None) is None


def test_a_second_pass_is_a_delayed_message_of_at_most_what_the_queue_allows():
    with mock_aws():
        import boto3

        sqs = boto3.client("sqs", region_name="ap-northeast-2", aws_access_key_id="a", aws_secret_access_key="b")
        url = sqs.create_queue(QueueName="passes")["QueueUrl"]
        sent = []
        send = sqs.send_message
        sqs.send_message = lambda **message: [sent.append(message), send(**message)][1]

        SqsPasses(url, sqs).ask(Market.UPBIT, 30.0, Millis(5))
        SqsPasses(url, sqs).ask(Market.UPBIT, 10_000.0, Millis(5))

        assert [message["DelaySeconds"] for message in sent] == [30, LONGEST_S]
        assert sent[0]["MessageBody"] == '{"market":"upbit","asked":5}'
        with pytest.raises(Transient, match="second pass"):
            SqsPasses(url + "x", sqs).ask(Market.UPBIT, 30.0, Millis(5))


def test_the_template_names_every_variable_that_the_wiring_reads():
    text = (Path(ROOT) / "template.yaml").read_text()

    assert [name for name in ENV if name.startswith("HOGA_") and f"{name}:" not in text] == []


# ---- keyed markets ------------------------------------------------------------------------------------------------

KEYED = {
    **ENV,
    "HOGA__MARKETS__KRX__ENABLED": "true",
    "HOGA__MARKETS__KRX__REST": "{url: 'http://127.0.0.1:9'}",
    "HOGA__MARKETS__KRX__STREAM": "{url: 'ws://127.0.0.1:9'}",
    "HOGA__MARKETS__KRX__KEYS": "[{app_key: one, app_secret: two}]",
    "HOGA__MARKETS__KRX__ACCOUNT": "{url: 'http://127.0.0.1:9'}",
}


def test_a_keyed_market_signs_its_quotes_with_its_first_key_and_everybody_shares_its_ring():
    """E12."""
    wiring = Wiring(KEYED)

    keys = wiring.credentials(Market.KRX)
    quotes = wiring.quotes(Market.KRX)

    assert wiring.credentials(Market.KRX) is keys
    assert quotes._paced._signer is keys["one"]
    assert keys["kis_mock_app_key"] is not keys["one"]
    assert wiring.quotes(Market.UPBIT)._paced._signer is None


def test_a_keyed_market_without_a_key_is_not_served(monkeypatch):
    wiring = Wiring(KEYED)
    monkeypatch.setattr(wiring, "policy", lambda market: replace(wiring.settings.markets[market], keys=()))

    with pytest.raises(Misconfigured, match="`keys` names none"):
        wiring.quotes(Market.KRX)


def test_the_last_price_of_a_halted_stock_is_none(wiring):
    class Halted:
        def tickers(self, symbols, quote):
            return [type("Row", (), {"price": 0.0})]

    wiring._quick[Market.UPBIT] = Halted()

    assert wiring.desk(Market.UPBIT, "me", Millis(1)).last_price("KRW-A") is None
