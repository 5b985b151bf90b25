"""The figures that alarms stand on, and the function that tells people of an alarm (F5)."""

import json
import os

import pytest

from core.domain.errors import CoreError, Refused
from core.local.template import ROOT, load
from functions import alarm, batch_scan, daily_summary, liquidate, rank, safety_filter, sweep

NOTICE = {
    "AlarmName": "hoga-dev-ScanMissed",
    "AlarmDescription": "No scan has finished for 5 minutes. Runbook: infra/README.md, ScanMissed.",
    "AWSAccountId": "123456789012",
    "NewStateValue": "ALARM",
    "NewStateReason": "no datapoints were received for 5 periods",
    "StateChangeTime": "2026-11-20T02:37:06.123+0000",
    "OldStateValue": "OK",
}


def everywhere(lines):
    """Metrics over all markets, by name."""
    found = {}
    for line in (line for line in lines if line.get("market") == "all"):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            found |= {metric["Name"]: sum(line[metric["Name"]]) for metric in directive["Metrics"]}
    return found


def noticed(**changes):
    message = json.dumps({**NOTICE, **changes})
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}


def test_a_run_that_went_well_beats_once_under_its_functions_name(cloud, context, said, read_sample):
    safety_filter.handler(read_sample("safety_filter"), context)
    said()
    batch_scan.handler(read_sample("batch_scan"), context)

    lines = said()
    assert everywhere(lines) == {"Beats": 1}
    assert [line["service"] for line in lines if line.get("market") == "all"] == ["batch_scan"]


def test_a_run_in_which_a_market_failed_does_not_beat(cloud, context, said, read_sample, monkeypatch):
    def broken(*_):
        raise Refused("the venue refuses")

    monkeypatch.setattr(rank, "run", broken)
    with pytest.raises(CoreError):
        rank.handler(read_sample("rank"), context)
    assert everywhere(said()) == {}


def test_a_scan_whose_venue_does_not_answer_does_not_beat_though_nothing_is_raised(cloud, context, said, read_sample):
    """B3: safe mode is a value. Nothing is found and nothing bought meanwhile, and that is what ScanMissed is for."""
    safety_filter.handler(read_sample("safety_filter"), context)
    cloud.venue.down = True
    said()

    for _ in range(2):  # the second is not due yet: it waits longer, still in safe mode
        assert batch_scan.handler(read_sample("batch_scan"), context)["upbit"]["safe_mode"]

    assert everywhere(said()) == {}


def test_a_run_that_comes_too_late_does_not_beat(cloud, context, said):
    sweep.handler({"scheduled": "2020-01-01T00:00:00Z"}, context)
    assert "Beats" not in everywhere(said())


def test_the_sweep_writes_its_figures_also_where_all_of_them_are_zero(cloud, context, said, read_sample):
    sweep.handler(read_sample("sweep"), context)

    assert everywhere(said()) == {
        "Beats": 1,
        "StreamerSilent": 0,
        "SummariesOverdue": 0,
        "HeldOvernight": 0,
        "OrdersUnsettled": 0,
        "LossLimits": 0,
        "StaleSafety": 0,
    }


def test_a_sweep_that_could_not_look_at_a_market_writes_no_figures_at_all(cloud, context, said, monkeypatch):
    """Figures of half the markets would say that all is well; alarms take their absence for the worst."""

    def broken(*_):
        raise Refused("the tables refuse")

    monkeypatch.setattr(sweep, "run", broken)
    with pytest.raises(CoreError):
        sweep.handler({}, context)
    assert everywhere(said()) == {}


def named(lines):
    """Every metric of these lines as CloudWatch would know it: namespace, name, dimensions."""
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for dimensions in directive["Dimensions"]:
                pairs = frozenset((name, line[name]) for name in dimensions)
                yield from ((directive["Namespace"], metric["Name"], pairs) for metric in directive["Metrics"])


def test_every_alarm_on_our_own_figures_names_a_metric_as_a_function_writes_it(cloud, context, said, read_sample):
    """CloudWatch takes a metric with one dimension more or less for another one, and waits for ever for what is asked."""
    safety_filter.handler(read_sample("safety_filter"), context)
    for function in (batch_scan, sweep, liquidate, daily_summary):
        function.handler(read_sample(function.__name__.rpartition(".")[2]), context)
    written = set(named(said()))

    alarms = [body["Properties"] for body in load(ROOT / "infra" / "alarms.yaml")["Resources"].values()]
    ours = [alarm for alarm in alarms if alarm["Namespace"] == {"Fn::Sub": "hoga/${Stage}"}]
    asked = {
        ("hoga/test", alarm["MetricName"], frozenset((one["Name"], one["Value"]) for one in alarm["Dimensions"]))
        for alarm in ours
    }

    assert len(asked) == len(ours) == 10
    assert asked <= written


def test_an_alarm_is_told_with_what_to_do_and_with_its_reason(cloud, context, said):
    answer = alarm.handler(noticed(), context)

    (line,) = [line for line in said() if line.get("kind") == "alarm"]
    for part in ("ScanMissed", "Runbook: infra/README.md, ScanMissed", "no datapoints", "2026-11-20 11:37:06 KST"):
        assert part in line["message"]
    assert answer == {"told": ["alarm:hoga-dev-ScanMissed:ALARM:1795142226123"]}


def test_the_end_of_an_alarm_is_told_as_a_recovery(cloud, context, said):
    alarm.handler(noticed(NewStateValue="OK"), context)
    assert [line["kind"] for line in said() if "kind" in line] == ["recovered"]


def test_a_message_that_is_no_alarm_is_refused_with_its_text(cloud, context):
    with pytest.raises(Refused, match="no notice of a CloudWatch alarm"):
        alarm.handler({"Records": [{"Sns": {"Message": "hello"}}]}, context)


def test_an_alarm_touches_no_table_and_no_queue(cloud, context, monkeypatch):
    """It must get through when all of those are down."""
    for name in [
        name for name in os.environ if name.startswith("HOGA_") and name not in ("HOGA_SETTINGS", "HOGA_STAGE")
    ]:
        monkeypatch.delenv(name)
    assert alarm.handler(noticed(), context)["told"]
