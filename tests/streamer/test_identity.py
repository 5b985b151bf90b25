"""D13: of a process of this machine can be told that it has ended; of any other nothing is ever believed."""

import os
import subprocess
import sys

import pytest

from streamer import identity

ASLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def child():
    made = subprocess.Popen(ASLEEP)
    yield made
    made.kill()
    made.wait()


def test_a_process_that_runs_is_not_gone_and_one_that_was_killed_is_even_before_anybody_asks_after_it(child):
    name = f"{identity.HOME}:{child.pid}"
    assert not identity.gone(name)
    assert not identity.gone(identity.name())
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still listed
    assert identity.gone(name)
    child.wait()
    assert identity.gone(name)


def test_of_another_machine_or_another_run_of_this_one_nothing_is_known(child):
    child.kill()
    child.wait()
    node = identity.HOME.partition("/")[0]
    for place in (f"{node}/00000000", node, "", f"other/{identity.home()}"):
        assert not identity.gone(f"{place}:{child.pid}")
    assert not identity.gone("")
    assert not identity.gone(f"{identity.HOME}:")


def test_somebody_elses_process_lives(monkeypatch):
    def forbidden(pid, sign):
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert not identity.gone(f"{identity.HOME}:1")


def test_without_proc_no_two_processes_share_a_home(monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "BOOT", tmp_path / "none")
    assert identity.home() != identity.home()
