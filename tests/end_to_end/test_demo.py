"""The whole system on one machine, from outside: the `hoga` command in a process of its own (issue: must hold)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from core.local.register import Standing, found

pytestmark = [pytest.mark.slow, pytest.mark.cloud]

HOGA = [sys.executable, "-c", "from core.cli import main; main()"]
LASTING = ("[매수 신호]", "[접근]")
"""First words of alerts about conditions that last: the cooldown is about these."""


class Shell:
    """`hoga` commands in one folder, as a person would type them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*HOGA, *words],
            cwd=self.folder,
            stdout=pipe,
            stderr=pipe,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def ask(self, *words: str) -> Any:
        done = subprocess.run([*HOGA, *words, "--json"], cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def standing(self) -> list[Standing]:
        return found(self.folder / ".hoga")

    def left(self) -> list[str]:
        """Command lines of living processes that were started for this folder."""
        return [line for line in map(self._mine, Path("/proc").iterdir()) if line]

    def _mine(self, process: Path) -> str:
        if not process.name.isdecimal():
            return ""
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            where = os.readlink(process / "cwd")
        except OSError:
            return ""
        return line if line and (str(self.folder) in line or where.startswith(str(self.folder))) else ""


def until(true: Callable[[], Any], patience_s: float = 60.0, pause_s: float = 0.05) -> Any:
    """The first answer that counts as true. Fails the test at the deadline; a command needs a longer pause."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(pause_s)
    raise AssertionError("it did not come true in time")


@pytest.fixture
def shell(tmp_path):
    started = Shell(tmp_path)
    yield started
    for process in started.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    shell = Shell(tmp_path_factory.mktemp("demo"))
    process = shell.start("demo", "--json")
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err, shell


@pytest.fixture(scope="module")
def report(run):
    return json.loads(run[1])


def test_it_ends_by_itself_with_exit_code_0_and_one_json_value(run):
    code, out, err, _ = run

    assert code == 0, err
    assert len(out.splitlines()) == 1
    assert "Traceback" not in err


FIGURES = [
    "scans",
    "targets_changed",
    "subscribed",
    "unsubscribed",
    "reconnects",
    "signals",
    "locks_granted",
    "locks_refused",
    "buys",
    "alerts_sent",
    "alerts_suppressed",
    "liquidated",
]


def test_every_step_happened(report):
    assert [figure for figure in FIGURES if report[figure] < 1] == []
    assert report["missing"] == []


def test_positions_were_left_by_stop_loss_take_profit_safety_and_liquidation(report):
    assert {"stop_loss", "take_profit", "unsafe", "liquidation"} <= set(report["sells"])


def test_the_day_ends_flat_and_our_ledger_equals_the_venues_log(report):
    assert report["open_positions"] == 0
    assert report["differences"] == []
    assert sum(report["sells"].values()) >= report["buys"]


@pytest.mark.parametrize("market", ["upbit", "krx"])
def test_each_market_scanned_bought_sold_liquidated_and_closed_its_day(report, market):
    """Issue 3: KRX and Upbit side by side within the same minute."""
    own = report["markets"][market]

    for figure in ("scans", "subscribed", "signals", "locks_granted", "buys", "liquidated", "reconnects"):
        assert own[figure] > 0, figure
    assert own["open_positions"] == 0
    assert own["differences"] == []
    assert own["summary"]["trades"] == sum(own["sells"].values())


def test_the_figures_of_all_are_the_sums_of_the_markets(report):
    markets = report["markets"].values()

    for figure in ("scans", "subscribed", "signals", "locks_granted", "buys", "liquidated"):
        assert report[figure] == sum(own[figure] for own in markets), figure


def test_the_summary_adds_up_to_the_sales(report):
    assert report["summary"]["trades"] == sum(report["sells"].values())


def test_both_chat_services_were_told_and_nothing_ended_as_a_dead_letter(report):
    assert min(report["chat"].values()) > 0
    assert sum(report["chat"].values()) <= report["alerts_sent"]
    assert not any(report["dead_letters"].values())


def test_no_process_and_no_registration_is_left(run):
    shell = run[3]

    assert shell.left() == []
    assert shell.standing() == []


def test_killing_the_streamer_costs_no_second_buy_and_no_second_alert(shell):
    """Issue: SIGKILL of the streamer during the demo; wanted subscriptions back within 5 s of the restart."""
    process = shell.start("demo", "--json")
    until(lambda: shell.standing(), 240)
    before = until(lambda: len(shell.ask("positions")) >= 2 and shell.ask("status")["stream"], 240, pause_s=1.5)
    stand = until(lambda: next((one for one in shell.standing() if "streamer" in one.programs), None), 20)

    os.kill(stand.programs["streamer"], signal.SIGKILL)
    again = until(
        lambda: next(
            (one for one in shell.standing() if one.programs.get("streamer") not in (None, stand.programs["streamer"])),
            None,
        ),
        20,
    )
    held = [row["position"]["instrument"] for row in shell.ask("positions")]
    stream = until(lambda: fresh(shell.ask("status")["stream"], before["started"]), 5)
    assert {one["symbol"] for one in held if one["market"] == "upbit"} <= set(stream["subscribed"])
    assert len(stream["subscribed"]) >= len(before["subscribed"]) - 2

    told: list[dict[str, Any]] = []
    while process.poll() is None:
        told = messages(again.controls["chat"]) or told
        time.sleep(0.2)
    out, err = process.communicate(timeout=120)
    report = json.loads(out)

    assert report["open_positions"] == 0, err
    assert report["differences"] == []
    assert {which: count for which, count in report["bought"].items() if count > 1} == {}, "bought twice by one rule"
    topics = Counter(
        (one["service"], *one["text"].splitlines()[:2]) for one in told if any(word in one["text"] for word in LASTING)
    )
    assert topics
    assert max(topics.values()) == 1, "an alert was sent twice within its cooldown"
    assert shell.left() == []


def fresh(stream: dict[str, Any] | None, started: int) -> dict[str, Any] | None:
    """The health of a streamer that started later, once it is subscribed."""
    return stream if stream and stream["started"] > started and stream["subscribed"] else None


def messages(control: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = requests.get(f"{control}/messages", timeout=2).json()
    except requests.RequestException:
        return []
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopping_a_demo_leaves_nothing_behind(shell, sign):
    process = shell.start("demo")
    needed = {signal.SIGINT: "streamer", signal.SIGTERM: "aws"}[sign]
    until(lambda: any(needed in one.programs for one in shell.standing()), 240)

    process.send_signal(sign)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert shell.standing() == []
    assert until(lambda: not shell.left(), 10)


def test_killing_the_command_itself_leaves_no_process(shell):
    process = shell.start("run", "--feed", "sim")
    until(lambda: any("streamer" in one.programs for one in shell.standing()), 240)

    process.kill()
    process.wait()

    assert until(lambda: not shell.left(), 20)
    assert shell.standing() == []


def test_two_runs_at_once_do_not_meet_and_commands_ask_the_newest(shell):
    first = shell.start("run", "--feed", "sim", "--seed", "1")
    until(lambda: len(shell.standing()) == 1, 90)
    second = shell.start("run", "--feed", "sim", "--seed", "2")
    newest, oldest = until(lambda: len(shell.standing()) == 2 and shell.standing(), 90)

    assert (newest.pid, oldest.pid) == (second.pid, first.pid)
    assert newest.endpoint != oldest.endpoint
    assert not set(newest.programs.values()) & set(oldest.programs.values())
    assert shell.ask("status")["run"]["pid"] == second.pid

    for process in (first, second):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode == 130
    assert until(lambda: not shell.left(), 10)
