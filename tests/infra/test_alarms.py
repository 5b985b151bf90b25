"""Every alarm fires, is told to people with what to do, and has its heading in the runbook (F5, I1)."""

import asyncio
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.values import Millis
from core.local import template as templates
from core.local.schedules import fires, schedules
from core.local.stack import Stack
from core.simulators.chat import ChatLimits, ChatSimulator

ROOT = Path(__file__).parents[2]
PARENT = templates.load(ROOT / "template.yaml")
ALARMS = {
    name: body["Properties"]
    for name, body in templates.load(ROOT / "infra" / "alarms.yaml")["Resources"].items()
    if body["Type"] == "AWS::CloudWatch::Alarm"
}
RUNBOOK = (ROOT / "infra" / "README.md").read_text()
HEARTBEATS = ("ScanMissed", "SweepMissed", "LiquidationMissed", "SummaryMissed", "StreamerSilent", "SummariesOverdue")
PATIENCE_S = 60
OURS = {"Fn::Sub": "hoga/${Stage}"}
SETTINGS = """
markets:
  upbit:
    rest: {{url: "https://api.upbit.com"}}
    stream: {{url: "wss://api.upbit.com/websocket/v1"}}
notify:
  channels: [telegram, discord]
  telegram: {{chat: "1", url: "{telegram}"}}
"""


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarms_text_says_what_to_do_and_names_its_own_heading_of_the_runbook(name):
    text = ALARMS[name]["AlarmDescription"]
    assert text.endswith(f"Runbook: infra/README.md, {name}.")
    assert len(text) <= 1024
    section = re.search(rf"^## {name}\n(.*?)(?=^## |^# |\Z)", RUNBOOK, re.S | re.M)
    assert section, f"infra/README.md has no heading {name}"
    for part in ("**Seen**", "**Look**", "**Do**"):
        assert part in section[1]


def test_the_runbook_has_no_heading_of_an_alarm_that_is_gone():
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.M)) == set(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_told_to_people_also_when_it_is_over(name):
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Topic"}]
    assert alarm["AlarmName"] == {"Fn::Sub": f"hoga-${{Stage}}-{name}"}


@pytest.mark.parametrize("name", HEARTBEATS)
def test_a_dead_mans_alarm_takes_silence_for_the_worst(name):
    assert ALARMS[name]["TreatMissingData"] == "breaching"


def test_a_heart_that_misses_one_beat_rings_no_alarm_and_one_that_stopped_rings_within_half_an_hour():
    """One late run is told by the next; silence is told while there is still something to do about it."""
    named = {body["Handler"].split(".")[1]: name for name, body in templates.functions(PARENT).items()}
    beats = {alarm["Dimensions"][0]["Value"]: alarm for alarm in ALARMS.values() if alarm["MetricName"] == "Beats"}
    assert set(beats) == {"batch_scan", "sweep", "liquidate", "daily_summary"}
    for service, alarm in beats.items():
        mine = [one for one in schedules(templates.functions(PARENT)) if one.function == named[service]]
        silent_s = alarm["Period"] * alarm["EvaluationPeriods"]
        starts = [at for one in mine for at in fires(one.when, Millis(0), Millis(silent_s * 1000), Millis(0))]
        assert len(starts) >= 5, service
        assert silent_s <= 1800
        assert alarm["DatapointsToAlarm"] == alarm["EvaluationPeriods"], "each part of the silence is silent"


def test_no_dead_mans_alarm_depends_on_what_it_watches():
    """The streamer, the summary and what is held overnight are looked at by the sweep; the sweep by its own absence."""
    service = {name: alarm["Dimensions"][0]["Value"] for name, alarm in ALARMS.items() if alarm["Namespace"] == OURS}
    seen = {name for name, said in service.items() if said == "sweep"}
    assert seen == {name for name in service if ALARMS[name]["MetricName"] != "Beats"} | {"SweepMissed"}


def test_nobody_is_told_of_what_was_switched_off_on_purpose():
    """While the schedules sleep no alarm is told; without a streamer, its silence is none."""
    given = PARENT["Resources"]["AlarmsStack"]["Properties"]["Parameters"]
    assert given["Watching"] == {"Fn::If": ["Awake", "true", "false"]}
    assert given["WatchingStreamer"] == {"Fn::If": ["Streaming", "true", "false"]}
    assert PARENT["Conditions"]["Streaming"] == {"Fn::And": [{"Condition": "Awake"}, {"Condition": "WithStreamer"}]}
    asked = {name: alarm["ActionsEnabled"]["Ref"] for name, alarm in ALARMS.items()}
    assert asked == {**dict.fromkeys(ALARMS, "Watching"), "StreamerSilent": "WatchingStreamer"}


def test_an_alarm_that_the_chat_services_turn_away_is_told_again_as_a_scheduled_run_is_not():
    """Several alarms at once are more than a chat takes in a second; nothing stands behind this function."""
    config = PARENT["Resources"]["Alarm"]["Properties"]["EventInvokeConfig"]
    assert config == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 900}


