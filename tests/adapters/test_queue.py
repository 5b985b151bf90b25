"""D9, F1: signals and alerts on SQS in batches, with what a batch left behind sent again."""

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from core.adapters.memory.queue import MemoryAlerts, MemorySignals
from core.adapters.queue import MALFORMED, TRIES, SqsAlerts, SqsDeadLetters, SqsSignals, post
from core.domain.errors import Misconfigured, Transient
from core.domain.messages import Alert, Delivery, Kind
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side


@pytest.fixture
def sqs(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("sqs", region_name="ap-northeast-2")


def signal(n, symbol="KRW-BTC"):
    on = Instrument(Market.UPBIT, symbol)
    return Signal(
        id=f"s{n}",
        instrument=on,
        side=Side.BUY,
        rule="r",
        price=1.0,
        value=0.0,
        threshold=0.0,
        at=Millis(0),
        seen=Millis(0),
        expires=Millis(1),
    )


def received(sqs, url):
    bodies, groups = [], []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], VisibilityTimeout=60
    ).get("Messages"):
        bodies += [message["Body"] for message in messages]
        groups += [message["Attributes"].get("MessageGroupId") for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies, groups


def test_signals_arrive_whole_in_order_once_and_grouped_by_instrument(sqs):
    url = sqs.create_queue(QueueName="signals.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sent = [signal(n, f"KRW-{n % 3}") for n in range(23)]
    queue = SqsSignals(url, sqs)
    queue.send(sent)
    queue.send(sent)  # a repeat within five minutes is dropped by its id
    bodies, groups = received(sqs, url)
    got = [msgspec.json.decode(body, type=Signal) for body in bodies]
    assert sorted(each.id for each in got) == sorted(each.id for each in sent)
    assert set(groups) == {"upbit:KRW-0", "upbit:KRW-1", "upbit:KRW-2"}
    for symbol in range(3):
        mine = [each.id for each in got if each.instrument.symbol == f"KRW-{symbol}"]
        assert mine == [each.id for each in sent if each.instrument.symbol == f"KRW-{symbol}"]


def test_an_alert_becomes_one_message_for_each_channel_in_that_channel_s_group(sqs):
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    alert = Alert(id="a", kind=Kind.TEST, at=Millis(0), chart=(1.0, 2.0))
    SqsAlerts(url, sqs, ["telegram", "discord"]).send([alert])
    bodies, groups = received(sqs, url)
    got = [msgspec.json.decode(body, type=Delivery) for body in bodies]
    assert sorted(each.channel for each in got) == ["discord", "telegram"]
    assert all(each.alert == alert for each in got)
    assert sorted(groups) == ["discord", "telegram"]


def test_nothing_to_send_is_no_call():
    SqsSignals("url", object()).send([])


class Picky:
    """Takes all but the first `refuses` entries of each of the first `times` calls."""

    def __init__(self, refuses=0, times=0, sender=False):
        self.refuses, self.times, self.sender, self.taken, self.calls = refuses, times, sender, [], 0

    def send_message_batch(self, QueueUrl, Entries):
        assert len(Entries) <= 10
        self.calls += 1
        bad = Entries[: self.refuses] if self.calls <= self.times else []
        self.taken += [entry["MessageBody"] for entry in Entries if entry not in bad]
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": self.sender} for entry in bad]
        return {"Failed": failed} if failed else {}


def test_what_a_batch_leaves_behind_is_sent_again_alone():
    client = Picky(refuses=2, times=1)
    post(client, "url", [{"MessageBody": str(n)} for n in range(10)])
    assert sorted(client.taken) == sorted(map(str, range(10)))
    assert client.calls == 2


def test_a_queue_that_keeps_refusing_is_transient_and_says_how_many_are_left():
    client = Picky(refuses=3, times=99)
    with pytest.raises(Transient, match="left=5"):
        post(client, "url", [{"MessageBody": str(n)} for n in range(12)])
    assert client.calls == TRIES


def test_a_malformed_message_is_dropped_with_an_error_and_the_others_are_sent(caplog):
    client = Picky(refuses=1, times=1, sender=True)
    post(client, "url", [{"MessageBody": "bad"}, {"MessageBody": "good"}])
    assert (client.taken, client.calls) == (["good"], 1)
    assert [(record.levelname, record.outcome, record.body) for record in caplog.records] == [
        ("ERROR", "dropped", "bad")
    ]


@pytest.mark.parametrize("code", sorted(MALFORMED))
def test_a_batch_that_is_refused_for_one_message_is_sent_one_by_one(code, caplog):
    taken = []

    class Strict:
        def send_message_batch(self, QueueUrl, Entries):
            if any(entry["MessageBody"] == "bad" for entry in Entries):
                raise fault(code)
            taken.extend([entry["MessageBody"] for entry in Entries])
            return {}

    post(Strict(), "url", [{"MessageBody": body} for body in ("a", "bad", "b")])
    assert taken == ["a", "b"]
    assert [record.body for record in caplog.records] == ["bad"]


class Failing:
    def __init__(self, fault):
        self.fault = fault

    def send_message_batch(self, **request):
        raise self.fault

    get_queue_attributes = send_message_batch


def fault(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "SendMessageBatch")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (fault("AWS.SimpleQueueService.NonExistentQueue"), Misconfigured),
        (fault("AccessDenied"), Misconfigured),
        (fault("ServiceUnavailable"), Transient),
        (EndpointConnectionError(endpoint_url="https://sqs.example"), Transient),
    ],
)
def test_each_fault_of_the_queue_has_its_consequence(trouble, error):
    with pytest.raises(error):
        post(Failing(trouble), "url", [{"MessageBody": "x"}])
    with pytest.raises(error):
        SqsDeadLetters({"alerts": "url"}, Failing(trouble)).depths()


def test_the_depth_of_each_dead_letter_queue_is_told_by_its_name(sqs):
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("alerts", "jobs")}
    for number in range(3):
        sqs.send_message(QueueUrl=urls["jobs"], MessageBody=str(number))
    assert SqsDeadLetters(urls, sqs).depths() == {"alerts": 0, "jobs": 3}


def test_the_queues_in_memory_keep_the_same_promises():
    signals, alerts = MemorySignals(), MemoryAlerts(["log", "telegram"])
    signals.send([signal(1), signal(2)])
    signals.send([signal(1)])
    alerts.send([Alert(id="a", kind=Kind.TEST, at=Millis(0))])
    assert [each.id for each in signals.waiting] == ["s1", "s2"]
    assert [each.channel for each in alerts.waiting] == ["log", "telegram"]
    assert [each.id for each in alerts.sent] == ["a"]
