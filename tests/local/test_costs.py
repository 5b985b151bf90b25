"""What a month costs, and what cannot work, said before anything is deployed (`hoga plan`)."""

import json
from datetime import date

import msgspec
import pytest
import yaml

from core.cli.entry import run
from core.domain.errors import Misconfigured
from core.domain.values import Millis
from core.local import costs, quotas, usage
from core.local.schedules import schedules
from core.local.template import ROOT, functions, load
from core.settings import load as read

AT = Millis(1_795_166_400_000)
KRX = {"HOGA__MARKETS__KRX__ENABLED": "true", "HOGA__MARKETS__UPBIT__ENABLED": "false"}
BOTH = {"HOGA__MARKETS__KRX__ENABLED": "true"}


def settings(env):
    return read(ROOT / "settings.yaml", env)


def bill(env, **wish):
    return costs.lines(settings(env), usage.Wish(**wish), costs.book(), AT)


def total(lines):
    return sum(line.usd for line in lines)


def test_the_default_set_up_for_korean_stocks_costs_at_most_20_usd_a_month_and_names_its_largest_line(
    monkeypatch, capsys
):
    for name, value in KRX.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.chdir(ROOT)

    assert run(["plan", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert set(said) >= {"monthly_usd", "lines", "quota", "slots", "conflicts"}
    assert said["monthly_usd"] <= 20
    assert said["monthly_usd"] == pytest.approx(sum(line["usd"] for line in said["lines"]), abs=0.1)
    assert said["largest"] == max(said["lines"], key=lambda line: line["usd"])["name"]
    assert said["conflicts"] == []


def test_a_market_that_is_switched_off_costs_nothing():
    without = settings(KRX)
    markets = {market: policy for market, policy in without.markets.items() if policy.enabled}
    alone = msgspec.structs.replace(without, markets=markets)
    assert costs.lines(alone, usage.Wish(), costs.book(), AT) == costs.lines(without, usage.Wish(), costs.book(), AT)


def test_more_work_costs_more_and_switching_off_costs_less():
    assert total(bill(BOTH)) > total(bill(KRX)) > total(bill(KRX, hours="krx")) > 0
    assert total(bill(KRX, signals=400)) > total(bill(KRX))
    assert total(bill(KRX, egress=True)) - total(bill(KRX)) == pytest.approx(730 * 0.064)
    assert total(bill(KRX, alarms=False)) < total(bill(KRX))
    assert total(bill(KRX, free_tier=True)) < total(bill(KRX))


def test_the_streamer_costs_what_an_independent_sum_says():
    (line,) = [line for line in bill(KRX) if line.name == "Fargate: streamer"]
    assert line.usd == pytest.approx(730 * 0.25 * 0.03725 + 730 * 0.5 * 0.00409)


def test_the_runs_of_a_month_are_counted_from_the_templates_own_schedules():
    (line,) = [line for line in bill(KRX) if line.name == "Scheduler"]
    minutely, others = 3 * 43_800, 8_760 + 4_380 + 730 + 21.7
    assert line.usd * 1e6 == pytest.approx(minutely + others, rel=0.01)


def test_prices_are_dated_and_a_price_that_is_missing_is_named(tmp_path):
    assert date.fromisoformat(costs.book().dated)
    short = yaml.safe_load((ROOT / "infra" / "prices.yaml").read_text())
    del short["prices"]["logs_gb"]
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump(short))
    with pytest.raises(Misconfigured, match="logs_gb"):
        costs.lines(settings(KRX), usage.Wish(), costs.book(path), AT)
    path.write_text("[")
    with pytest.raises(Misconfigured, match="does not read"):
        costs.book(path)


def against(env, **wish):
    found = usage.opened(settings(env), AT)
    bodies = functions(load())
    return quotas.conflicts(found, usage.Wish(**wish), schedules(bodies), bodies)


def test_the_shipped_settings_have_no_conflict():
    assert against(BOTH) == against({}) == against(KRX, hours="krx") == []


def test_a_streamer_that_sleeps_while_coins_are_traded_is_refused():
    (found,) = against(BOTH, hours="krx")
    assert "upbit never closes" in found.why


def test_a_scan_that_takes_longer_than_the_time_between_two_is_refused_with_its_figures():
    (found,) = against({**KRX, "HOGA__MARKETS__KRX__SCAN__PAUSE_S": "10"})
    assert found.why == "9 calls, 90 s, every 60 s"
    assert "scan.interval_s" in found.do


def test_a_minute_in_which_everything_asks_at_once_is_refused():
    found = against({**KRX, "HOGA__MARKETS__KRX__SAFETY__REFERENCES_PER_RUN": "800"})
    assert ["busiest minute" in one.what for one in found] == [True]


def test_a_run_that_can_meet_the_next_one_is_refused():
    bodies = functions(load())
    bodies["BatchScan"] = {**bodies["BatchScan"], "Timeout": 90}
    found = quotas.conflicts(usage.opened(settings(KRX), AT), usage.Wish(), schedules(bodies), bodies)
    assert [one.what for one in found] == ["BatchScan: a run can meet the next one"]


def test_a_run_that_can_meet_one_of_the_same_functions_other_schedule_is_refused():
    """At 08:57, with 290 s, it would meet that of the full hour; at 08:00 it is the same moment."""
    bodies = functions(load())
    events = bodies["SafetyFilter"]["Events"]
    for at, apart in (("57 8", 180), ("0 8", 0)):
        events["BeforeKrx"]["Properties"]["ScheduleExpression"] = f"cron({at} ? * MON-FRI *)"
        found = quotas.conflicts(usage.opened(settings(KRX), AT), usage.Wish(), schedules(bodies), bodies)
        assert [one.why for one in found] == [f"time-out 290 s, runs {apart} s apart (Hourly, BeforeKrx)"]


def test_more_subscriptions_than_an_exchange_grants_are_refused_before_anything_is_reckoned(monkeypatch, capsys):
    for name, value in {**KRX, "HOGA__MARKETS__KRX__WATCH__MAX_WS_SUBS": "400"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.chdir(ROOT)

    assert run(["plan"]) == 2

    assert "markets.krx.watch.max_ws_subs" in (said := capsys.readouterr().err)
    assert "found 400; allowed: at most 41" in said


def test_what_cannot_work_is_refused_by_the_command_with_what_to_change(monkeypatch, capsys):
    monkeypatch.setenv("HOGA__MARKETS__KRX__ENABLED", "true")
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.chdir(ROOT)

    assert run(["plan", "--streamer-hours", "krx"]) == 1

    said = capsys.readouterr()
    assert "cannot work" in said.err
    assert "StreamerHours=always" in said.err


def test_subscriptions_of_a_venue_that_counts_them_are_held_against_its_keys():
    (found,) = quotas.slots(usage.opened(settings(KRX), AT))
    assert (found.allowed, found.wanted) == (41, 61)
    assert len(quotas.quota(usage.opened(settings(KRX), AT))) == 3
