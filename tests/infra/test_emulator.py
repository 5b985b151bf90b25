"""Every built function starts cold in Lambda's own runtime emulator and answers its sample event, without Docker (I2)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.domain.errors import Refused
from core.local import emulated
from core.local import template as templates
from core.local.stack import Stack

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "tests" / "events"
SETTINGS = """
stage: local
markets:
  upbit:
    rest: {url: "http://127.0.0.1:1", backoff_s: [0.01], connect_s: 0.2}
    stream: {url: "ws://127.0.0.1:1"}
    scan: {tries: 1}
"""
HANDLERS = sorted(body["Handler"].split(".")[1] for body in templates.functions(templates.load()).values())

pytestmark = [pytest.mark.slow, pytest.mark.cloud]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulated")
    settings = folder / "settings.yaml"
    settings.write_text(SETTINGS)
    with Stack.start(settings, log=folder / "aws.log") as stack:
        yield stack


def test_every_function_has_a_sample_event_and_no_event_is_of_a_function_that_is_gone():
    names = {path.stem for path in EVENTS.glob("*.json")}
    assert set(HANDLERS) <= names
    assert all(any(name.startswith(handler) for handler in HANDLERS) for name in names)


@pytest.mark.parametrize("event", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_a_built_function_answers_its_event_from_a_cold_start(cloud, event):
    name = next(handler for handler in HANDLERS if event.startswith(handler))
    with emulated.running(name, emulated.environment(name, cloud), cloud.settings) as address:
        answer = emulated.call(address, json.loads((EVENTS / f"{event}.json").read_text()))
    assert isinstance(answer, dict)
    assert not answer.get("batchItemFailures")


def test_what_is_left_of_the_picture_libraries_draws_both_pictures(cloud):
    """Nothing that a trimmed package lacks may be missed first when an alert is due."""
    laid = emulated.laid_out(".build/pictures/", cloud.settings)
    program = "from core.adapters.pictures import equity_curve, price_chart\n"
    program += "print(price_chart([1.0, 2.0, 1.5], 'KRW-BTC')[:4], equity_curve([1.0, -3.0], 'upbit')[:4])"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{laid.code}:{laid.libraries}", "MPLCONFIGDIR": str(cloud.folder)}
    drawn = subprocess.run([sys.executable, "-S", "-c", program], env=env, capture_output=True, text=True, check=False)
    assert drawn.stdout.split() == [r"b'\x89PNG'"] * 2, drawn.stderr


def test_a_function_that_fails_is_told_with_its_own_error(cloud):
    env = {**emulated.environment("alarm", cloud), "HOGA_SETTINGS": "/nowhere.yaml"}
    with (
        emulated.running("alarm", env, cloud.settings) as address,
        pytest.raises(Refused, match="Misconfigured"),
    ):
        emulated.call(address, {"Records": []})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nothing"], "known=alarm, batch_scan"), ([""], "known=alarm"), (["rank", "absent.json"], "no such event")],
)
def test_make_invoke_says_what_is_wrong_before_anything_is_started(arguments, told):
    command = [sys.executable, "-m", "core.local.emulated", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
