"""What goes wrong in a simulated venue or chat service, by time or by command. Pure: what is due is a value."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """DROP, HALF_FRAME and FAREWELL happen to the open streams at once; the others last for a time or a count."""

    DROP = "drop"
    HALF_FRAME = "half_frame"
    FAREWELL = "farewell"
    STALL = "stall"
    HALF_JSON = "half_json"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LATE = "late"
    HTTP = "http"
    SLOW = "slow"
    REFUSE = "refuse"
    LOST_REQUEST = "lost_request"
    LOST_REPLY = "lost_reply"
    REGISTER = "register"


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    kind         drop         cut every open stream without a close frame
                 half_frame   send the head of a frame and cut the line in its middle
                 farewell     open streams are told that they end, and are cut `delay_s` later; a venue that has no
                              word for it cuts them at once
                 stall        streams stay open and say nothing, not even status frames
                 half_json    data frames end in the middle of their text
                 duplicate    data frames come twice
                 reorder      data frames change places in pairs
                 late         data frames come `delay_s` late
                 http         calls are answered with `status`
                 slow         calls are answered after `delay_s`
                 refuse       outage: every call and connect is cut without an answer, open streams too
                 lost_request the call is not carried out, and its line is cut (or answered with `code`)
                 lost_reply   the call is carried out, and its line is cut all the same (or answered with `code`)
                 register     registrations on a stream are answered with `code`
    for_s        how long it lasts; 0 with a count means until the count is used up
    count        how many frames or calls it hits; 0 means all within `for_s`. Neither given means one
    code         the venue's own code for the answer; "" = the usual one, or none where the line is cut
    path         only calls whose path begins so ("" = all)
    retry_after  seconds, told with `status`; None leaves it out
    """

    kind: Kind
    for_s: float = 0.0
    count: int = 0
    delay_s: float = 1.0
    status: int = 503
    retry_after: float | None = None
    path: str = ""
    code: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and when it comes, in seconds after the schedule began (or after the command)."""

    fault: Fault
    at_s: float = 0.0


class Running(msgspec.Struct):
    """A fault under way: `ends` in epoch ms or None, `left` hits or None."""

    fault: Fault
    ends: int | None
    left: int | None


CUTS = frozenset({Kind.DROP, Kind.HALF_FRAME, Kind.FAREWELL})
INSTANT = CUTS | {Kind.REFUSE}


class Faults:
    """The schedule and what is under way."""

    def __init__(self, schedule: Iterable[Planned] = ()) -> None:
        self._schedule = list(schedule)
        self._waiting: list[tuple[int, Fault]] = []
        self._running: list[Running] = []

    def begin(self, at: int) -> None:
        """Start the schedule's clock."""
        for planned in self._schedule:
            self.cause(planned, at)

    def cause(self, planned: Planned, at: int) -> None:
        """Let a fault come at `at` + `at_s`."""
        self._waiting.append((at + round(planned.at_s * 1000), planned.fault))

    def clear(self) -> None:
        """End everything, what is still to come included."""
        self._waiting.clear()
        self._running.clear()

    def due(self, at: int) -> list[Fault]:
        """Let begin what is due by `at`; gives those that cut open streams at once."""
        begun = [fault for when, fault in self._waiting if when <= at]
        self._waiting = [(when, fault) for when, fault in self._waiting if when > at]
        self._running += [_running(fault, at) for fault in begun if fault.kind not in CUTS]
        return [fault for fault in begun if fault.kind in INSTANT]

    def take(self, kind: Kind, at: int, path: str = "") -> Fault | None:
        """The fault of this kind that hits now, counted; None where nothing does."""
        self._running = [running for running in self._running if not _over(running, at)]
        for running in self._running:
            if running.fault.kind is kind and path.startswith(running.fault.path):
                if running.left is not None:
                    running.left -= 1
                return running.fault
        return None

    def running(self, at: int) -> list[Fault]:
        """What is under way at `at`."""
        return [running.fault for running in self._running if not _over(running, at)]


def _running(fault: Fault, at: int) -> Running:
    ends = at + round(fault.for_s * 1000) if fault.for_s else None
    left = fault.count or None
    return Running(fault, ends, 1 if ends is None and left is None else left)


def _over(running: Running, at: int) -> bool:
    return (running.ends is not None and at >= running.ends) or running.left == 0


class Mangler:
    """What one stream's data frames turn into on their way: a list of (delay in ms, frame), perhaps empty."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: list[bytes] = []

    def pass_on(self, frame: bytes, at: int) -> list[tuple[int, bytes]]:
        """Carry one data frame through the faults of the moment; a frame held for reordering comes with the next."""
        if self._faults.take(Kind.STALL, at):
            return []
        late = self._faults.take(Kind.LATE, at)
        delay = round(late.delay_s * 1000) if late else 0
        if self._faults.take(Kind.HALF_JSON, at):
            frame = frame[: len(frame) // 2]
        frames = [frame, frame] if self._faults.take(Kind.DUPLICATE, at) else [frame]
        if self._held:
            frames, self._held = frames + self._held, []
        elif self._faults.take(Kind.REORDER, at):
            frames, self._held = [], frames
        return [(delay, one) for one in frames]
