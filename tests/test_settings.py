"""I6, I7: one YAML file, overridable by environment, every fault reported at once."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.errors import Misconfigured
from core.domain.values import Market
from core.settings import Faulty, Mode, load, parse

ROOT = Path(__file__).parents[1]
LEAST = """
markets:
  upbit:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
"""


def faults_of(text, env=None):
    with pytest.raises(Faulty) as caught:
        parse(text, env or {})
    return [str(fault) for fault in caught.value.faults]


def test_the_shipped_file_has_no_fault():
    settings = load(ROOT / "settings.yaml", {})
    assert settings.enabled == [Market.UPBIT]
    assert settings.broker == "paper"


def test_five_faults_give_five_messages_with_key_value_and_what_is_allowed():
    text = """
mode: C
markets:
  upbit:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
    watch: {max_ws_subs: 0, colour: red}
    workers: {capital: -5}
notify: {channels: [pigeon]}
"""
    assert faults_of(text) == [
        "mode: found 'C'; allowed: A or B",
        "markets.upbit.watch.colour: found a key that is not known; allowed: keys here are max_ws_subs, subscribe_cooldown_s, min_stay_s, churn_per_min, slack, refresh_s, weights",
        "markets.upbit.watch.max_ws_subs: found 0; allowed: int >= 1",
        "markets.upbit.workers.capital: found -5; allowed: an amount of money above 0",
        "notify.channels: found ['pigeon']; allowed: log or telegram or discord",
    ]


def test_an_environment_variable_beats_the_file_and_is_named_in_its_fault():
    good = parse(LEAST, {"HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS": "33", "HOGA__MODE": "B"})
    assert good.markets[Market.UPBIT].watch.max_ws_subs == 33
    assert good.mode is Mode.B

    bad = faults_of(LEAST, {"HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS": "many"})
    assert bad == [
        "markets.upbit.watch.max_ws_subs (set by HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS): found 'many'; allowed: int, got str"
    ]


def test_an_environment_variable_that_is_not_yaml_or_names_no_section_is_a_fault():
    assert "a YAML value" in faults_of(LEAST, {"HOGA__MODE": "[1"})[0]
    assert "a name that follows" in faults_of(LEAST + "mode: A\n", {"HOGA__MODE__DEEPER": "1"})[0]


def test_a_misspelt_key_is_answered_with_the_nearest_one():
    assert "did you mean max_ws_subs?" in faults_of(LEAST + "    watch: {max_ws_sub: 3}\n")[0]


def test_modes_are_presets_that_the_file_may_overrule():
    """I7"""
    quiet, keen = parse(LEAST, {}), parse("mode: B\n" + LEAST + "    watch: {max_ws_subs: 35}\n", {})
    assert (quiet.markets[Market.UPBIT].scan.interval_s, quiet.markets[Market.UPBIT].watch.max_ws_subs) == (60, 20)
    assert (keen.markets[Market.UPBIT].scan.second_pass_s, keen.markets[Market.UPBIT].watch.max_ws_subs) == (30, 35)
    assert [rule.name for rule in keen.markets[Market.UPBIT].rules] == ["breakout", "fall"]


def test_money_is_read_exactly():
    text = LEAST + '    risk: {daily_loss: "0.1", per_symbol: 12345678901234567890}\n    workers: {capital: 1.5}\n'
    exact = faults_of(text)
    assert exact == [
        "markets.upbit.risk.per_symbol: found 12345678901234567890; allowed: at most risk.total_exposure, 4000000"
    ]
    assert parse(LEAST + '    risk: {daily_loss: "0.1"}\n', {}).markets[Market.UPBIT].risk.daily_loss == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "is not a mapping of keys"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_file_that_is_no_settings_file_is_named_in_one_sentence(text, message):
    with pytest.raises(Misconfigured, match=message):
        parse(text, {})


def test_a_missing_file_says_so_and_what_to_do(tmp_path):
    with pytest.raises(Misconfigured, match="hoga check"):
        load(tmp_path / "none.yaml", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "markets: found nothing; allowed: it must be given"),
        ("markets: {}\n", "markets: found no market; allowed: one or more of upbit"),
        ("markets: {mars: {}}\n", "markets.mars: found a key that is not known"),
        ("markets: {upbit: 3}\n", "markets.upbit: found 3; allowed: keys: enabled, rest"),
        (
            LEAST + "    scan: {interval_s: 60, max_interval_s: 5}\n",
            "markets.upbit.scan.max_interval_s: found 5.0; allowed: at least",
        ),
        (
            LEAST + "    rules: [{name: a, kind: fall}, {name: a, kind: fall}]\n",
            "markets.upbit.rules: found 2 rules named a",
        ),
        (LEAST + "    rules: [{name: a, kind: all, all_of: [b]}]\n", "markets.upbit.rules[0].all_of: found 'b'"),
        (LEAST + "    rules: [{name: a, kind: guess}]\n", "markets.upbit.rules: found"),
        (LEAST + "    day: {ends: '25:00'}\n", "markets.upbit.day.ends: found '25:00'"),
        (LEAST + "notify: {channels: [telegram]}\n", "notify.telegram.chat: found nothing"),
    ],
)
def test_each_kind_of_fault_has_its_sentence(text, expected):
    assert any(fault.startswith(expected) for fault in faults_of(text)), faults_of(text)


def test_a_list_of_symbols_is_read_beside_the_settings_file(tmp_path):
    """A5."""
    (tmp_path / "mine.csv").write_text("005930,삼성전자,KOSPI\n0126Z0\n", encoding="utf-8")
    (tmp_path / "settings.yaml").write_text(LEAST + "    universe: {file: mine.csv}\n")
    universe = load(tmp_path / "settings.yaml", {}).markets[Market.UPBIT].universe
    assert universe.listed == (("005930", "삼성전자", "KOSPI"), ("0126Z0", "", ""))


@pytest.mark.parametrize(("text", "why"), [(None, "No such file"), ("a,b,c,d", "line 1"), ("", "no symbol")])
def test_a_list_of_symbols_that_cannot_be_read_is_a_fault_of_its_key(tmp_path, text, why):
    if text is not None:
        (tmp_path / "mine.csv").write_text(text)
    (tmp_path / "settings.yaml").write_text(LEAST + "    universe: {file: mine.csv}\n")
    with pytest.raises(Faulty) as caught:
        load(tmp_path / "settings.yaml", {})
    (fault,) = caught.value.faults
    assert (fault.key, fault.found) == ("markets.upbit.universe.file", "mine.csv")
    assert why in fault.allowed


def test_hours_and_phases_of_a_market_are_checked():
    """B6: what no table knows may be said in the file."""
    day = '{hours: {2026-12-01: "09:00-12:00", "2026-12-02": closed}, trade_in: [regular, after-market], settle_s: 5}'
    policy = parse(LEAST + f"    day: {day}\n", {}).markets[Market.UPBIT].day
    assert policy.hours == {"2026-12-01": "09:00-12:00", "2026-12-02": "closed"}
    assert faults_of(LEAST + '    day: {hours: {"2026-12-01": "noon"}}\n')
    assert faults_of(LEAST + '    day: {hours: {"tomorrow": "closed"}}\n')
    assert faults_of(LEAST + "    day: {trade_in: [midnight]}\n")
    assert faults_of(LEAST + "    terms: {fee: -1}\n")


KEYED = """
markets:
  krx:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
    day: {ends: "18:00"}
