"""I6: what `hoga check` calls good can be started. Faults that no single value shows (F8 of the review)."""

import pytest
import yaml

from core.domain.policies import SafetyPolicy
from core.domain.values import Market
from core.local.day import written
from core.settings import Faulty, parse
from core.venues.spec import venue

LEAST = """
markets:
  upbit:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
"""
KRX_OFF = """
  krx:
    enabled: false
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
"""


def faults_of(text):
    with pytest.raises(Faulty) as caught:
        parse(text, {})
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("    exits: {trend_span: 7}\n", "markets.upbit.exits.trend_span: found 7; allowed: 1 or 5 or 60 (minutes)"),
        ("    enabled: false\n", "markets: found none that is enabled; allowed: one or more with `enabled: true`"),
        ("    safety: {exclude: [WARNIN]}\n", "markets.upbit.safety.exclude: found WARNIN; allowed: did you mean WARNING? this"),
        ("    safety: {exclude: [SPAC]}\n", "markets.upbit.safety.exclude: found SPAC; allowed: this market has CONCEN"),
        ("    sweep: {silent_s: .inf}\n", "markets.upbit.sweep.silent_s: found inf; allowed: numbers that end"),
        ("    sweep: {silent_s: 0}\n", "markets.upbit.sweep.silent_s: found 0; allowed: float >= 1.0"),
        ("    watch: {weights: {eps: .nan}}\n", "markets.upbit.watch.weights.eps: found nan"),
        ("    rest: {url: 'https://r.test', limits: {market: .inf}}\n", "markets.upbit.rest.limits: found {'market': inf}"),
        ("    rest: {url: 'https://r.test', limits: {markte: 3}}\n", "markets.upbit.rest.limits: found markte; allowed: did"),
        ("    rest: {url: 'https://r.test', limits: {market: 0}}\n", "markets.upbit.rest.limits: found {'market': 0}"),
        ("    rest: {url: 'https://r.test', backoff_s: []}\n", "markets.upbit.rest.backoff_s: found []; allowed: one or more"),
        ("    rest: {url: 'https://r.test', read_s: 0}\n", "markets.upbit.rest.read_s: found 0"),
        ("    rest: {url: 'ftp://r.test'}\n", "markets.upbit.rest.url: found 'ftp://r.test'; allowed: an address that"),
        ("    rest: {url: 'https://'}\n", "markets.upbit.rest.url: found 'https://'"),
        ("    rest: {url: 'https://r.test:port'}\n", "markets.upbit.rest.url: found 'https://r.test:port'"),
        ("    stream: {url: 'http://x'}\n", "markets.upbit.stream.url: found 'http://x'; allowed: an address that begins with ws:// or wss://"),
        ("    stream: {url: 'wss://x', backoff_s: [-1]}\n", "markets.upbit.stream.backoff_s: found [-1]; allowed: one or more pauses above 0 s"),
        ("    stream: {url: 'wss://x', details: {tarde: a}}\n", "markets.upbit.stream.details: found tarde; allowed: did you mean trade?"),
        ("    rules: [{name: a, kind: disparity, params: {base: daily, threshold: 0.5}}]\n", "markets.upbit.rules[0].params.threshold: found 0.5; allowed: at most 0"),
        ("    rules: [{name: a, kind: cross, params: {span: 1m, rsi_low: 1, rsi_high: 9}}]\n    indicators: {ema_fast: 30}\n", "markets.upbit.rules: found a rule cannot be used"),
        ("    account: {url: 'x', stream_url: 'y'}\n", "markets.upbit.account.stream_url: found 'y'"),
        ("notify: {telegram: {url: 'nowhere'}}\n", "notify.telegram.url: found 'nowhere'"),
        ("    day: {ends: 24:00}\n", "markets.upbit.day.ends: found '24:00'; allowed: a time of day from \"00:00\""),
    ],
)  # fmt: skip
def test_what_could_not_run_is_a_fault(more, expected):
    body = LEAST
    for section in ("rest", "stream"):
        if more.startswith(f"    {section}:"):
            body = "".join(line for line in body.splitlines(keepends=True) if not line.startswith(f"    {section}:"))
    assert any(fault.startswith(expected) for fault in faults_of(body + more)), faults_of(body + more)


def test_a_key_that_is_written_twice_is_named_with_both_lines():
    text = "mode: A\n" + LEAST + "    scan: {near: 0.01, near: 0.02}\nmode: B\n"
    assert faults_of(text) == [
        "markets.upbit.scan.near: found the same key in line 7 and in line 7; allowed: each key once",
        "mode: found the same key in line 1 and in line 8; allowed: each key once",
    ]


