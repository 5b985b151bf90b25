"""Level state in the state table: one row for each class and market, and for each tag where there is one.

A level is msgspec JSON under zlib. One that does not fit a row lies in parts, each under the head's own generation: the
head is written last and names the generation, so that a reader finds all of one write or all of another, never a mix.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, PynamoDBException
from pynamodb.models import Model

from core.adapters.models import LOADER
from core.app.ports import Clock
from core.domain.errors import CoreError, Misconfigured, Transient
from core.domain.values import Market

T = TypeVar("T")

ROOM = 350_000
"""Bytes of value in one row; DynamoDB refuses an item above 400 KB, names included."""

LOOKS = 5
"""How often a reader looks again when the parts it was led to have been replaced meanwhile."""

ORPHAN_S = 7 * 86_400
"""Parts whose writer died before naming them in a head go by themselves after this long."""

MENDED_BY_A_PERSON = frozenset(
    {"ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException", "ValidationException"}
)

log = logging.getLogger(__name__)


def rows(table: str, access: Mapping[str, str]) -> type[Any]:
    """The table's model. Its time-outs are short: a level that comes late is of no use, and can be read again.

    access  boto3's names for where AWS is and who asks; what is left out is found by botocore itself
    """

    class Row(Model):
        class Meta:
            table_name = table
            host, region = access.get("endpoint_url"), access.get("region_name")
            aws_access_key_id = access.get("aws_access_key_id")
            aws_secret_access_key = access.get("aws_secret_access_key")
            aws_session_token = access.get("aws_session_token")
            connect_timeout_seconds = 2
            read_timeout_seconds = 5
            max_pool_connections = 10

        pk = UnicodeAttribute(hash_key=True)
        sk = UnicodeAttribute(range_key=True)
        value = BinaryAttribute(legacy_encoding=False, null=True)
        generation = UnicodeAttribute(null=True)
        parts = NumberAttribute(default=0)
        expires = NumberAttribute(null=True)

    _connect(Row)
    return Row


def _connect(row: type[Any]) -> None:
    """Make its client at once: pynamodb has a session for each thread, another's would read all models again."""
    connection = row._get_connection().connection
    connection.session.register_component("data_loader", LOADER)
    connection.client  # noqa: B018


class DynamoShelf:
    """Implements `ports.Shelf`. Raises Transient where the table does not answer, Misconfigured where it never will."""

    def __init__(self, table: str, clock: Clock, *, access: Mapping[str, str] = MappingProxyType({}), room: int = ROOM):
        self._table, self._access = table, access
        self._clock, self._room = clock, room

    @cached_property
    def _row(self) -> type[Any]:
        return rows(self._table, self._access)

    def read(self, kind: type[T], market: Market) -> T | None:
        return self._read(kind, market.value)

    def read_tagged(self, kind: type[T], market: Market, tag: str) -> T | None:
        return self._read(kind, f"{market.value}#{tag}")

    def write(self, value: msgspec.Struct, *, ttl_s: int | None = None, tag: str = "") -> None:
        ends = None if ttl_s is None else self._clock() // 1000 + ttl_s
        sk = f"{market_of(value)}#{tag}" if tag else market_of(value)
        try:
            replaced = self._put(value, sk, ends, None)
        except PynamoDBException as trouble:
            raise told(trouble) from trouble
        self._drop(type(value).__name__, sk, replaced)

    def write_once(self, value: msgspec.Struct, tag: str) -> bool:
        try:
            self._put(value, f"{market_of(value)}#{tag}", None, self._row.pk.does_not_exist())
        except PutError as trouble:
            if trouble.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise told(trouble) from trouble
        return True

    def _put(self, value: msgspec.Struct, sk: str, ends: int | None, condition: Any) -> dict[str, Any]:
        """Parts first, head last. Returns what the head was before, as DynamoDB tells it."""
        pk, body, generation = type(value).__name__, zlib.compress(msgspec.json.encode(value), 6), uuid4().hex
        if len(body) <= self._room:
            head = self._row(pk, sk, value=body, expires=ends)
        else:
            starts = range(0, len(body), self._room)
            for part, start in enumerate(starts):
                dies = ends if ends is not None else self._clock() // 1000 + ORPHAN_S
                piece = body[start : start + self._room]
                self._row(pk, part_key(sk, generation, part), value=piece, expires=dies).save()
            head = self._row(pk, sk, generation=generation, parts=len(starts), expires=ends)
        attributes = {name: cell for name, cell in head.serialize().items() if name not in ("pk", "sk")}
        # Model.save() cannot ask for the old row; the same connection can, which saves a read before each write.
        connection = self._row._get_connection()
        reply = connection.put_item(
            pk, range_key=sk, attributes=attributes, condition=condition, return_values="ALL_OLD"
        )
        before: dict[str, Any] = reply.get("Attributes", {})
        return before

    def _drop(self, pk: str, sk: str, replaced: dict[str, Any]) -> None:
        """Take away the parts that the new head no longer names. They expire anyhow: a failure here costs only room."""
        for part in range(int(replaced.get("parts", {}).get("N", "0"))):
            try:
                self._row(pk, part_key(sk, replaced["generation"]["S"], part)).delete()
            except PynamoDBException as trouble:
                log.warning("an old part of a level stays until it expires: %s", trouble)
                return

    def _read(self, kind: type[T], sk: str) -> T | None:
        try:
            body = self._body(kind.__name__, sk)
        except PynamoDBException as trouble:
            raise told(trouble) from trouble
        return None if body is None else decoded(body, kind, sk)

    def _body(self, pk: str, sk: str) -> bytes | None:
        for _ in range(LOOKS):
            head = next(self._rows_of(pk, [sk]), None)
            if head is None or (head.expires is not None and head.expires <= self._clock() // 1000):
                return None
            if not head.parts:
                return bytes(head.value)
            keys = [part_key(sk, head.generation, part) for part in range(int(head.parts))]
            found = {row.sk: row.value for row in self._rows_of(pk, keys)}
            if len(found) == len(keys):
                return b"".join(found[key] for key in keys)
        log.warning("a level has lost its parts and counts as absent: %s %s", pk, sk)
        return None

    def _rows_of(self, pk: str, sks: list[str]) -> Iterator[Any]:
        """Consistent: a use case reads what the one before it wrote."""
        yield from self._row.batch_get([(pk, sk) for sk in sks], consistent_read=True)


def market_of(value: msgspec.Struct) -> str:
    """Market part of a level's key. Raises AttributeError for a struct that is no level."""
    market: Market = value.market  # type: ignore[attr-defined]
    return market.value


def part_key(sk: str, generation: str, part: int) -> str:
    """Range key of one part; no market or tag has a tilde in it."""
    return f"{sk}~{generation}~{part}"


def decoded(body: bytes, kind: type[T], sk: str) -> T | None:
    """The level, or None where it was written by a version with another shape: every level can be made again."""
    try:
        return msgspec.json.decode(zlib.decompress(body), type=kind)
    except (msgspec.DecodeError, zlib.error) as trouble:
        log.warning("a level does not read and counts as absent: %s %s: %s", kind.__name__, sk, trouble)
        return None


def told(trouble: PynamoDBException) -> CoreError:
    """Our error for the table's: what a person must mend, or what passes."""
    code = trouble.cause_response_code
    if code in MENDED_BY_A_PERSON:
        return Misconfigured("the state table cannot be used", code=code, message=trouble.cause_response_message)
    return Transient("the state table did not answer", code=code, message=trouble.cause_response_message)
