"""The settings of a system on one machine are valid settings, and only differ where they must."""

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Misconfigured
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, WhenHeld
from core.domain.sessions import ends_at
from core.domain.values import Market, Millis
from core.local.day import Exchange, Urls, alone, clock_of, hours_of, on_paper, on_simulators, pressed, written
from core.local.template import ROOT
from core.settings import BrokerKind, load, parse
from core.venues.spec import venue

NAMES = KeyPolicy(app_key="kis_app_key", app_secret="kis_app_secret", environment=Environment.REAL)
URLS = Urls(
    markets={
        Market.UPBIT: Exchange(
            rest_url="http://127.0.0.1:1",
            stream_url="ws://127.0.0.1:1/websocket/v1",
            control_url="http://127.0.0.1:1/_sim",
        ),
        Market.KRX: Exchange(
            rest_url="http://127.0.0.1:3",
            stream_url="ws://127.0.0.1:3/tryitout",
            control_url="http://127.0.0.1:3/_sim",
            day_url="http://127.0.0.1:3/_sim/day",
            codes=("005930", "000660"),
            keys=(NAMES,),
            secrets={"kis_app_key": "app-key-of-nobody", "kis_app_secret": "app-secret-of-nobody"},
        ),
    },
    telegram_url="http://127.0.0.1:2",
    telegram_token="1:token",
    discord_url="http://127.0.0.1:2/api/webhooks/1/key",
    chat_control_url="http://127.0.0.1:2/_sim",
)
AT = Millis(1_700_000_000_000)
OWN = load(ROOT / "settings.yaml", {})


def test_the_written_settings_read_back_as_the_same_settings():
    assert parse(written(OWN), {}) == OWN


@settings(deadline=None, max_examples=30)  # writing and reading a whole file takes long on a busy machine
@given(st.integers(1_700_000_000, 1_900_000_000))
def test_a_pressed_day_is_a_valid_settings_file_that_ends_when_it_should(second):
    ends = Millis(second * 1000)

    demo = pressed(on_simulators(OWN, URLS), Millis(ends - 60_000), ends)

    assert parse(written(demo), {}) == demo
    assert ends_at(Millis(ends - 60_000), demo.markets[Market.UPBIT].day) == ends


@given(st.integers(1_700_000_000, 1_900_000_000), st.integers(30, 3600))
def test_a_pressed_day_of_a_market_with_hours_opens_and_closes_when_it_should(second, length):
    """Whatever the date: weekends, holidays, midnight."""
    begins, ends = Millis(second * 1000), Millis((second + length) * 1000)
    policy = pressed(on_simulators(OWN, URLS), begins, ends).markets[Market.KRX]

    days = venue(Market.KRX).rules.calendar(policy.day)

    assert days.is_open(begins)
    assert not days.is_open(Millis(begins - 1))
    assert days.closes(begins) == ends
    assert not days.is_open(ends)
    assert days.day_of(Millis(ends - 1)) == days.day_of(begins)
    assert days.flat


def test_every_simulated_market_takes_part_and_none_of_its_orders_leaves():
    """E9: whatever the owner's settings say, a demo and a local run are on paper."""
    account = AccountPolicy(url="https://openapi.koreainvestment.com:9443")
    live = msgspec.structs.replace(
        OWN,
        broker=BrokerKind.LIVE,
        markets={m: msgspec.structs.replace(p, account=account) for m, p in OWN.markets.items()},
    )

    for found in (on_simulators(live, URLS), on_paper(live)):
        assert found.broker is BrokerKind.PAPER
        assert {policy.account for policy in found.markets.values()} == {None}
    assert on_simulators(live, URLS).enabled == [Market.UPBIT, Market.KRX]


def test_one_market_alone_is_switched_on_and_one_that_is_not_there_is_named():
    only = alone(OWN, Market.KRX)

    assert only.enabled == [Market.KRX]
    with pytest.raises(Misconfigured, match="upbit"):
        alone(only, Market.UPBIT)


def test_hours_after_midnight_count_on():
    assert hours_of(Millis(14 * 3_600_000), Millis(16 * 3_600_000)) == "23:00:00-25:00:00"


def test_no_address_of_the_real_world_is_left_on_the_simulators():
    text = written(on_simulators(OWN, URLS))

    assert "upbit.com" not in text
    assert "telegram.org" not in text
    assert "koreainvestment" not in text


def test_no_key_is_written_into_the_settings():
    assert URLS.telegram_token not in written(on_simulators(OWN, URLS))
    assert URLS.discord_url not in written(on_simulators(OWN, URLS))
    assert "of-nobody" not in written(on_simulators(OWN, URLS))


def test_a_pressed_day_keeps_the_owners_money_and_limits():
    before, after = OWN.markets[Market.UPBIT], pressed(OWN, AT, Millis(AT + 60_000)).markets[Market.UPBIT]

    assert (after.workers, after.risk, after.universe) == (before.workers, before.risk, before.universe)
    assert after.day.liquidate
    assert after.safety.when_held is WhenHeld.LIQUIDATE


@given(st.integers(0, 2_000_000_000_000))
def test_the_clock_shows_the_time_of_day_in_korea(at):
    korea = datetime.fromtimestamp(at / 1000, timezone(timedelta(hours=9)))

    assert clock_of(Millis(at)) == korea.strftime("%H:%M:%S")


def test_the_line_of_the_simulators_reads_as_their_addresses():
    assert msgspec.json.decode(msgspec.json.encode(URLS), type=Urls) == URLS
