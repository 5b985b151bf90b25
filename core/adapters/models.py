"""botocore's descriptions of AWS, read once for all clients of a process and without what no client looks at.

A client of DynamoDB costs 12 MB as it comes: documentation of every field, and the addresses of four hundred services.
Each session has a loader of its own, so pynamodb's would read all of it a second time.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader

SERVICES = frozenset({"dynamodb", "sqs", "ssm", "events"})
"""Whose addresses are kept; of others botocore's rule for the partition holds, which is right for nearly every one."""
Parts = dict[str, msgspec.Raw]


class Undocumented(JSONFileLoader):
    """Reads what botocore does, and gives less."""

    def load_file(self, file_path: str) -> Any:
        """None where there is no such file."""
        plain, packed = Path(file_path + ".json"), Path(file_path + ".json.gz")
        if plain.is_file():
            return lean(plain.read_bytes())
        return lean(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


def lean(body: bytes) -> dict[str, Any]:
    """A file's content, but what no client looks at. It is taken apart part by part: as a whole the file of addresses
    is 8 MB of objects for a moment, in holes of which the process lives ever after.

    >>> lean(b'{"version": 3, "partitions": [{"partition": "aws", "services": {"sqs": {}, "s3": {}}}]}')
    {'version': 3, 'partitions': [{'partition': 'aws', 'services': {'sqs': {}}}]}
    """
    return {name: part(name, value) for name, value in decoded(body, Parts).items() if not _told(name, value)}


def part(name: str, value: msgspec.Raw) -> Any:
    """What a file has under one name."""
    match name:
        case "partitions":
            return [known(row) for row in decoded(value, list[Parts])]
        case "operations" | "shapes":
            return {each: bare(decoded(row)) for each, row in decoded(value, Parts).items()}
    return decoded(value) if name == TAKEN else bare(decoded(value))


def known(partition: Parts) -> dict[str, Any]:
    """A part of AWS with the addresses of SERVICES only; botocore's other file of partitions has none at all."""
    rows = decoded(partition["services"], Parts) if "services" in partition else {}
    kept = {name: bare(decoded(row)) for name, row in rows.items() if name in SERVICES}
    return {name: kept if name == "services" else bare(decoded(value)) for name, value in partition.items()}


def _told(name: str, value: msgspec.Raw) -> bool:
    return name == "documentation" and bytes(value).startswith(b'"')


def decoded(body: bytes | msgspec.Raw, kind: Any = Any) -> Any:
    return msgspec.json.decode(body, type=kind)


TAKEN = "clientContextParams"
"""The one part whose documentation botocore takes for granted. No service here has it yet, but Lambda brings a botocore
of its own, and newer ones without a word."""


def bare(found: Any) -> Any:
    """Without documentation, however deep.

    >>> bare({"shapes": [{"type": "string", "documentation": "<p>A name.</p>"}]})
    {'shapes': [{'type': 'string'}]}
    """
    match found:
        case dict():
            return {
                name: value if name == TAKEN else bare(value)
                for name, value in found.items()
                if name != "documentation" or not isinstance(value, str)
            }
        case list():
            return [bare(value) for value in found]
    return found


LOADER = Loader(file_loader=Undocumented())
