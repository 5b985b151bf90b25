"""A level in several parts, written and read at once on the embedded AWS: whole ones only, and none of them lost."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.adapters.dynamo.shelf import DynamoShelf
from core.domain.levels import Saved
from core.domain.values import Market, Millis
from tests.cloud import CREDENTIALS

pytestmark = pytest.mark.cloud

WRITES, READERS = 60, 3


def level(number):
    """Between one and nine parts of bytes that do not compress, told apart by their number."""
    body = random.Random(number).randbytes(700 * (1 + number * 7 % 9))
    return Saved(market=Market.UPBIT, at=Millis(number), wanted=(), cooldowns={}, engine=body)


def test_readers_beside_two_writers_see_whole_levels_only(tables):
    def shelf():
        access = {**CREDENTIALS, "endpoint_url": tables.endpoint}
        return DynamoShelf(tables.state, lambda: Millis(0), access=access, room=1_000)

    shelf().write(level(0))
    writing = [True, True]

    def write(writer):
        mine = shelf()
        for number in range(1 + writer, WRITES, 2):
            mine.write(level(number))
        writing[writer] = False

    def read():
        mine, seen = shelf(), []
        while any(writing):
            seen.append(mine.read(Saved, Market.UPBIT))
        return seen

    with ThreadPoolExecutor(2 + READERS) as pool:
        readers = [pool.submit(read) for _ in range(READERS)]
        for writer in [pool.submit(write, number) for number in (0, 1)]:
            writer.result()
        seen = [found for reader in readers for found in reader.result()]

    assert len(seen) > READERS
    assert None not in seen
    assert [found.at for found in seen if found != level(found.at)] == []
    parts = tables.client().scan(TableName=tables.state, ConsistentRead=True)["Items"]
    heads = [row for row in parts if "~" not in row["sk"]["S"]]
    assert len(parts) == len(heads) + int(heads[0]["parts"]["N"])
