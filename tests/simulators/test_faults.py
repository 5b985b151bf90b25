"""Scripted faults as values: what begins when, what it hits, and what a frame turns into."""

from core.simulators.faults import Fault, Faults, Kind, Mangler, Planned


def running(kind: Kind, **more) -> Faults:
    faults = Faults([Planned(fault=Fault(kind=kind, **more))])
    faults.begin(0)
    faults.due(0)
    return faults


def test_a_schedule_begins_each_fault_at_its_time():
    faults = Faults(
        [Planned(fault=Fault(kind=Kind.DROP), at_s=2), Planned(fault=Fault(kind=Kind.STALL, for_s=1), at_s=3)]
    )
    faults.begin(1000)
    assert faults.due(2999) == []
    assert [fault.kind for fault in faults.due(3000)] == [Kind.DROP]
    assert faults.running(3000) == []
    assert faults.due(4000) == []
    assert [fault.kind for fault in faults.running(4999)] == [Kind.STALL]
    assert faults.running(5000) == []


def test_a_fault_with_a_count_hits_so_many_times():
    faults = running(Kind.HTTP, count=2)
    assert [faults.take(Kind.HTTP, 5) is not None for _ in range(3)] == [True, True, False]


def test_a_fault_with_a_time_hits_as_often_as_it_likes_until_it_ends():
    faults = running(Kind.HTTP, for_s=1.0)
    assert all(faults.take(Kind.HTTP, 999) for _ in range(50))
    assert faults.take(Kind.HTTP, 1000) is None


def test_a_fault_with_neither_hits_once():
    faults = running(Kind.SLOW)
    assert faults.take(Kind.SLOW, 10**9)
    assert faults.take(Kind.SLOW, 10**9) is None


def test_a_fault_of_a_path_leaves_other_paths_alone():
    faults = running(Kind.HTTP, for_s=5, path="/v1/candles")
    assert faults.take(Kind.HTTP, 1, "/v1/ticker") is None
    assert faults.take(Kind.HTTP, 1, "/v1/candles/days")


def test_an_outage_cuts_what_is_open_and_goes_on():
    faults = Faults()
    faults.cause(Planned(fault=Fault(kind=Kind.REFUSE, for_s=2)), 0)
    assert [fault.kind for fault in faults.due(0)] == [Kind.REFUSE]
    assert faults.take(Kind.REFUSE, 1999)
    assert faults.take(Kind.REFUSE, 2000) is None


def test_clearing_ends_what_runs_and_what_is_to_come():
    faults = running(Kind.STALL, for_s=100)
    faults.cause(Planned(fault=Fault(kind=Kind.DROP), at_s=1), 0)
    faults.clear()
    assert faults.due(10_000) == []
    assert faults.running(0) == []


def passed(faults: Faults, *frames: bytes) -> list[tuple[int, bytes]]:
    mangler = Mangler(faults)
    return [one for frame in frames for one in mangler.pass_on(frame, 0)]


def test_without_faults_a_frame_passes_as_it_is():
    assert passed(Faults(), b"one", b"two") == [(0, b"one"), (0, b"two")]


def test_a_stall_swallows():
    assert passed(running(Kind.STALL, for_s=1), b"one") == []


def test_half_a_text():
    assert passed(running(Kind.HALF_JSON), b"abcdef", b"ghi") == [(0, b"abc"), (0, b"ghi")]


def test_a_duplicate():
    assert passed(running(Kind.DUPLICATE), b"a", b"b") == [(0, b"a"), (0, b"a"), (0, b"b")]


def test_a_pair_changes_places():
    assert passed(running(Kind.REORDER), b"a", b"b", b"c") == [(0, b"b"), (0, b"a"), (0, b"c")]


def test_late_frames_carry_their_delay():
    assert passed(running(Kind.LATE, delay_s=0.3), b"a", b"b") == [(300, b"a"), (0, b"b")]
