"""Frames that did not read: kept in a small file for a developer, logged and alerted ever more rarely."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import msgspec

from core.domain.effects import Announce
from core.domain.errors import WireSurprise
from core.domain.events import Complaint, Drift
from core.domain.messages import Alert, Kind
from core.domain.values import Market, Millis

KEPT = 200
"""Frames kept for each process: a venue that changed its format must not fill the disk."""
SAMPLE = 600
"""Bytes of a grown frame that go into its alert; the whole is in the file."""
log = logging.getLogger(__name__)


class Quarantine:
    """One market's odd frames, in `<folder>/quarantine-<market>.jsonl`. count: since the start."""

    def __init__(self, market: Market, folder: Path) -> None:
        self._market, self._path = market, folder / f"quarantine-{market.value}.jsonl"
        self._kept = 0
        self._grown: set[tuple[str, int]] = set()
        self.count = 0

    def keep(self, frame: bytes, surprise: WireSurprise, at: Millis) -> list[Announce]:
        """Set one frame aside. The answer is an alert at the 1st, 2nd, 4th, 8th ... and nothing in between."""
        self.count += 1
        self._write(frame, surprise, at)
        if self.count & (self.count - 1):
            return []
        log.warning("a frame did not read", extra={"outcome": "quarantined", "count": self.count, "why": str(surprise)})
        memo = f"{self.count} x {surprise.found}"
        return [Announce(self._alert("surprise", at, memo))]

    def complained(self, complaint: Complaint) -> list[Announce]:
        """The venue refused what we sent."""
        extra = {"outcome": "refused", "complaint": complaint.name, "why": complaint.message}
        log.error("the venue refused a request", extra=extra)
        return [Announce(self._alert(complaint.name, complaint.seen, complaint.message))]

    def grown(self, drift: Drift) -> list[Announce]:
        """A frame read, but its records are wider than known: kept and told once for each stream and width (D1)."""
        kind = (drift.topic, drift.fields)
        if kind in self._grown:
            return []
        self._grown.add(kind)
        found = f"{drift.topic} has {drift.fields} fields, {drift.known} are known"
        log.warning("a frame has grown", extra={"outcome": "read", "why": found})
        self._write(drift.body, WireSurprise(found), drift.seen)
        sample = drift.body[:SAMPLE].decode("utf-8", "replace")
        return [Announce(self._alert(f"drift {drift.topic} {drift.fields}", drift.seen, f"{found}: {sample}"))]

    def _alert(self, rule: str, at: Millis, memo: str) -> Alert:
        key = f"{self._market.value}:wire:{rule}:{at}"
        return Alert(id=key, kind=Kind.WIRE, at=at, market=self._market, rule=rule, memo=memo)

    def _write(self, frame: bytes, surprise: WireSurprise, at: Millis) -> None:
        if self._kept >= KEPT:
            return
        self._kept += 1
        row = {"at": at, "why": str(surprise), "frame": base64.b64encode(frame).decode()}
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
        except OSError as fault:
            self._kept = KEPT
            log.warning("odd frames cannot be kept", extra={"outcome": "skipped", "why": str(fault)})
