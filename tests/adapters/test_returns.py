"""D9, E3: what a worker could not handle comes back within seconds, in its order."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from core.adapters.returns import SqsReturns, pause_s
from core.domain.errors import Transient


@pytest.fixture
def sqs(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("sqs", region_name="ap-northeast-2")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "120"})["QueueUrl"]


def taken(sqs, url):
    return [m["ReceiptHandle"] for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", [])]


def test_a_hidden_message_is_shown_when_its_queue_is_told_so(sqs, url):
    sqs.send_message(QueueUrl=url, MessageBody="sell")
    (receipt,) = taken(sqs, url)
    assert taken(sqs, url) == []

    SqsReturns(url, sqs).show(receipt, 0)

    assert len(taken(sqs, url)) == 1


def test_a_message_that_is_gone_is_told_in_one_sentence(sqs, url):
    with pytest.raises(Transient, match="comes back late"):
        SqsReturns(url, sqs).show("no such receipt", 1)


def test_a_queue_that_does_not_answer_is_told_too(url):
    class Silent:
        def change_message_visibility(self, **_):
            raise EndpointConnectionError(endpoint_url="http://q")

    with pytest.raises(Transient, match="EndpointConnectionError"):
        SqsReturns(url, Silent()).show("r", 1)


def test_no_message_is_hidden_for_longer_than_three_seconds():
    assert [pause_s(n) for n in range(1, 30)] == [1, 2, *[3] * 27]
