"""Signals that a worker gives back, and how long it waits for a venue: an exit lives a minute (D9, E3)."""

import boto3
import pytest

from core.adapters.wiring import QUICK_S, QUICK_TRIES, hurried
from core.domain.errors import Transient
from core.domain.policies import RestPolicy
from core.domain.signals import Signal, signal_id
from core.domain.values import Instrument, Market, Millis, Side
from core.local import template
from functions import worker

AAA = Instrument(Market.UPBIT, "KRW-AAA")
WORKER = template.functions(template.load())["Worker"]


def signal(at):
    return Signal(
        id=signal_id(AAA, Side.SELL, "stop_loss", at), instrument=AAA, side=Side.SELL, rule="stop_loss", price=1000.0, value=-0.09,
        threshold=-0.03, at=at, seen=at, expires=Millis(at + 60_000),
    )  # fmt: skip


@pytest.fixture
def busy(cloud, monkeypatch):
    from core.domain.leases import Busy

    busy = lambda self, ask, at: Busy(holder="other", fence=7, ends=at)
    monkeypatch.setattr(type(cloud.wiring.leases), "grant", busy)
    return cloud


def received(cloud, read_sample, deliveries="1"):
    """The worker's event for one signal that was really taken from the queue, hidden there for two minutes."""
    url, sqs = cloud.wiring.named("HOGA_SIGNALS_QUEUE"), boto3.client("sqs")
    cloud.wiring.signals.send([signal(cloud.wiring.clock())])
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=120)["Messages"]
    event = read_sample("worker")
    (record,) = event["Records"]
    record["body"], record["receiptHandle"] = message["Body"], message["ReceiptHandle"]
    record["attributes"]["ApproximateReceiveCount"] = deliveries
    return event


@pytest.mark.parametrize(("deliveries", "seconds"), [("1", 1), ("2", 2), ("9", 3)])
def test_a_signal_that_goes_back_is_shown_again_within_three_seconds(
    busy, context, read_sample, monkeypatch, deliveries, seconds
):
    event, asked = received(busy, read_sample, deliveries), []
    client = busy.wiring.client("sqs")
    monkeypatch.setattr(client, "change_message_visibility", lambda **how: asked.append(how))

    answer = worker.handler(event, context)

    assert len(answer["batchItemFailures"]) == 1
    assert [(how["ReceiptHandle"], how["VisibilityTimeout"]) for how in asked] == [
        (event["Records"][0]["receiptHandle"], seconds)
    ]


def test_a_signal_whose_return_cannot_be_hastened_goes_back_all_the_same(busy, context, said, read_sample):
    answer = worker.handler(read_sample("worker", signal(busy.wiring.clock())), context)

    assert len(answer["batchItemFailures"]) == 1
    assert [line["level"] for line in said() if line.get("outcome") == "late"] == ["WARNING"]


def test_a_signal_that_was_handled_is_not_shown_again(cloud, context, read_sample, monkeypatch):
    event, asked = received(cloud, read_sample), []
    monkeypatch.setattr(cloud.wiring.client("sqs"), "change_message_visibility", lambda **how: asked.append(how))

    assert worker.handler(event, context) == {"batchItemFailures": []}  # nothing is held, so nothing is to be sold
    assert asked == []


def test_a_price_and_a_book_that_nobody_answers_leave_a_worker_half_of_its_time():
    """Two questions, each tried as often and as long as it may be, pauses included."""
    quick = hurried(RestPolicy(url="https://rest.test"))
    each_s = QUICK_TRIES * (quick.connect_s + quick.read_s) + sum(quick.backoff_s[: QUICK_TRIES - 1]) * 2

    assert quick.read_s == QUICK_S
    assert 2 * each_s <= 0.7 * WORKER["Timeout"]


def test_an_owner_who_is_less_patient_stays_so():
    assert hurried(RestPolicy(url="https://rest.test", connect_s=0.5, read_s=1.0)).read_s == 1.0


def test_a_trade_asks_with_little_patience_and_a_scan_with_all_of_it(cloud):
    wiring = cloud.wiring
    desk_asks, scan_asks = wiring.quick_quotes(Market.UPBIT), wiring.quotes(Market.UPBIT)

    assert desk_asks is wiring.quick_quotes(Market.UPBIT)
    assert desk_asks is not scan_asks


def test_a_trade_gives_up_after_two_tries_whatever_a_scan_may_try(cloud, venue, settings_text):
    cloud.settings(text=settings_text.replace("tries: 2", "tries: 6").format(url=venue.url, more=""))
    venue.down = True
    desk = cloud.wiring.desk(Market.UPBIT, "me", Millis(20_000))

    with pytest.raises(Transient):
        desk.last_price("KRW-AAA")
    assert venue.asked.count("/v1/ticker") == QUICK_TRIES


def test_one_message_at_a_time_and_enough_of_them_for_an_exits_life():
    (feed,) = [event["Properties"] for event in WORKER["Events"].values() if event["Type"] == "SQS"]
    queue = template.load()["Resources"]["SignalsQueue"]["Properties"]

    assert feed["BatchSize"] <= 2
    assert queue["RedrivePolicy"]["maxReceiveCount"] * 3 >= 60
    assert {"Effect": "Allow", "Action": ["sqs:ChangeMessageVisibility"], "Resource": {"Fn::GetAtt": ["SignalsQueue", "Arn"]}} in [
        *template.statements("Worker", template.load())
    ]  # fmt: skip


def test_an_alert_that_a_chat_service_did_not_take_comes_back_when_it_was_told_to(
    cloud, context, read_sample, monkeypatch
):
    """F4: the queue's own three minutes are for functions that died; nothing is lost in between."""
    from core.domain.errors import RateLimited
    from functions import notify

    def busy(self, alert, picture):
        raise RateLimited("the chat service is busy", after_ms=6_400)

    (notifier,) = cloud.wiring.notifiers.values()
    monkeypatch.setattr(type(notifier), "send", busy)
    asked, client = [], cloud.wiring.client("sqs")
    monkeypatch.setattr(client, "change_message_visibility", lambda **how: asked.append(how["VisibilityTimeout"]))
    event = read_sample("notify")

    answer = notify.handler(event, context)

    assert len(answer["batchItemFailures"]) == len(event["Records"])
    assert asked == [7] * len(event["Records"])


def test_a_chat_service_that_is_down_for_a_quarter_of_an_hour_loses_no_alert():
    from core.adapters.returns import ALERT_STEPS_S, pause_s

    queue = template.load()["Resources"]["AlertsQueue"]["Properties"]
    deliveries = queue["RedrivePolicy"]["maxReceiveCount"]
    assert sum(pause_s(n, ALERT_STEPS_S) for n in range(1, deliveries)) >= 15 * 60
