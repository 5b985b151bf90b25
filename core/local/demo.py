"""A whole trading day in about a minute: everything runs, everything happens once, and the proof is printed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import msgspec

from core.domain.values import Millis
from core.local.board import Board
from core.local.day import clock_of, pressed
from core.local.evidence import reported, waiting
from core.local.look import View
from core.local.report import Report
from core.local.running import running
from core.local.system import Plan, System
from core.local.waking import unwaited
from core.venues.spec import venue

DROP_AFTER_S, LOOK_AGAIN_S = 25.5, 27.0
"""When the stream is cut, and when the safety filter looks again, after the stories began: one of them raises a
warning at 24 s, and the first two have been sold by then.
"""

SET_UP_S, SLACK_S = 17.0, 4.0
"""From the first program to the opening on two idle cores, and how much longer it may take with no story lost. Where
it takes longer than that, the day is fixed anew, and the functions that know it are woken again."""

ON_AIR_S = 3.0
"""What the streamer takes to start and subscribe on two idle cores."""

WAKING_S, WAKING_SHARE, MOST_WAKING_S = 11.0, 1.2, 120.0
"""What waking all functions and going on the air takes on two idle cores; on a slow or busy machine as long as
everything before it took, and a fifth more, up to a bound."""

TRIES = 3

OPENS_S = 3.0
"""A market with hours opens this long after its day was fixed: the opening auction falls into the waking."""

LOOKS = ("SafetyFilter", "BatchScan")
HIRES = "Sweep"
"""It puts the workers to work. Before the streamer is there it would tell people that it is silent."""

HUSH_MS = 800
"""The streamer stops this long before the day ends, so that nothing is bought for the next day."""

STARTING_S, CLOSING_S = 180.0, 120.0
STEP_S = 0.25


class Day:
    """One demo under way: the system, where it is shown, and when its day ends."""

    def __init__(self, system: System, board: Board) -> None:
        self.system, self._board = system, board
        self.clock = system.plan.clock
        self.begun, self.ends = self.clock(), Millis(0)
        self.phase = "opening"

    @property
    def left_s(self) -> float:
        """Until the day ends."""
        return (self.ends - self.clock()) / 1000

    def fix(self, opens: Millis, ends: Millis) -> None:
        """Tell the exchanges, and the pages that show the day, when it is. The settings in use say the same."""
        self.ends = ends
        if self.system.simulators is not None:
            self.system.simulators.open(opens, ends)
        for market, policy in self.system.settings.markets.items():
            days = venue(market).rules.calendar(policy.day)
            self.system.days[market] = days.day_of(Millis(ends - 1))

    def put_off(self, seconds: float) -> None:
        """End the day that many seconds from now, and give every function settings that say so."""
        opens, ends = hours(self.clock(), seconds)
        self.system.renew(pressed(self.system.settings, opens, ends))
        self.fix(opens, ends)

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


def hours(at: Millis, seconds: float) -> tuple[Millis, Millis]:
    """Opening and end of a day that ends so many seconds from now: whole seconds, as settings name them.

    >>> hours(Millis(1_500), 60.0)
    (4000, 61000)
    """
    opens, ends = at // 1000 * 1000 + round(OPENS_S * 1000), int(at + seconds * 1000) // 1000 * 1000
    return Millis(opens), Millis(ends)


def demo(plan: Plan, board: Board, seconds: float) -> tuple[Report, list[View]]:
    """Run the day; gives the report and the markets as they were left. Raises CoreError where a part does not start."""
    begun = plan.clock()
    opens, ends = hours(begun, SET_UP_S + seconds)
    shaped = msgspec.structs.replace(plan, shape=lambda settings: pressed(settings, opens, ends))
    with running(shaped, lambda step: board.tell(plan.clock(), step)) as system:
        day = Day(system, board)
        day.fix(opens, ends)
        _open(day, seconds)
        _trade(day)
        _close(day)
        return reported(system, (plan.clock() - begun) / 1000), list(system.views.values())


def _open(day: Day, seconds: float) -> None:
    """The first looks, without which the streamer would not know what to watch; then it starts, and the stories."""
    _first_looks(day)
    _on_time(day, seconds)
    if day.system.simulators is not None:
        day.system.simulators.play()
    day.system.clockwork.start()
    day.phase = "trading"
    day.tell(f"the day is open; it ends at {clock_of(day.ends)}")


def _first_looks(day: Day) -> None:
    """What may be bought, and what it looks like. The filter is slow because the venues count its calls, so the other
    functions wake meanwhile."""
    system = day.system
    day.tell("safety filter: listing, flags and daily history; the other functions wake meanwhile")
    with unwaited(1) as pool:
        waking = pool.submit(system.wake, leave=(*LOOKS, HIRES))
        system.clockwork.first("SafetyFilter", day.clock())
        day.step()
        waking.result()
    day.tell("first scan of the safe universe")
    system.clockwork.first("BatchScan", day.clock())
    day.step()


def _on_time(day: Day, seconds: float) -> None:
    """Go on the air with enough of the day left for every story; where it is not, the day ends later."""
    reserve_s = waking_s((day.clock() - day.begun) / 1000)
    for left in reversed(range(TRIES)):
        if day.left_s < seconds + ON_AIR_S - SLACK_S:
            _later(day, seconds + reserve_s)
        _on_air(day)
        if day.left_s >= seconds - SLACK_S or not left:
            return
        day.system.hush()
        reserve_s *= 2


def _later(day: Day, seconds: float) -> None:
    """The day would be over too soon: it ends that many seconds from now, and everything wakes again to know of it."""
    day.tell("this machine is busy: the day begins later")
    day.until(lambda: not waiting(day.system.stack), CLOSING_S)  # new settings end what a function is at
    day.put_off(seconds)
    day.system.wake(leave=(HIRES,))


def _on_air(day: Day) -> None:
    """Start the streamer and the workers, and wait until every market has something subscribed."""
    system, begun = day.system, day.clock()
    system.stream()
    day.until(lambda: all(view.stream and view.stream.started >= begun for view in system.views.values()), STARTING_S)
    system.clockwork.soon(HIRES, day.clock())
    day.until(
        lambda: (
            HIRES in system.clockwork.counts
            and all(view.stream and view.stream.subscribed for view in system.views.values())
        ),
        STARTING_S,
    )


def waking_s(age_s: float) -> float:
    """How long all functions take to wake and the streamer to start, where all before that took `age_s`.

    >>> waking_s(5.0), waking_s(30.0), waking_s(600.0)
    (11.0, 36.0, 120.0)
    """
    return min(max(WAKING_S, WAKING_SHARE * age_s), MOST_WAKING_S)


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
