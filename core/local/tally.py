"""Counts from CloudWatch's embedded metric lines, as CloudWatch itself would count them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

OURS = "hoga/"
"""How every stage's namespace begins."""


def figures(fields: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Name and sum of every metric that one log line carries; none for a line that is no metric.

    >>> metric = {"Namespace": "hoga/dev", "Dimensions": [[]], "Metrics": [{"Name": "Scans"}]}
    >>> list(figures({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [metric]}, "Scans": [1.0, 1.0]}))
    [('Scans', 2.0)]
    """
    envelope = fields.get("_aws")
    if not isinstance(envelope, dict):
        return
    for directive in envelope.get("CloudWatchMetrics", []):
        if str(directive.get("Namespace", "")).startswith(OURS):
            for metric in directive.get("Metrics", []):
                yield metric["Name"], _sum(fields.get(metric["Name"], 0))


class Tally:
    """Sums by metric name, and by metric name and reason where a line has one."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = {}

    def take(self, fields: Mapping[str, Any]) -> list[str]:
        """Add one line; returns the names it counted."""
        names = []
        for name, value in figures(fields):
            names.append(name)
            self.sums[name] += int(value)
            if reason := fields.get("reason"):
                self.reasons.setdefault(name, Counter())[str(reason)] += int(value)
        return names

    def __getitem__(self, name: str) -> int:
        return self.sums[name]


def _sum(value: Any) -> float:
    return float(sum(value)) if isinstance(value, list) else float(value)
