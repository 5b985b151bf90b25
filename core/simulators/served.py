"""What a simulator was asked and how it answered, so that a test can say "not one call over the limit"."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

KEPT = 1000
"""Messages of clients that are kept as text."""


class Served:
    """Counters, and one JSON line per refusal, connection or fault where a file is given."""

    def __init__(self, file: Path | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.refusals: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.gaps_ms: dict[str, int] = {}
        self.connections = 0
        self.open = 0
        self.messages = 0
        self.texts: list[str] = []
        self.busiest: dict[str, int] = {}
        self._second: dict[str, tuple[int, int]] = {}
        self._last: dict[str, int] = {}
        self._file = file

    def called(self, path: str, group: str, at: int) -> None:
        """Count one call; `busiest` keeps the most calls of a group within one calendar second."""
        self.calls[path] += 1
        self.groups[group] += 1
        second, count = self._second.get(group, (0, 0))
        count = count + 1 if second == at // 1000 else 1
        self._second[group] = (at // 1000, count)
        self.busiest[group] = max(self.busiest.get(group, 0), count)

    def counted(self, name: str, by: int = 1) -> None:
        """Count something that is neither a call nor a refusal: tokens, registrations, orders, fills."""
        self.counts[name] += by

    def paced(self, name: str, who: str, at: int) -> None:
        """Count one of a series by `who`; `gaps_ms` keeps the least time between two of them."""
        self.counts[name] += 1
        before = self._last.get(f"{name} {who}")
        self._last[f"{name} {who}"] = at
        if before is not None:
            self.gaps_ms[name] = min(self.gaps_ms.get(name, at - before), at - before)

    def answered(self, status: int) -> None:
        self.statuses[status] += 1

    def refused(self, reason: str, at: int, detail: str = "") -> None:
        self.refusals[reason] += 1
        self._note("refused", at, reason=reason, detail=detail)

    def connected(self, at: int) -> None:
        self.connections += 1
        self.open += 1
        self._note("connected", at)

    def disconnected(self, reason: str, at: int) -> None:
        self.open -= 1
        self.closed[reason] += 1
        self._note("disconnected", at, reason=reason)

    def heard(self, text: str) -> None:
        self.messages += 1
        if len(self.texts) < KEPT:
            self.texts.append(text)

    def sent(self, kind: str) -> None:
        self.frames[kind] += 1

    def hit(self, fault: str, at: int) -> None:
        self.faults[fault] += 1
        self._note("fault", at, kind=fault)

    def report(self) -> dict[str, object]:
        """Everything as plain values; keys are strings."""
        counters = ("calls", "groups", "refusals", "frames", "closed", "faults", "busiest", "counts", "gaps_ms")
        figures = {name: dict(getattr(self, name)) for name in counters}
        return {
            **figures,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "connections": self.connections,
            "open": self.open,
            "messages": self.messages,
            "texts": self.texts,
        }

    def _note(self, event: str, at: int, **facts: object) -> None:
        if self._file is None:
            return
        with self._file.open("ab") as lines:
            lines.write(msgspec.json.encode({"at": at, "event": event, **facts}) + b"\n")
