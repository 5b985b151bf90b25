"""No token in any exception, traceback, log record, queue body or table item, whatever goes wrong (DESIGN 3)."""

import copy
import json
import logging
import pickle
import socket
import traceback

import boto3
import msgspec
import pytest
import requests
from moto import mock_aws
from moto.core.models import responses_mock

import core.adapters.chat
from core.adapters.chat import Masking
from core.adapters.discord import DiscordNotifier
from core.adapters.dynamo.cooldowns import DynamoCooldowns
from core.adapters.queue import SqsAlerts
from core.adapters.secrets import MASK, EnvSecrets, Secret
from core.adapters.telegram import TelegramNotifier
from core.app.notify import deliver
from core.domain.errors import CoreError
from core.domain.messages import Alert, Delivery, Kind
from core.domain.policies import DiscordPolicy, TelegramPolicy
from core.domain.values import Millis
from tests.cloud import shape

ALERT = Alert(id="a", kind=Kind.TEST, at=Millis(0), memo="m", chart=(1.0, 2.0))


@pytest.fixture
def everything_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.util.retry", "requests", "botocore"):
        caplog.set_level(logging.DEBUG, name)
    return caplog


def refused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def notifiers(url, canary):
    secrets = EnvSecrets(
        {"HOGA_SECRET_TELEGRAM_TOKEN": canary, "HOGA_SECRET_DISCORD_WEBHOOK": f"{url}/api/webhooks/9/{canary}"}
    )
    return {
        "telegram": TelegramNotifier(TelegramPolicy(url=url, chat="1"), secrets, "en"),
        "discord": DiscordNotifier(DiscordPolicy(), secrets, "en"),
    }


def everything_said(error):
    """Text, traceback with every frame's variables, and the attributes of the error and all that it drags along."""
    told, seen = ["".join(traceback.format_exception(error))], set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        told += [str(each), repr(each), repr(vars(each)), repr(each.args)]
        told += [
            repr(frame.f_locals)
            for frame, _ in traceback.walk_tb(each.__traceback__)
            if frame.f_code.co_filename != __file__  # the test itself knows the token, of course
        ]
        waiting += [each.__cause__, each.__context__]
    return "\n".join(told)


@pytest.mark.parametrize("channel", ["telegram", "discord"])
@pytest.mark.parametrize("trouble", ["refused", "404", "401", "400", "429", "500", "timeout", "cut", "no host"])
@pytest.mark.parametrize("picture", [None, b"png"])
def test_no_token_in_errors_or_logs(service, canary, everything_logged, monkeypatch, channel, trouble, picture):
    url = service.url
    match trouble:
        case "refused":
            url = f"http://127.0.0.1:{refused_port()}"
        case "no host":
            url = "http://hoga.invalid"
        case "timeout":
            monkeypatch.setattr(core.adapters.chat, "TIMEOUT_S", (0.2, 0.05))
            service.will_say("stall")
        case "cut":
            service.answers.append((200, b"{}", {"Content-Length": "9", "Connection": "close"}))
        case status:
            for _ in range(2):
                service.will_say(int(status), {"description": f"bot {canary} is odd", "message": f"{canary}"})
    with pytest.raises(CoreError) as caught:
        notifiers(url, canary)[channel].send(ALERT, picture)

    said = everything_said(caught.value)
    assert canary not in said
    logged = "\n".join([everything_logged.text, *(repr(vars(record)) for record in everything_logged.records)])
    assert canary not in logged


@pytest.mark.parametrize("channel", ["telegram", "discord"])
def test_no_token_in_the_logs_of_a_success(service, canary, everything_logged, channel):
    notifiers(service.url, canary)[channel].send(ALERT, None)
    assert "urllib3.connectionpool" in everything_logged.text
    assert canary not in everything_logged.text


def test_no_token_in_a_queue_body_or_table_item(canary, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        queue, table = (boto3.client(name, region_name="ap-northeast-2") for name in ("sqs", "dynamodb"))
        address = queue.create_queue(QueueName="alerts")["QueueUrl"]
        table.create_table(TableName="state", **shape("StateTable"))
        SqsAlerts(address, queue, ["telegram", "discord"]).send([ALERT])
        messages = queue.receive_message(QueueUrl=address, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        responses_mock.add_passthru("http://127.0.0.1")  # moto stands in for AWS only
        for message in messages["Messages"]:
            delivery = msgspec.json.decode(message["Body"], type=Delivery)
            with pytest.raises(CoreError):
                deliver(
                    delivery,
                    notifiers=notifiers(f"http://127.0.0.1:{refused_port()}", canary),
                    cooldowns=DynamoCooldowns("state", table),
                    picture=lambda alert: None,
                    pause=lambda seconds: None,
                    cooldown_ms=600_000,
                    at=Millis(1),
                )
        items = table.scan(TableName="state")["Items"]
    assert len(items) == 2
    assert canary not in json.dumps([messages, items], default=str)


def test_a_secret_is_masked_in_every_form_but_the_one_that_asks():
    secret = Secret("s3cret")
    forms = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", repr({"k": [secret]})]
    forms += [pickle.dumps(secret).decode("latin1"), pickle.loads(pickle.dumps(secret)).reveal()]
    forms += [json.dumps({"k": secret}, default=str), msgspec.json.encode({"k": secret}, enc_hook=str).decode()]
    assert all("s3cret" not in form for form in forms)
    assert secret.reveal() == copy.copy(secret).reveal() == copy.deepcopy(secret).reveal() == "s3cret"
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_refused_by_plain_json_and_does_not_change():
    with pytest.raises(TypeError):
        json.dumps(Secret("x"))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret("x"))
    with pytest.raises(AttributeError, match="does not change"):
        Secret("x").reveal = lambda: "y"


def test_masking_hides_the_whole_address_and_its_path():
    masking = Masking()
    masking.hide(Secret("https://chat.example/hooks/1/abcdef"))
    masking.hide(Secret("token"))
    record = logging.LogRecord(
        "n", 10, "f", 1, "%s:443 POST %s for %s", ("chat.example", "/hooks/1/abcdef", "token"), None
    )
    assert masking.filter(record)
    assert record.getMessage() == f"chat.example:443 POST {MASK} for {MASK}"


def test_the_check_itself_finds_a_token_that_leaks(canary):
    with pytest.raises(requests.RequestException) as caught:
        requests.post(f"http://127.0.0.1:{refused_port()}/bot{canary}/sendMessage", timeout=1)
    assert canary in everything_said(caught.value)
