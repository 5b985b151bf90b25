"""Who runs in a folder: two runs at once do not meet, the dead are forgotten."""

import os
import subprocess
import sys

import pytest

from core.domain.errors import Refused
from core.domain.values import Millis
from core.local.register import FILE, Standing, enter, found, room


def standing(pid: int, since: int) -> Standing:
    return Standing(
        pid=pid, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=Millis(since)
    )


@pytest.fixture
def dead() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_run_is_found_by_what_it_wrote(tmp_path):
    enter(room(tmp_path, os.getpid()), standing(os.getpid(), 5))

    assert found(tmp_path) == [standing(os.getpid(), 5)]


def test_two_runs_have_folders_of_their_own_and_the_newest_comes_first(tmp_path):
    enter(room(tmp_path, os.getpid()), standing(os.getpid(), 5))
    enter(room(tmp_path, os.getppid()), standing(os.getppid(), 9))

    assert [one.pid for one in found(tmp_path)] == [os.getppid(), os.getpid()]


def test_a_run_that_was_killed_is_not_found_and_its_folder_goes_with_the_next_run(tmp_path, dead):
    enter(room(tmp_path, dead), standing(dead, 5))
    assert found(tmp_path) == []

    room(tmp_path, os.getpid())

    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]


def test_nothing_runs_in_a_folder_where_nothing_ran(tmp_path):
    assert found(tmp_path / "none") == []


def test_a_file_that_does_not_read_is_told_by_name(tmp_path):
    (room(tmp_path, os.getpid()) / FILE).write_text("{")

    with pytest.raises(Refused, match=FILE):
        found(tmp_path)