"""


def test_a_market_that_answers_app_keys_only_needs_one():
    assert [fault for fault in faults_of(KEYED) if "keys" in fault] == [
        "markets.krx.keys: found no key; allowed: the names of an app key's secrets, for quotes and streams"
    ]
    assert parse(KEYED + "    keys: [{}]\n", {}).markets[Market.KRX].keys[0].app_key == "kis_app_key"
    off = LEAST + KEYED.partition("markets:\n")[2] + "    enabled: false\n"
    assert parse(off, {}).enabled == [Market.UPBIT]


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        (LEAST + "    universe: {busiest: 5}\n", "markets.upbit.universe.busiest", "0"),
        (
            KEYED + "    keys: [{environment: mock}]\n    universe: {busiest: 5, codes: ['005930']}\n",
            "markets.krx.universe.busiest",
            "0, or a real key first in keys",
        ),
    ],
)
def test_the_busiest_are_looked_at_only_where_the_venue_ranks_them(text, key, allowed):
    [fault] = faults_of(text)

    assert fault == f"{key}: found 5, where nothing is ranked; allowed: {allowed}"


@pytest.mark.parametrize(
    ("environment", "url", "allowed"),
    [
        ("mock", "https://openapivts.koreainvestment.com:29443", "KRX"),
        ("real", "https://openapi.koreainvestment.com:9443", "KRX or NXT or SOR"),
    ],
)
def test_an_exchange_that_takes_none_of_the_accounts_orders_is_a_fault(environment, url, allowed):
    account = f"    account: {{url: '{url}', key: {{environment: {environment}}}, exchange: NASDAQ}}\n"
    [fault] = faults_of(KEYED + "    keys: [{}]\n" + account)

    assert fault == f"markets.krx.account.exchange: found 'NASDAQ'; allowed: {allowed}"


def test_a_mock_key_alone_cannot_scan_a_whole_universe_and_the_fault_says_what_can():
    [fault] = faults_of(KEYED + "    keys: [{environment: mock}]\n")

    assert fault == (
        "markets.krx.keys[0].environment: found mock, where a scan of 250 symbols takes 312 s; allowed: one that scans "
        "within scan.interval_s, 60 s: a real key does it in 9 calls, and orders can go to the mock environment all the "
        "same (`account`); or a shorter universe"
    )


@pytest.mark.parametrize("written", ["123456789", '"123456789"', '"@channel"', "-1001234567890"])
def test_a_telegram_chat_may_be_written_as_the_number_that_telegram_shows(tmp_path, written):
    """I6: its id is a number, and an override by environment has no quotes to put around it."""
    path = tmp_path / "settings.yaml"
    path.write_text(LEAST + f"notify: {{channels: [telegram], telegram: {{chat: {written}}}}}\n")
    assert str(load(path, {}).notify.telegram.chat) == written.strip('"')
