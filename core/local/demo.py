"""A whole trading day in about a minute: everything runs, everything happens once, and the proof is printed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import msgspec

from core.domain.values import DAY, Millis
from core.local.board import Board
from core.local.day import clock_of, pressed
from core.local.evidence import reported, waiting
from core.local.look import View
from core.local.report import Report
from core.local.running import running
from core.local.system import Plan, System
from core.venues.spec import venue

DROP_AFTER_S, LOOK_AGAIN_S = 31.5, 33.0
"""When the stream is cut, and when the safety filter looks again, after the stories began: one of them raises a
warning at 30 s, and the first two have been sold by then.
"""

WAKING_S, WAKING_SCANS, MOST_WAKING_S = 8.0, 12.0, 90.0
"""What the first start of all functions takes on two idle cores; on a slow or busy machine so many first scans, up to
a bound."""

OPENS_S = 3.0
"""A market with hours opens this long after the functions are woken: its opening auction falls into their waking."""

HUSH_MS = 800
"""The streamer stops this long before the day ends, so that nothing is bought for the next day."""

CLOSING_S = 60.0
STEP_S = 0.25


class Day:
    """One demo under way: the system, where it is shown, and when its day ends."""

    def __init__(self, system: System, board: Board) -> None:
        self.system, self._board = system, board
        self.clock = system.plan.clock
        self.begun, self.ends = self.clock(), Millis(0)
        self.phase = "opening"

    def settle(self, seconds: float) -> None:
        """Fix the day's end, so many seconds from now (whole ones, as settings name it), and tell every part."""
        self.ends = Millis(int(self.clock() + seconds * 1000) // 1000 * 1000)
        opens = Millis(self.clock() // 1000 * 1000 + round(OPENS_S * 1000))
        self.system.renew(pressed(self.system.settings, opens, self.ends))
        if self.system.simulators is not None:
            self.system.simulators.open(opens, self.ends)
        for market, policy in self.system.settings.markets.items():
            days = venue(market).rules.calendar(policy.day)
            self.system.days[market] = days.day_of(Millis(self.ends - 1))

    def tell(self, sentence: str) -> None:
        self._board.tell(self.clock(), sentence)

    def step(self) -> None:
        for sentence in self.system.step():
            self.tell(sentence)
        self._board.show(self.system.frame(self.phase, self.ends))

    def until(self, done: Callable[[], bool], patience_s: float) -> bool:
        """Go on until something is so; False where the patience ran out first."""
        deadline = time.monotonic() + patience_s
        while True:
            self.step()
            if done():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(STEP_S)


def demo(plan: Plan, board: Board, seconds: float) -> tuple[Report, list[View]]:
    """Run the day; gives the report and the markets as they were left. Raises CoreError where a part does not start."""
    begun = plan.clock()
    shaped = msgspec.structs.replace(plan, shape=lambda settings: pressed(settings, begun, Millis(begun + DAY // 2)))
    with running(shaped, lambda step: board.tell(plan.clock(), step)) as system:
        day = Day(system, board)
        _open(day, seconds)
        _trade(day)
        _close(day)
        return reported(system, (plan.clock() - begun) / 1000), list(system.views.values())


def _open(day: Day, seconds: float) -> None:
    """The first look of the day, without which the streamer would not know what to watch; then the stories begin."""
    system, took_s = day.system, 0.0
    for function, told in (
        ("SafetyFilter", "safety filter: listing, flags and daily history"),
        ("BatchScan", "first scan of the safe universe"),
    ):
        day.tell(told)
        took_s = system.clockwork.first(function, day.clock()).took_ms / 1000
        day.step()
    day.until(lambda: not waiting(system.stack), CLOSING_S)  # new settings end what a function is at
    day.settle(seconds + waking_s(took_s))
    day.tell("waking the functions that wait for queues")
    system.wake()
    system.stream()
    day.until(lambda: all(view.stream and view.stream.subscribed for view in system.views.values()), CLOSING_S)
    if system.simulators is not None:
        system.simulators.play()
    system.clockwork.start()
    day.phase = "trading"
    day.tell(f"the day is open; it ends at {clock_of(day.ends)}")


def waking_s(scan_s: float) -> float:
    """How long all functions take to wake, given how long the first scan took, which woke too.

    >>> waking_s(0.5), waking_s(2.0), waking_s(60.0)
    (8.0, 24.0, 90.0)
    """
    return min(max(WAKING_S, WAKING_SCANS * scan_s), MOST_WAKING_S)


def _trade(day: Day) -> None:
    """From the opening to the last moment before the day's end; the stream is cut once on the way."""
    opened = day.clock()
    planned = deque([(DROP_AFTER_S, _cut), (LOOK_AGAIN_S, _look_again)])
    while (at := day.clock()) < day.ends - HUSH_MS:
        if planned and at - opened >= planned[0][0] * 1000:
            planned.popleft()[1](day)
        day.step()
        time.sleep(STEP_S)
    day.phase = "closing"
    day.tell("the day is over: the streamer stops")
    day.system.hush()


def _cut(day: Day) -> None:
    if day.system.simulators is not None:
        day.tell("cutting the stream on purpose")
        day.system.simulators.drop()


def _look_again(day: Day) -> None:
    day.tell("an hour has passed for the safety filter: it looks again")
    day.system.clockwork.soon("SafetyFilter", day.clock())


def _close(day: Day) -> None:
    """Wait, within bounds, until all is sold, the queues are empty and the day is summed up."""
    system = day.system
    day.until(lambda: day.clock() > day.ends, CLOSING_S)
    day.until(lambda: not any(view.positions for view in system.views.values()), CLOSING_S)
    system.clockwork.close()
    system.clockwork.first("DailySummary", day.clock())
    day.until(lambda: all(view.summary for view in system.views.values()), CLOSING_S)
    if not day.until(lambda: not waiting(system.stack), CLOSING_S):
        day.tell(f"given up waiting for {waiting(system.stack)}")
    time.sleep(STEP_S)
    day.phase = "closed"
    day.step()
