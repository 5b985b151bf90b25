"""The settings of a system on one machine are valid settings, and only differ where they must."""

from datetime import datetime, timedelta, timezone

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.domain.policies import WhenHeld
from core.domain.sessions import ends_at
from core.domain.values import Market, Millis
from core.local.day import Urls, clock_of, on_simulators, pressed, written
from core.local.template import ROOT
from core.settings import load, parse

URLS = Urls(
    rest_url="http://127.0.0.1:1",
    stream_url="ws://127.0.0.1:1/websocket/v1",
    upbit_control_url="http://127.0.0.1:1/_sim",
    telegram_url="http://127.0.0.1:2",
    telegram_token="1:token",
    discord_url="http://127.0.0.1:2/api/webhooks/1/key",
    chat_control_url="http://127.0.0.1:2/_sim",
)
OWN = load(ROOT / "settings.yaml", {})


def test_the_written_settings_read_back_as_the_same_settings():
    assert parse(written(OWN), {}) == OWN


@given(st.integers(1_700_000_000, 1_900_000_000))
def test_a_pressed_day_is_a_valid_settings_file_that_ends_when_it_should(second):
    ends = Millis(second * 1000)

    demo = pressed(on_simulators(OWN, URLS), ends)

    assert parse(written(demo), {}) == demo
    assert ends_at(Millis(ends - 60_000), demo.markets[Market.UPBIT].day) == ends


def test_no_address_of_the_real_world_is_left_on_the_simulators():
    text = written(on_simulators(OWN, URLS))

    assert "upbit.com" not in text
    assert "telegram.org" not in text


def test_no_key_is_written_into_the_settings():
    assert URLS.telegram_token not in written(on_simulators(OWN, URLS))
    assert URLS.discord_url not in written(on_simulators(OWN, URLS))


def test_a_pressed_day_keeps_the_owners_money_and_limits():
    before, after = OWN.markets[Market.UPBIT], pressed(OWN, Millis(1_700_000_000_000)).markets[Market.UPBIT]

    assert (after.workers, after.risk, after.universe) == (before.workers, before.risk, before.universe)
    assert after.day.liquidate
    assert after.safety.when_held is WhenHeld.LIQUIDATE


@given(st.integers(0, 2_000_000_000_000))
def test_the_clock_shows_the_time_of_day_in_korea(at):
    korea = datetime.fromtimestamp(at / 1000, timezone(timedelta(hours=9)))

    assert clock_of(Millis(at)) == korea.strftime("%H:%M:%S")


def test_the_line_of_the_simulators_reads_as_their_addresses():
    assert msgspec.json.decode(msgspec.json.encode(URLS), type=Urls) == URLS
