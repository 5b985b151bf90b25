"""The clockwork: schedules in KST at any pace (DESIGN section 6)."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import Refused
from core.domain.values import Millis
from core.local.clockwork import Clockwork
from core.local.schedules import Schedule, read

START = Millis(1_700_000_000_000)


def schedule(function: str = "BatchScan", when: str = "cron(* * * * ? *)", **more) -> Schedule:
    return Schedule(
        function=function,
        name="Minutely",
        when=read(when),
        input='{"scheduled":"<aws.scheduler.scheduled-time>"}',
        **more,
    )


class Hand:
    """A clock that moves when told."""

    def __init__(self, at: Millis = START) -> None:
        self.at = at

    def __call__(self) -> Millis:
        return self.at


@given(st.integers(1, 60), st.lists(st.integers(1, 120_000), min_size=1, max_size=30))
def test_at_any_pace_a_moment_is_due_once_however_the_looks_fall(pace, steps):
    hand = Hand()
    works = Clockwork([schedule()], lambda function, event: None, hand, pace=pace)
    looks = 0
    for step in steps:
        hand.at = Millis(hand.at + step)
        looks += len(works.due(hand.at))
        assert works.due(hand.at) == []
    works.close()

    whole = (START + (hand.at - START) * pace) // 60_000 - START // 60_000
    assert min(1, whole) <= looks <= whole


def test_the_scheduled_time_told_is_the_real_one_whatever_the_pace():
    told = []
    works = Clockwork([schedule()], lambda function, event: told.append((function, event)), Hand(), pace=60)

    works.run(schedule(), Millis(START + 1000))
    works.close()

    assert told == [("BatchScan", {"scheduled": "2023-11-14T22:13:21Z"})]


def test_a_failing_function_is_counted_and_the_others_go_on():
    def invoke(function, event):
        if function == "Rank":
            raise Refused("function Rank failed")

    works = Clockwork([schedule(), schedule("Rank")], invoke, Hand())
    for one in works.due(Millis(START + 60_000)):
        works.run(one, START)
    works.close()

    assert works.counts == {"BatchScan": 1, "Rank": 1}
    assert works.faults == {"Rank": 1}
    assert "function Rank failed" in [run.fault for run in works.runs][1]


def test_a_moment_that_comes_while_the_function_runs_is_skipped():
    hand, go, entered = Hand(), threading.Event(), threading.Event()

    def invoke(function, event):
        entered.set()
        assert go.wait(10)

    works = Clockwork([schedule()], invoke, hand)
    for _ in range(2):
        hand.at = Millis(hand.at + 60_000)
        for one in works.due(hand.at):
            works._submit(one, hand.at)
    assert entered.wait(10)
    go.set()
    works.close()

    assert works.skipped == {"BatchScan": 1}
    assert works.counts == {"BatchScan": 1}


def test_a_disabled_schedule_never_fires():
    works = Clockwork([schedule(enabled=False)], lambda function, event: None, Hand())

    assert works.due(Millis(START + 3_600_000)) == []
    works.close()


def test_a_started_clockwork_fires_by_itself():
    fired, hand = threading.Event(), Hand()
    works = Clockwork([schedule()], lambda function, event: fired.set(), hand)
    works.start()
    hand.at = Millis(START + 60_000)

    assert fired.wait(10)
    works.close()
