"""A whole trading day in about a minute: everything runs, everything happens once, and the proof is printed."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from core.domain.sessions import day_of
from core.domain.values import Millis
from core.local.board import Board
from core.local.day import clock_of, pressed
from core.local.evidence import drained, gather
from core.local.report import Report, report
from core.local.running import Plan, System, running
from core.settings import Settings

OPENING_S = 14.0
"""What the opening may take at most: deploying, loading every symbol's daily history within the venue's limits."""

DROP_AFTER = 0.45
"""When in the day the stream is cut, as a share of it."""

HUSH_MS = 800
"""The streamer stops this long before the day ends, so that nothing is bought for the next day."""

CLOSING_S = 30.0
STEP_S = 0.25


class Day:
    """The demo's timetable; it is set when the settings are written, because the day's end is one of them."""

    def __init__(self, seconds: float, clock: Callable[[], Millis]) -> None:
        self._seconds, self._clock = seconds, clock
        self.ends = Millis(0)

    def shape(self, settings: Settings) -> Settings:
        """The settings of a day that ends so many seconds after its opening; whole seconds, as settings name it."""
        after = (OPENING_S + self._seconds) * 1000
        self.ends = Millis(int(self._clock() + after) // 1000 * 1000)
        return pressed(settings, self.ends)


def demo(plan: Plan, board: Board, seconds: float) -> tuple[Report, System]:
    """Run the day; gives the report and the system as it was. Raises CoreError where a part does not start."""
    day = Day(seconds, plan.clock)
    shaped = msgspec.structs.replace(plan, shape=day.shape)
    with running(shaped, lambda step: board.tell(plan.clock(), step)) as system:
        system.day = day_of(Millis(day.ends - 1), system.policy.day)
        begun = plan.clock()
        _open(system, board, day)
        _trade(system, board, day)
        _close(system, board, day)
        evidence = gather(system, (plan.clock() - begun) / 1000)
        return report(system.tally, evidence), system


def _open(system: System, board: Board, day: Day) -> None:
    """The first look of the day: without it the streamer would not know what to watch."""
    for function, told in (
        ("SafetyFilter", "safety filter: listing, flags and daily history"),
        ("BatchScan", "first scan of the safe universe"),
    ):
        board.tell(system.plan.clock(), told)
        run = system.clockwork.first(function, system.plan.clock())
        if run.fault:
            board.tell(run.at, f"{function} failed: {run.fault}")
        _step(system, board, "opening", day)
    system.stream()
    _until(system, board, day, "opening", lambda: bool(system.view.stream and system.view.stream.subscribed), 10.0)
    if system.simulators is not None:
        system.simulators.play()
    system.clockwork.start()
    board.tell(system.plan.clock(), f"the day is open; it ends at {clock_of(day.ends)}")


def _trade(system: System, board: Board, day: Day) -> None:
    """From the opening to the last moment before the day's end; the stream is cut once on the way."""
    begun = system.plan.clock()
    cut = Millis(begun + int((day.ends - begun) * DROP_AFTER))
    while (at := system.plan.clock()) < day.ends - HUSH_MS:
        if cut and at >= cut and system.simulators is not None:
            board.tell(at, "cutting the stream on purpose")
            system.simulators.drop()
            cut = Millis(0)
        _step(system, board, "trading", day)
        time.sleep(STEP_S)
    system.hush()


def _close(system: System, board: Board, day: Day) -> None:
    """Wait, within bounds, until all is sold, the queues are empty and the day is summed up."""
    _until(system, board, day, "closing", lambda: system.plan.clock() > day.ends, CLOSING_S)
    _until(system, board, day, "closing", lambda: not system.view.positions, CLOSING_S)
    system.clockwork.close()
    system.clockwork.first("DailySummary", system.plan.clock())
    _until(system, board, day, "closing", lambda: system.view.summary is not None, CLOSING_S)
    _until(system, board, day, "closing", lambda: drained(system.stack), CLOSING_S)
    time.sleep(2 * STEP_S)
    _step(system, board, "closed", day)


def _until(system: System, board: Board, day: Day, phase: str, done: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        _step(system, board, phase, day)
        if done():
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(STEP_S)


def _step(system: System, board: Board, phase: str, day: Day) -> None:
    at = system.plan.clock()
    for sentence in system.step():
        board.tell(at, sentence)
    board.show(system.frame(phase, day.ends))