def test_every_dead_letter_queue_and_every_heartbeat_of_the_template_has_its_alarm():
    watched = {dimension["Value"]["Ref"] for alarm in ALARMS.values() for dimension in alarm["Dimensions"] if isinstance(dimension["Value"], dict)}  # fmt: skip
    parameters = PARENT["Resources"]["AlarmsStack"]["Properties"]["Parameters"]
    dead = {name for name in PARENT["Resources"] if name.endswith("DeadLetters")}
    assert {parameters[name]["Fn::GetAtt"][0] for name in watched if "Dead" in name} == dead


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory):
    """The whole stack with its alarms, whose telling goes to chat services of our own."""
    folder = tmp_path_factory.mktemp("alarms")
    settings = folder / "settings.yaml"
    settings.write_text(SETTINGS.format(telegram="http://127.0.0.1:1"))
    with Stack.start(
        settings, log=folder / "aws.log", wanted={"Schedules": "ENABLED", "StreamerImage": "registry/hoga:1"}
    ) as stack:
        yield stack, settings


@pytest.mark.slow
@pytest.mark.cloud
async def test_every_alarm_fires_on_its_metric_and_reaches_telegram_and_discord(alarmed):
    stack, settings = alarmed
    watch = stack.client("cloudwatch")
    async with ChatSimulator(limits=ChatLimits(telegram_chat_ms=0, telegram_per_s=1000, discord_count=1000)) as chat:
        settings.write_text(SETTINGS.format(telegram=chat.telegram_url))
        stack.secret("telegram_token", chat.telegram_token)
        stack.secret("discord_webhook", chat.discord_url)
        await asyncio.to_thread(stack.renew)
        for alarm in watch.describe_alarms()["MetricAlarms"]:
            await asyncio.to_thread(breach, watch, alarm)
        fired = await asyncio.to_thread(firing, watch)
        told = await heard(chat, len(ALARMS))

    assert fired == {f"hoga-local-{name}" for name in ALARMS}
    for service in ("telegram", "discord"):
        texts = [message.text for message in told if message.service == service]
        for name, alarm in ALARMS.items():
            (text,) = [text for text in texts if f"hoga-local-{name}\n" in text]
            assert " ".join(alarm["AlarmDescription"].split()) in " ".join(text.split())


def breach(watch, alarm):
    """A figure of the very metric that it looks at, on the wrong side. A silence cannot be had in a minute's test."""
    step = -1.0 if alarm["ComparisonOperator"] == "LessThanThreshold" else 1.0
    data = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Timestamp": datetime.now(UTC)}
    watch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[{**data, "Value": alarm["Threshold"] + step}])


def firing(watch):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = {one["AlarmName"] for one in watch.describe_alarms(StateValue="ALARM")["MetricAlarms"]}
        if len(found) >= len(ALARMS) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


async def heard(chat, alarms):
    deadline = time.monotonic() + PATIENCE_S
    while len(chat.messages) < 2 * alarms and time.monotonic() < deadline:  # noqa: ASYNC110 - another object's figure
        await asyncio.sleep(0.1)
    return list(chat.messages)
