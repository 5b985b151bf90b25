"""Nothing is left behind, whatever happens to the parent (issue: no process left behind)."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.local.processes import Children, alive, clean, free_port, unproxied

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
PARENT = """
import sys, time
from pathlib import Path
from core.local.processes import Children
nest = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print(p.pid, flush=True); time.sleep(600)"
children = Children()
child = children.start("nest", [sys.executable, "-c", nest], {}, Path(sys.argv[1]), talks=True)
print(child.pid, child.line(10), flush=True)
time.sleep(600)
"""


def gone(pid: int, patience_s: float = 10.0) -> bool:
    """Whether the process ended (a zombie that nobody has waited for counts as ended) before the patience ran out."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        if not alive(pid) or (status.parent.parent.exists() and status.exists() and ") Z" in status.read_text()):
            return True
        time.sleep(0.02)
    return False


def test_killing_the_parent_ends_its_children_and_their_children(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child, grandchild = (int(word) for word in parent.stdout.readline().split())
    assert alive(child)
    assert alive(grandchild)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert gone(child)
    assert gone(grandchild)


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path):
    with Children() as children:
        child = children.start("stubborn", STUBBORN, {}, tmp_path / "log", talks=True)
        assert child.line(10) == "up"

        assert children.stop(child, patience_s=0.1) is False
        assert child.code == -signal.SIGKILL


def test_closing_ends_every_child(tmp_path):
    children = Children()
    started = [children.start(f"sleeper {n}", SLEEPER, {}, tmp_path / "log") for n in range(3)]

    children.close()

    assert [child.running for child in started] == [False, False, False]


def test_a_child_says_a_line_or_nothing_in_time(tmp_path):
    with Children() as children:
        quiet = children.start("quiet", SLEEPER, {}, tmp_path / "log", talks=True)
        ended = children.start("ended", [sys.executable, "-c", "print('한 줄')"], {}, tmp_path / "log", talks=True)

        assert quiet.line(0.05) == ""
        assert ended.line(10) == "한 줄"
        assert ended.line(10) == ""


def test_the_end_of_a_log_tells_why_a_child_stopped(tmp_path):
    with Children() as children:
        child = children.start(
            "broken", [sys.executable, "-c", "raise SystemExit('no such market')"], {}, tmp_path / "log"
        )
        assert gone(child.pid)
        assert child.code == 1
        assert child.tail() == "no such market"


def test_credentials_of_the_caller_do_not_reach_the_children():
    host = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "HOGA_LIVE_ACCOUNT": "1", "HTTPS_PROXY": "http://p"}

    kept = clean(host)

    assert kept.keys() == {"PATH", "HTTPS_PROXY", "NO_PROXY", "no_proxy"}


def test_no_proxy_stands_before_the_loopback():
    assert unproxied({"no_proxy": "corp"})["NO_PROXY"].split(",") == ["corp", "127.0.0.1", "localhost"]
    assert "127.0.0.1" in clean({})["no_proxy"]


def test_a_free_port_can_be_bound():
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


def test_this_process_is_alive_and_an_ended_one_is_not():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert alive(os.getpid())
    assert not alive(ended.pid)


@pytest.mark.parametrize("lines", [["+1\n", "-1\n"], []])
def test_the_guard_forgets_what_ended(lines):
    from core.local.guard import watched

    assert watched(lines) == set()