def test_keys_of_different_rules_are_not_taken_for_the_same():
    rules = "    rules:\n      - {name: a, kind: fall, params: &p {minutes: 5, fall: 0.03}}\n      - {name: b, kind: fall, params: *p}\n"
    assert len(parse(LEAST + rules, {}).markets[Market.UPBIT].rules) == 2


@pytest.mark.parametrize(("written_as", "read_as"), [("16:00", "16:00"), ('"09:30:15"', "09:30:15")])
def test_a_time_of_day_needs_no_quotes(written_as, read_as):
    assert parse(LEAST + f"    day: {{ends: {written_as}}}\n", {}).markets[Market.UPBIT].day.ends == read_as


def test_stock_codes_are_no_numbers_and_numbers_are():
    universe = parse(LEAST + "    universe: {codes: [000660, 0088E0, 005930]}\n", {}).markets[Market.UPBIT].universe
    assert universe.codes == ("000660", "0088E0", "005930")
    scan = (
        parse(LEAST + "    scan: {min_value: 1_000_000, max_spread: 1.5e-3, near: .02}\n", {})
        .markets[Market.UPBIT]
        .scan
    )
    assert (scan.min_value, scan.max_spread, scan.near) == (1e6, 0.0015, 0.02)


def test_a_part_of_a_composite_may_lie_above_its_average():
    rules = """
    rules:
      - {name: calm, kind: disparity, enabled: false, params: {base: daily, threshold: 0.05}}
      - {name: fall, kind: fall, params: {minutes: 5, fall: 0.03}}
      - {name: both, kind: all, all_of: [calm, fall]}
"""
    assert len(parse(LEAST + rules, {}).markets[Market.UPBIT].rules) == 3


def test_every_flag_that_is_excluded_by_default_is_some_venues():
    assert set(SafetyPolicy().exclude) <= frozenset().union(*(venue(market).flags for market in Market))


def test_a_market_that_is_off_may_wait_for_its_keys():
    assert parse(LEAST + KRX_OFF, {}).enabled == [Market.UPBIT]


KRX = """
markets:
  krx:
    rest: {url: "https://rest.test"}
    stream: {url: "wss://stream.test"}
    keys: [KEYS]
"""
KEY = "{{app_key: kis_{0}, app_secret: kis_{0}_s, environment: real}}"


@pytest.mark.parametrize(("keys", "most"), [(1, 41), (2, 82)])
def test_more_symbols_than_the_keys_have_registrations_for_are_refused_with_what_is_allowed(keys, most):
    """D4. One registration a symbol is the least; whose other ones have no place is a matter of rank, and no fault."""
    text = KRX.replace("KEYS", ", ".join(KEY.format(number) for number in range(keys)))
    assert parse(text + f"    watch: {{max_ws_subs: {most}}}\n", {})
    assert faults_of(text + "    watch: {max_ws_subs: 400}\n") == [
        f"markets.krx.watch.max_ws_subs: found 400; allowed: at most {most}: {keys} app key(s) of 41 registrations, "
        "at least one for each symbol; or more keys"
    ]


def test_more_symbols_than_the_connections_carry_are_refused_too():
    assert faults_of(LEAST + "    watch: {max_ws_subs: 501}\n") == [
        "markets.upbit.watch.max_ws_subs: found 501; allowed: at most 500: 5 of stream.connections, 100 symbols each"
    ]


def test_settings_that_a_run_writes_down_read_as_they_were():
    """Defaults, overrides and presets included: the functions of a local run read that file."""
    settings = parse(
        LEAST + "    universe: {codes: [000660, 1E3]}\n    day: {ends: 24:00}\n".replace("24:00", "23:59"), {}
    )
    assert parse(written(settings), {}) == settings
    assert yaml.safe_load(written(settings))["markets"]["upbit"]["day"]["ends"] == "23:59"


@pytest.mark.parametrize(
    ("topic", "detail", "allowed"), [("book", "depth7", "depth5@100ms"), ("trade", "tick", "aggTrade")]
)
def test_a_feed_that_a_venue_does_not_have_is_a_fault_that_names_those_it_has(topic, detail, allowed):
    asked = f'{{url: "wss://stream.test", details: {{{topic}: {detail}}}}}'
    text = LEAST.replace("upbit", "binance").replace('{url: "wss://stream.test"}', asked)

    [fault] = faults_of(text)

    assert fault.startswith(f"markets.binance.stream.details.{topic}: found '{detail}'; allowed: ")
    assert allowed in fault
