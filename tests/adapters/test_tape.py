"""Tapes: what is written is read back, the real captures read whole, and a torn one says where."""

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.tape import TapeWriter, TornTape, frames
from core.domain.errors import WireSurprise
from core.domain.values import Millis

CAPTURES = Path(__file__).parents[2] / ".." / "shared" / "data" / "upbit"
GOOD = b'1618678263.010785: b\'{"ty":"trade"}\'\n'
stamps = st.integers(10**12, 10**13 - 1).map(Millis)


@pytest.mark.parametrize("name", ["tape.txt", "tape.txt.gz"])
@given(rows=st.lists(st.tuples(stamps, st.binary(max_size=60)), max_size=20))
def test_what_was_recorded_is_read_back_to_the_byte_and_the_millisecond(tmp_path_factory, name, rows):
    path = tmp_path_factory.mktemp("tape") / name
    with TapeWriter(path) as tape:
        tape.connected("wss://x/v1", Millis(1_618_678_261_681))
        tape.sent("wss://x/v1", Millis(1_618_678_262_670), b'[{"ticket":"t"}]\n\xff')
        for at, frame in rows:
            tape.received(at, frame)

    assert list(frames(path)) == rows


def test_only_received_frames_come_out(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(
        b"wss://api.upbit.com/websocket/v1 <-> 1618678261.681707\n"
        b'wss://api.upbit.com/websocket/v1 <- 1618678262.670261: [{"ticket":"t"}]\n'
        b"\n" + GOOD + b'https://x/depth?symbol=A -> 1618678262.670261: {"a":1}\n' + b'1618678264: {"e":"trade"}\n'
    )

    assert list(frames(path)) == [
        (1618678263010, b'{"ty":"trade"}'),
        (1618678264000, b'{"e":"trade"}'),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense",
        b"1618678263.0: b'cut",
        b"1618678263.0: b'a' + 1",
        b"1618678263.0: b'a', b'b'",
        b"-1.0: b'a'",
        b"nan: b'a'",
        b"\xff\xfe",
        b"1618678263.0: b'" + b"\\x0" + b"'",
    ],
)
def test_a_bad_line_is_named_after_all_good_ones_were_given(tmp_path, bad):
    path = tmp_path / "t.txt"
    path.write_bytes(GOOD + GOOD + bad + b"\n" + GOOD)
    tape = frames(path)

    assert [next(tape), next(tape)] == [(1618678263010, b'{"ty":"trade"}')] * 2
    with pytest.raises(TornTape, match="line=3"):
        next(tape)


def test_a_tape_cut_inside_its_compression_says_where(tmp_path):
    path = tmp_path / "t.txt.gz"
    path.write_bytes(gzip.compress(GOOD * 2000)[:-20])

    with pytest.raises(TornTape, match="cannot be read on"):
        list(frames(path))


def test_a_tape_that_is_not_there_is_told_plainly(tmp_path):
    with pytest.raises(TornTape, match="absent"):
        list(frames(tmp_path / "absent.txt"))


def test_a_torn_tape_is_a_wire_surprise_with_its_own_remedy():
    assert issubclass(TornTape, WireSurprise)
    assert str(TornTape("A line of the tape is of no known kind", line=3)) == (
        "A line of the tape is of no known kind (line=3). "
        "Take that line out or record again; the lines before it are good."
    )


@pytest.mark.parametrize(("name", "count"), [("ws_simple_20210417.txt", 449), ("ws_simple_20210405_a.txt", 842)])
def test_every_frame_of_a_real_capture_is_found(name, count):
    if not (CAPTURES / name).exists():
        pytest.skip("the captures are not beside this checkout")

    rows = list(frames(CAPTURES / name))

    assert len(rows) == count
    assert all(frame.startswith(b"{") and frame.endswith(b"}") for _, frame in rows)
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(rows))
