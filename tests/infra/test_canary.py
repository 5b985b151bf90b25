"""A secret is in no log, no exception, no metric, no queue and no table, also where everything goes wrong (I6)."""

import base64
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from core.adapters.wiring import Wiring
from core.domain.errors import Refused
from core.domain.messages import Alert, Kind
from core.domain.values import DAY, KST, Millis
from core.local import template as templates
from core.local.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.cloud]

ROOT = Path(__file__).parents[2]
NAMES = (
    *("telegram_token", "kis_app_key", "kis_app_secret", "kis_mock_app_key", "kis_mock_app_secret"),
    *("kis_account", "kis_hts_id", "binance_test_api_key", "binance_test_api_secret"),
)
CANARIES = {name: f"canary-{name.replace('_', '-')}-5d1c" for name in NAMES} | {
    "discord_webhook": "http://127.0.0.1:1/api/webhooks/1/canary-webhook-5d1c"
}
SETTINGS = """
stage: local
broker: mock
markets:
  krx:
    rest: {url: "http://127.0.0.1:1", backoff_s: [0.01], connect_s: 0.2}
    stream: {url: "ws://127.0.0.1:1"}
    keys: [{app_key: kis_app_key, app_secret: kis_app_secret, environment: real}]
    account: {url: "http://127.0.0.1:1", stream_url: "ws://127.0.0.1:1"}
    scan: {tries: 1}
    day: {hours: HOURS}
  binance:
    rest: {url: "http://127.0.0.1:1", backoff_s: [0.01], connect_s: 0.2}
    stream: {url: "ws://127.0.0.1:1"}
    account: {url: "http://127.0.0.1:1", key: {environment: mock}}
    scan: {tries: 1}
notify:
  channels: [telegram, discord]
  telegram: {chat: "1", url: "http://127.0.0.1:1"}
"""
FUNCTIONS = {body["Handler"].split(".")[1]: name for name, body in templates.functions(templates.load()).items()}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Everything that a system wrote anywhere, after each of its functions ran against services that do not answer."""
    folder = tmp_path_factory.mktemp("canary")
    settings = folder / "settings.yaml"
    today = int(time.time() * 1000) + KST
    days = [datetime.fromtimestamp((today + shift * DAY) / 1000, UTC).strftime("%Y-%m-%d") for shift in (-1, 0, 1)]
    settings.write_text(SETTINGS.replace("HOURS", json.dumps(dict.fromkeys(days, "00:01-23:58"))))
    with Stack.start(settings, log=folder / "aws.log") as stack:
        for name, text in CANARIES.items():
            stack.secret(name, text)
        alert = Alert(id="canary", kind=Kind.TEST, at=Millis(0), lasting=False)
        Wiring(stack.environment()).alerts.send([alert])
        answers = {handler: called(stack, handler) for handler in FUNCTIONS}
        yield {
            "answers": json.dumps(answers),
            "logs": logs(stack),
            "tables": "".join(tables(stack)),
            "queues": "".join(queues(stack)),
            "metrics": json.dumps(stack.client("cloudwatch").list_metrics()["Metrics"], default=str),
            "configuration": "".join(configured(stack)),
            "stand-in": (folder / "aws.log").read_text(errors="replace"),
        }


def called(stack, handler):
    event = json.loads((ROOT / "tests" / "events" / f"{handler}.json").read_text())
    try:
        return stack.invoke(FUNCTIONS[handler], event)
    except Refused as failed:
        return str(failed)


def logs(stack):
    client, found = stack.client("logs"), []
    for group in client.describe_log_groups()["logGroups"]:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            found += [event["message"] for event in page["events"]]
    return "\n".join(found)


def tables(stack):
    for name in stack.client("dynamodb").list_tables()["TableNames"]:
        yield json.dumps(stack.client("dynamodb").scan(TableName=name)["Items"], default=repr)


def queues(stack):
    client = stack.client("sqs")
    for url in client.list_queues()["QueueUrls"]:
        while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            yield json.dumps(found)


def configured(stack):
    """What whoever may look at the account sees of it: functions with their environment, stacks with parameters."""
    yield json.dumps(stack.client("lambda").list_functions()["Functions"], default=str)
    yield json.dumps(stack.client("cloudformation").describe_stacks()["Stacks"], default=str)


def disguises(text):
    """A secret as it is, and as it would look in an address, a header or a body."""
    plain = text.rpartition("/")[2]
    encoded = base64.b64encode(plain.encode()).decode().rstrip("=")
    return {text, plain, quote(text, safe=""), encoded, encoded[:-2], plain.encode().hex(), plain[::-1]}


def test_everything_went_wrong_as_it_was_meant_to(told):
    """Else nothing below would prove anything: the failures are where a secret gets out."""
    assert "telegram" in told["logs"].lower()
    assert "ConnectionError" in told["logs"] + told["answers"]
    assert "credential#krx" in told["tables"], "a token was asked for"
    lines = [line for line in told["logs"].splitlines() if "holdings not compared" in line]
    assert {market for line in lines for market in ("krx", "binance") if f'"market":"{market}"' in line} == {
        "krx", "binance",
    }, "each account was asked with a signature"  # fmt: skip


def test_a_secret_would_be_found_in_any_of_its_disguises():
    for text in CANARIES.values():
        header = base64.b64encode(text.rpartition("/")[2].encode()).decode()
        assert any(shape in f"Authorization: Basic {header}" for shape in disguises(text))
        assert any(shape in f"https://x/?key={quote(text, safe='')}" for shape in disguises(text))


@pytest.mark.parametrize("place", ["answers", "logs", "tables", "queues", "metrics", "configuration", "stand-in"])
def test_no_secret_is_in_it(told, place):
    found = [name for name, text in CANARIES.items() if any(shape in told[place] for shape in disguises(text))]
    assert found == []
