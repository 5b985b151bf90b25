"""C2: the news that the Top N changed, as it goes to EventBridge."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from core.adapters.news import EventBridgeNews
from core.domain.errors import Transient
from core.domain.values import Market, Millis


class Bus:
    """Answers as told and remembers what it was given."""

    def __init__(self, reply):
        self.reply, self.entries = reply, []

    def put_events(self, Entries):
        self.entries += Entries
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def publish(client):
    EventBridgeNews("hoga-bus", client).publish(Market.UPBIT, ["KRW-A"], ["KRW-B"], 7, Millis(123))


def test_the_news_says_who_came_who_went_which_version_and_when():
    bus = Bus({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})

    publish(bus)

    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == ("hoga", "symbols_updated", "hoga-bus")
    assert json.loads(entry["Detail"]) == {
        "market": "upbit", "added": ["KRW-A"], "removed": ["KRW-B"], "version": 7, "at": 123,
    }  # fmt: skip


def test_an_entry_that_the_bus_refuses_is_not_taken_for_published():
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "no room"}]}

    with pytest.raises(Transient, match=r"the event bus refused the news .*no room"):
        publish(Bus(refused))


def test_a_bus_that_does_not_answer_is_transient():
    down = ClientError({"Error": {"Code": "InternalException", "Message": "down"}}, "PutEvents")

    with pytest.raises(Transient, match="the event bus did not answer"):
        publish(Bus(down))


def test_the_real_interface_takes_the_entry(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client(
            "events", region_name="ap-northeast-2", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        client.create_event_bus(Name="hoga-bus")

        publish(client)
