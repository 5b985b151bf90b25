"""botocore's descriptions of AWS, read once for all clients of a process and without what no client looks at.

A client of DynamoDB costs 12 MB as it comes: documentation of every field, and the addresses of four hundred services.
Each session has a loader of its own, so pynamodb's would read all of it a second time.
"""

from __future__ import annotations

from typing import Any

from botocore.loaders import JSONFileLoader, Loader

SERVICES = frozenset({"dynamodb", "sqs", "ssm", "events"})
"""Whose addresses are kept; of others botocore's rule for the partition holds, which is right for nearly every one."""


class Undocumented(JSONFileLoader):
    """Reads as botocore does, and gives less."""

    def load_file(self, file_path: str) -> Any:
        """None where there is no such file."""
        found = super().load_file(file_path)
        if found and "partitions" in found:
            found = {**found, "partitions": [known(partition) for partition in found["partitions"]]}
        return bare(found)


def known(partition: dict[str, Any]) -> dict[str, Any]:
    """A part of AWS with the addresses of SERVICES only; botocore's other file of partitions has none at all.

    >>> known({"partition": "aws", "services": {"sqs": {}, "s3": {}}})
    {'partition': 'aws', 'services': {'sqs': {}}}
    """
    if "services" not in partition:
        return partition
    return {**partition, "services": {name: row for name, row in partition["services"].items() if name in SERVICES}}


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
