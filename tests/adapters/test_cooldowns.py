"""F3: the table and the memory give the same answers to any history of claims."""

import random

import boto3
import pytest
from moto import mock_aws

from core.adapters.dynamo.cooldowns import DynamoCooldowns
from core.adapters.memory.cooldowns import MemoryCooldowns
from core.app.notify import HOLD_MS
from core.domain.errors import Transient
from core.domain.messages import Alert, Delivery, Kind
from core.domain.values import Millis
from tests.cloud import shape

COOLDOWN = 600_000


@pytest.fixture
def dynamo(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="ap-northeast-2")
        client.create_table(TableName="state", **shape("StateTable"))
        yield client


def delivery(id, rule="fall", *, channel="log", lasting=True):
    return Delivery(channel, Alert(id=id, kind=Kind.SIGNAL, at=Millis(0), rule=rule, lasting=lasting))


@pytest.mark.parametrize("seed", range(30))
def test_table_and_memory_agree_on_any_history(dynamo, seed):
    dice = random.Random(seed)
    stores, at = (DynamoCooldowns("state", dynamo), MemoryCooldowns()), 1_000_000
    for _ in range(40):
        at += dice.choice([0, 1, HOLD_MS - 1, HOLD_MS, 60_000, COOLDOWN - 1, COOLDOWN])
        one = delivery(
            dice.choice("abc"),
            dice.choice(["fall", "cross"]),
            channel=dice.choice(["log", "telegram"]),
            lasting=dice.random() < 0.7,
        )
        match dice.randrange(4):
            case 0:
                answers = [store.sent(one, Millis(at)) for store in stores]
            case 1:
                answers = [store.free(one) for store in stores]
            case _:
                answers = [claimed(store, one, at) for store in stores]
        assert answers[0] == answers[1]


def claimed(store, one, at):
    try:
        return store.claim(one, COOLDOWN, Millis(at))
    except Transient as busy:
        return str(busy)


def test_a_claim_survives_a_restart_and_is_shared(dynamo):
    assert DynamoCooldowns("state", dynamo).claim(delivery("a"), COOLDOWN, Millis(1))
    assert not DynamoCooldowns("state", dynamo).claim(delivery("b"), COOLDOWN, Millis(2))
    assert DynamoCooldowns("state", dynamo).claim(delivery("b"), COOLDOWN, Millis(1 + COOLDOWN))


def test_an_item_expires_only_after_its_cooldown(dynamo):
    DynamoCooldowns("state", dynamo).claim(delivery("a"), COOLDOWN, Millis(5_000))
    (item,) = dynamo.scan(TableName="state")["Items"]
    assert int(item["expires"]["N"]) * 1000 > 5_000 + COOLDOWN


def test_a_table_that_does_not_answer_is_transient(dynamo):
    with pytest.raises(Transient, match="cooldowns do not answer"):
        DynamoCooldowns("elsewhere", dynamo).claim(delivery("a"), COOLDOWN, Millis(1))
