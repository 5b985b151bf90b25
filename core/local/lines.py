"""What the system says while it runs: every new line of the functions' log groups and of the streamer's log file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from core.domain.values import Millis
from core.local.cloud import Cloud

OVERLAP_MS = 3_000
"""How far back each look reaches: streams of one group are merged by time, and a slow one may come in late."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `source` is the function's or program's name; `fields` its JSON, empty for plain text."""

    source: str
    at: Millis
    text: str
    fields: dict[str, Any]


def line(source: str, at: Millis, text: str) -> Line:
    try:
        parsed = json.loads(text) if text.startswith("{") else {}
    except json.JSONDecodeError:
        parsed = {}
    return Line(source=source, at=at, text=text, fields=parsed)


class GroupLines:
    """New events of one log group, each once."""

    def __init__(self, cloud: Cloud, group: str, since: Millis) -> None:
        self._client = cloud.client("logs")
        self._group = group
        self._newest = since
        self._seen: Counter[tuple[str, int, str]] = Counter()
        self.source = group.rsplit("/", 1)[-1]

    def new(self) -> Iterator[Line]:
        start = self._newest - OVERLAP_MS
        again = Counter[tuple[str, int, str]]()
        for event in self._events(start):
            mark = (event["logStreamName"], event["timestamp"], event["message"])
            again[mark] += 1
            if again[mark] > self._seen[mark]:
                self._newest = max(self._newest, event["timestamp"])
                yield line(self.source, Millis(event["timestamp"]), event["message"].strip())
        self._seen = again

    def _events(self, start: int) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self._client.filter_log_events(
                logGroupName=self._group, startTime=max(0, start)
            )["events"]
        except ClientError as fault:
            if fault.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        return found


class FileLines:
    """New whole lines of a growing file; one not yet finished waits for its end."""

    def __init__(self, source: str, path: Path) -> None:
        self._path = path
        self._at = 0
        self.source = source

    def new(self) -> Iterator[Line]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self._at += len(raw)
                found = line(self.source, Millis(0), raw.decode(errors="replace").strip())
                yield msgspec.structs.replace(found, at=_stamp(found.fields))


def groups(cloud: Cloud, since: Millis) -> list[GroupLines]:
    """A reader for each function's log group."""
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=f"/hoga/{cloud.stage}/")["logGroups"]
    return [GroupLines(cloud, group["logGroupName"], since) for group in found]


def _stamp(fields: Mapping[str, Any]) -> Millis:
    envelope = fields.get("_aws")
    at = envelope.get("Timestamp", 0) if isinstance(envelope, dict) else fields.get("at", 0)
    return Millis(at if isinstance(at, int) else 0)
