"""Log lines and metrics of what runs outside Lambda: one JSON object a line, and the metrics that CloudWatch reads.

Functions use the same shapes through Powertools (functions/_runtime.py); the streamer and the command line use these.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TextIO

import msgspec

from core.domain.values import Millis


def namespace(stage: str) -> str:
    """One for each stage: two stages of one account would else hear each other's heartbeats.

    >>> namespace("dev")
    'hoga/dev'
    """
    return f"hoga/{stage}"


PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record carries; anything else was given by `extra` and is shown."""


class JsonLines(logging.Formatter):
    """One record as one JSON object: level, service, message, at (epoch ms), and whatever `extra` gave."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "level": record.levelname,
            "service": self._service,
            "message": record.getMessage(),
            "at": int(record.created * 1000),
            "logger": record.name,
            **{name: value for name, value in vars(record).items() if name not in PLAIN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def write_json(service: str, sink: TextIO, level: int = logging.INFO) -> logging.Handler:
    """Send every log line of this process to `sink` as JSON. Called again, it replaces its own earlier handler."""
    handler = logging.StreamHandler(sink)
    handler.setFormatter(JsonLines(service))
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept.formatter, JsonLines)] + [handler]
    root.setLevel(level)
    return handler


def metric_line(
    values: Mapping[str, float],
    dimensions: Mapping[str, str],
    at: Millis,
    *,
    stage: str,
    unit: str = "Count",
    **properties: object,
) -> str:
    """One line of CloudWatch's embedded metric format.

    Args:
        values: figure by metric name, PascalCase, at least one and at most 100 of them.
        dimensions: `service` and `market` as a rule; properties are searchable, but split no metric.

    Source: CloudWatch Logs, "Specification: Embedded metric format".

    >>> metric_line({"Signals": 2}, {"service": "streamer", "market": "upbit"}, Millis(5), stage="dev")
    '{"_aws":{"Timestamp":5,"CloudWatchMetrics":[{"Namespace":"hoga/dev","Dimensions":[["service","market"]],\
"Metrics":[{"Name":"Signals","Unit":"Count"}]}]},"service":"streamer","market":"upbit","Signals":2}'
    """
    metrics = [{"Name": name, "Unit": unit} for name in values]
    directive = {"Namespace": namespace(stage), "Dimensions": [list(dimensions)], "Metrics": metrics}
    envelope = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}}
    return msgspec.json.encode({**envelope, **dimensions, **properties, **values}, enc_hook=str).decode()
