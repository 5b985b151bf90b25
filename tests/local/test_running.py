"""What a local run is given: settings of its feed, on paper, and the keys where functions read them (I3, E9)."""

from pathlib import Path

import pytest

from core.domain.values import Market, Millis
from core.local.running import keep_secrets, pointed
from core.local.system import Feed, Plan
from core.local.template import ROOT
from core.settings import BrokerKind, load

OWN = load(ROOT / "settings.yaml", {})
HOST = {
    "HOGA_SECRET_KIS_APP_KEY": "key", "HOGA_SECRET_KIS_APP_SECRET": "secret", "HOGA_SECRET_TELEGRAM_TOKEN": "token",
    "HOGA_SECRET_OTHER": "x",
}  # fmt: skip


class Store:
    def __init__(self):
        self.kept = {}

    def secret(self, name, value):
        self.kept[name] = value


def plan(feed):
    return Plan(
        settings=OWN, feed=feed, base=Path(), pid=1, host=HOST, clock=lambda: Millis(0), seed=1, pace=1.0
    )  # fmt: skip


@pytest.mark.parametrize("feed", [Feed.UPBIT, Feed.KRX, Feed.BINANCE])
def test_a_real_feed_is_one_market_on_paper(feed):
    found = pointed(plan(feed), None)

    assert found.enabled == [Market(feed.value)]
    assert found.broker is BrokerKind.PAPER
    assert found.markets[Market(feed.value)].rest == OWN.markets[Market(feed.value)].rest


def test_keys_of_the_environment_are_kept_under_the_names_that_settings_give_them():
    store = Store()

    keep_secrets(plan(Feed.KRX), store, pointed(plan(Feed.KRX), None), None)

    assert store.kept == {"kis_app_key": "key", "kis_app_secret": "secret", "telegram_token": "token"}


def test_a_market_without_app_keys_is_given_none():
    store = Store()

    keep_secrets(plan(Feed.UPBIT), store, pointed(plan(Feed.UPBIT), None), None)

    assert store.kept == {"telegram_token": "token"}
