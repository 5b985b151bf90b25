"""The shelf: levels written whole and read whole, in DynamoDB (moto: single-threaded marshalling) and in memory."""

import random

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from core.adapters.dynamo import shelf as dynamo
from core.adapters.dynamo.shelf import DynamoShelf
from core.adapters.memory.shelf import MemoryShelf
from core.domain.errors import Misconfigured, Transient
from core.domain.levels import Candidate, DayReport, SafeSet, Saved, Targets
from core.domain.values import Market, Millis
from tests.cloud import shape

TABLE = "state"


class Hands:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.at = Millis(1_700_000_000_000)

    def __call__(self) -> Millis:
        return self.at


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def table(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_REGION": "ap-northeast-2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(TableName=TABLE, **shape("StateTable"))
        yield client


@pytest.fixture(params=["dynamo", "memory"])
def shelf(request, hands):
    if request.param == "memory":
        return MemoryShelf(hands)
    request.getfixturevalue("table")
    return DynamoShelf(TABLE, hands)


def targets(*symbols, version=1):
    return Targets(
        market=Market.UPBIT,
        at=Millis(5),
        version=version,
        candidates=tuple(Candidate(symbol, 1.5) for symbol in symbols),
    )


def saved(size, seed=1):
    """A level that does not compress, so that its size on the shelf is its size here."""
    return Saved(
        market=Market.UPBIT, at=Millis(1), wanted=("KRW-BTC",), cooldowns={}, engine=random.Random(seed).randbytes(size)
    )


def rows(client):
    return client.scan(TableName=TABLE)["Items"]


def test_a_level_reads_back_as_it_was_written(shelf):
    shelf.write(targets("KRW-BTC", "KRW-ETH"))

    assert shelf.read(Targets, Market.UPBIT) == targets("KRW-BTC", "KRW-ETH")


def test_a_level_nobody_wrote_is_none(shelf):
    assert shelf.read(Targets, Market.UPBIT) is None
    assert shelf.read_tagged(Targets, Market.UPBIT, "x") is None


def test_a_second_write_replaces_the_first(shelf):
    shelf.write(targets("KRW-BTC"))
    shelf.write(targets("KRW-ETH", version=2))

    assert shelf.read(Targets, Market.UPBIT).version == 2


def test_classes_do_not_get_in_each_others_way(shelf):
    shelf.write(targets("KRW-BTC"))

    assert shelf.read(SafeSet, Market.UPBIT) is None


def test_a_level_with_a_time_to_live_is_gone_when_it_ends_even_before_the_table_sweeps_it(shelf, hands):
    shelf.write(targets("KRW-BTC"), ttl_s=60)
    assert shelf.read(Targets, Market.UPBIT) is not None

    hands.at = Millis(hands.at + 60_000)

    assert shelf.read(Targets, Market.UPBIT) is None


def test_what_is_written_once_stays_as_it_was_first(shelf):
    """G2: the daily summary is idempotent."""
    first = shelf.write_once(targets("KRW-BTC"), "2026-09-23")
    second = shelf.write_once(targets("KRW-ETH"), "2026-09-23")
    other = shelf.write_once(targets("KRW-XRP"), "2026-09-24")

    assert (first, second, other) == (True, False, True)
    assert shelf.read_tagged(Targets, Market.UPBIT, "2026-09-23") == targets("KRW-BTC")
    assert shelf.read(Targets, Market.UPBIT) is None


def test_what_is_read_is_not_what_was_written_but_its_equal(shelf):
    names = {"KRW-BTC": "Bitcoin"}
    shelf.write(SafeSet(market=Market.UPBIT, at=Millis(1), safe=(), excluded=(), names=names))
    names["KRW-BTC"] = "changed later"

    assert shelf.read(SafeSet, Market.UPBIT).names == {"KRW-BTC": "Bitcoin"}


def test_money_keeps_every_digit(shelf):
    from decimal import Decimal

    zero, exact = Decimal(0), Decimal("123456789.123456789123456789")
    report = DayReport(
        market=Market.UPBIT, day="2026-09-23", at=Millis(1), trades=1, wins=1, pnl=exact, fees=zero, taxes=zero,
        average=exact, worst=zero, drawdown=zero, curve=((Millis(1), exact),),
    )  # fmt: skip
    shelf.write(report)

    assert shelf.read(DayReport, Market.UPBIT) == report


# ---- parts ------------------------------------------------------------------------------------------------------


def test_a_level_above_one_rows_room_is_split_and_reads_back_whole(table, hands):
    shelf = DynamoShelf(TABLE, hands)
    shelf.write(saved(900_000))

    assert shelf.read(Saved, Market.UPBIT) == saved(900_000)
    assert len(rows(table)) > 3
    assert all(len(row.get("value", {"B": b""})["B"]) <= dynamo.ROOM for row in rows(table))


def test_a_split_level_leaves_nothing_behind_when_it_is_replaced(table, hands):
    shelf = DynamoShelf(TABLE, hands, room=1_000)
    shelf.write(saved(5_000, seed=1))
    shelf.write(saved(2_500, seed=2))
    assert len(rows(table)) == 1 + int(head(table)["parts"]["N"])

    shelf.write(saved(10))

    assert len(rows(table)) == 1
    assert shelf.read(Saved, Market.UPBIT) == saved(10)


def head(client):
    return client.get_item(TableName=TABLE, Key={"pk": {"S": "Saved"}, "sk": {"S": "upbit"}})["Item"]


@pytest.mark.parametrize("written", range(8))
def test_a_writer_that_dies_after_any_row_leaves_the_old_level_whole(table, hands, written):
    DynamoShelf(TABLE, hands, room=1_000).write(saved(3_000, seed=1))
    dying = DynamoShelf(TABLE, hands, room=1_000)
    save, done = dying._row.save, []

    def save_some(self, *args, **kwargs):
        if len(done) == written:
            raise SystemExit
        done.append(self.sk)
        return save(self, *args, **kwargs)

    dying._row.save = save_some
    try:
        dying.write(saved(6_000, seed=2))
    except SystemExit:
        expected = saved(3_000, seed=1)
    else:
        expected = saved(6_000, seed=2)

    assert DynamoShelf(TABLE, hands).read(Saved, Market.UPBIT) == expected


def test_parts_that_no_head_names_expire_by_themselves(table, hands):
    DynamoShelf(TABLE, hands, room=1_000).write(saved(3_000))

    parts = [row for row in rows(table) if "~" in row["sk"]["S"]]
    assert parts
    assert all(int(row["expires"]["N"]) == hands.at // 1000 + dynamo.ORPHAN_S for row in parts)
    assert "expires" not in head(table)


def test_a_reader_that_is_overtaken_by_a_writer_gets_the_new_level_and_no_mix(table, hands):
    shelf = DynamoShelf(TABLE, hands, room=1_000)
    shelf.write(saved(3_000, seed=1))
    ask, asked = shelf._rows_of, []

    def overtaken(pk, sks):
        asked.append(sks)
        if len(asked) == 2:  # the reader has the head and is about to ask for its parts
            DynamoShelf(TABLE, hands, room=1_000).write(saved(4_000, seed=2))
        return ask(pk, sks)

    shelf._rows_of = overtaken

    assert shelf.read(Saved, Market.UPBIT) == saved(4_000, seed=2)


def test_a_level_whose_parts_were_lost_counts_as_absent(table, hands):
    shelf = DynamoShelf(TABLE, hands, room=1_000)
    shelf.write(saved(3_000))
    part = next(row["sk"] for row in rows(table) if "~" in row["sk"]["S"])
    table.delete_item(TableName=TABLE, Key={"pk": {"S": "Saved"}, "sk": part})

    assert shelf.read(Saved, Market.UPBIT) is None


def test_an_old_part_that_cannot_be_dropped_does_not_fail_the_write(table, hands):
    from pynamodb.exceptions import DeleteError

    shelf = DynamoShelf(TABLE, hands, room=1_000)
    shelf.write(saved(3_000))

    def refuse(self):
        raise DeleteError("no")

    shelf._row.delete = refuse
    shelf.write(saved(10))

    assert shelf.read(Saved, Market.UPBIT) == saved(10)


def test_a_level_of_another_shape_counts_as_absent(table, hands):
    table.put_item(
        TableName=TABLE,
        Item={"pk": {"S": "Targets"}, "sk": {"S": "upbit"}, "parts": {"N": "0"}, "value": {"B": b"not zlib"}},
    )

    assert DynamoShelf(TABLE, hands).read(Targets, Market.UPBIT) is None


@given(st.binary(max_size=6_000), st.integers(min_value=500, max_value=3_000))
def test_any_level_survives_any_size_of_row(body, room):
    hands, store = Hands(), {}

    class Rows:
        """As much of a pynamodb model as the shelf uses, over a dict."""

        def __init__(self, pk, sk, value=None, generation=None, parts=0, expires=None):
            self.pk, self.sk, self.value = pk, sk, value
            self.generation, self.parts, self.expires = generation, parts, expires

        def save(self):
            store[self.pk, self.sk] = self

        def delete(self):
            del store[self.pk, self.sk]

        def serialize(self):
            return {name: cell for name, cell in vars(self).items() if cell is not None}

        @classmethod
        def _get_connection(cls):
            return cls

        @classmethod
        def put_item(cls, pk, range_key, attributes, condition, return_values):
            old = store.get((pk, range_key))
            cls(pk, range_key, **attributes).save()
            return {"Attributes": {"parts": {"N": str(old.parts)}, "generation": {"S": old.generation}}} if old else {}

        @classmethod
        def batch_get(cls, keys, consistent_read):
            return [store[key] for key in reversed(keys) if key in store]

    shelf = DynamoShelf(TABLE, hands, room=room)
    shelf._row = Rows
    for engine in (body, body[::-1], b""):
        level = Saved(market=Market.UPBIT, at=Millis(1), wanted=(), cooldowns={}, engine=engine)
        shelf.write(level)
        assert shelf.read(Saved, Market.UPBIT) == level
        assert len(store) == 1 + store["Saved", "upbit"].parts


# ---- faults -----------------------------------------------------------------------------------------------------


def test_a_table_that_is_not_there_is_a_thing_for_a_person(table, hands):
    shelf = DynamoShelf("nowhere", hands)

    for use in (
        lambda: shelf.read(Targets, Market.UPBIT),
        lambda: shelf.write(targets("KRW-BTC")),
        lambda: shelf.write_once(targets("KRW-BTC"), "tag"),
    ):
        with pytest.raises(Misconfigured, match="the state table cannot be used"):
            use()


def test_a_table_that_is_throttled_is_transient():
    from botocore.exceptions import ClientError
    from pynamodb.exceptions import PutError

    busy = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")

    assert isinstance(dynamo.told(PutError("no", busy)), Transient)
    assert "slow down" in str(dynamo.told(PutError("no", busy)))
