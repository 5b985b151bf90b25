"""`python -m streamer` as its own process against the embedded AWS and the simulated Upbit: Deliver 6, D13, I6."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import COMPILED
from core.adapters.access import access
from core.adapters.dynamo.shelf import DynamoShelf
from core.domain.levels import Candidate, Saved, StreamHealth, Targets
from core.domain.values import Market
from tests.streamer.conftest import until, wall_ms

ROOT = Path(__file__).parents[2]
WANTED = ("KRW-BTC", "KRW-ETH")


class Program:
    """Starts the streamer with its own folder, and ends whatever the test left running."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment
        self.log = folder / "streamer.log"
        self.child = None

    def start(self):
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "streamer"], env=self.environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def said(self, message):
        return [line for line in self.lines() if line.get("message") == message]

    async def ended(self):
        await until(lambda: self.child.poll() is not None, "the end of the program")
        return self.child.returncode

    def clean_up(self):
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def plain():
    """This process's environment without anything that leads to an account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HOGA_"))}


@pytest.fixture
def shelf(stack):
    return DynamoShelf(stack.outputs["StateTable"], wall_ms, access=access(stack.environment()))


@pytest.fixture
def program(stack, shelf, upbit, tmp_path):
    rows = tuple(Candidate(symbol, 1.0) for symbol in WANTED)
    shelf.write(Targets(market=Market.UPBIT, at=wall_ms(), version=1, candidates=rows))
    settings = {
        "HOGA__MARKETS__UPBIT__STREAM__URL": upbit.stream_url,
        "HOGA__MARKETS__UPBIT__REST__URL": upbit.rest_url,
        "HOGA__MARKETS__UPBIT__STREAM__SAVE_S": "0.3",
        "HOGA__MARKETS__UPBIT__WATCH__REFRESH_S": "0.3",
        "HOGA__MARKETS__UPBIT__INDICATORS__WARMUP": "5",
    }
    made = Program(tmp_path, {**plain(), **stack.environment(), **settings, "HOGA_RUN_DIR": str(tmp_path)})
    yield made
    made.clean_up()


def subscribed(shelf):
    health = shelf.read(StreamHealth, Market.UPBIT)
    return health.subscribed if health else ()


@pytest.mark.cloud
async def test_sigterm_closes_with_1001_saves_and_exits_0(program, shelf, upbit):
    """Deliver 6: a clean drain."""
    program.start()
    await until(lambda: subscribed(shelf) == WANTED, "the subscription")
    program.child.send_signal(signal.SIGTERM)
    assert await program.ended() == 0
    await until(lambda: upbit.log.open == 0)
    assert upbit.log.closed["closed 1001"] == 1
    assert shelf.read(Saved, Market.UPBIT).wanted == WANTED
    assert program.said("stopping")
    assert [line["compiled"] for line in program.said("starting")] == [COMPILED]
    metrics = [line for line in program.lines() if "_aws" in line]
    assert sum(line.get("Subscribed", 0) for line in metrics) == len(WANTED)
    assert {(line["service"], line["market"]) for line in metrics} == {("streamer", "upbit")}


@pytest.mark.cloud
async def test_after_sigkill_the_next_process_subscribes_again_from_what_was_saved(program, shelf, upbit):
    """D13: without any help of the levels; they may be of the same state, or not be there. The lease of the one that
    was killed ends long after this test: its end is not waited for, because its process is known to be gone."""
    program.environment["HOGA__MARKETS__UPBIT__STREAM__LEASE_S"] = "60"
    program.start()
    await until(lambda: subscribed(shelf) == WANTED, "the subscription")
    await until(lambda: (saved := shelf.read(Saved, Market.UPBIT)) and saved.wanted == WANTED)
    program.child.kill()
    assert await program.ended() == -signal.SIGKILL
    await until(lambda: upbit.log.open == 0)
    requests = len(upbit.log.texts)
    program.start()
    await until(lambda: len(upbit.log.texts) > requests, "the request after the restart")
    assert all(symbol in upbit.log.texts[requests] for symbol in WANTED)
    assert program.said("state restored")


@pytest.mark.cloud
async def test_the_health_check_of_the_container_reads_what_the_program_writes(program, shelf, tmp_path):
    program.start()
    await until(lambda: subscribed(shelf) == WANTED, "the subscription")
    command = [sys.executable, "-m", "streamer.health", str(tmp_path / "streamer.json")]

    def healthy():
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return found.returncode == 0 and json.loads(found.stdout)["streamer"]["markets"][0]["subscribed"] == len(WANTED)

    await until(healthy, "a healthy answer")


def test_faulty_settings_are_all_told_and_end_with_2(tmp_path):
    """I6"""
    settings = tmp_path / "settings.yaml"
    settings.write_text("mode: Z\nmarkets: {upbit: {rest: {}, stream: {url: ws://x, transport: pigeon}}}\n")
    environment = {**plain(), "HOGA_SETTINGS": str(settings), "HOGA_RUN_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "streamer"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    for key in ("mode", "markets.upbit.rest.url", "markets.upbit.stream.transport"):
        assert key in ended.stderr


def test_a_missing_variable_is_named_and_ends_with_2(tmp_path):
    environment = {**plain(), "HOGA_SETTINGS": str(ROOT / "settings.yaml"), "HOGA_RUN_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "streamer"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "HOGA_STATE_TABLE" in ended.stderr
