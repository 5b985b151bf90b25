"""A built function on this machine (`make invoke`): its package is whole, its environment is the template's (I2, I3)."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from core.domain.errors import Refused, Transient
from core.local import emulated
from core.local import template as templates
from core.local.template import ROOT

DRAWING = """
import sys
from core.adapters import pictures
from core.domain import errors
assert errors.__doc__ is None, "docstrings are not shipped"
images = [pictures.price_chart([3.0, 1.0, 2.0], "KRW-BTC"), pictures.equity_curve([1.0, -2.0], "krx")]
import matplotlib, numpy
sys.stdout.write(" ".join([matplotlib.__file__, numpy.__file__, *(str(image[1:4]) for image in images)]))
"""


@pytest.mark.slow
def test_a_picture_is_drawn_out_of_what_is_left_of_the_trimmed_libraries(tmp_path):
    """F4. What is thrown away is thrown away for a PNG's sake: nothing else may ask for it."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("{}")
    code, libraries = emulated.laid_out(".build/pictures/", settings)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{code}{os.pathsep}{libraries}", "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", DRAWING], cwd=code, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *places, first, second = done.stdout.split()
    assert all(place.startswith(str(libraries)) for place in places)
    assert first == second == "b'PNG'"
    assert not (libraries / "fontTools" / "ttLib").exists()


def test_code_is_laid_out_once_for_each_settings_and_never_taken_from_under_another_process(monkeypatch, tmp_path):
    """Two test workers with settings of their own did that to each other."""
    monkeypatch.setattr(emulated, "install", lambda libraries, lists, on: libraries.mkdir())
    root = tmp_path / "root"
    root.mkdir()
    for name in ("core", "functions"):
        (root / name).symlink_to(ROOT / name)
    (root / "template.yaml").symlink_to(ROOT / "template.yaml")
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("stage: one\n")
    two.write_text("stage: two\n")

    first = emulated.laid_out(".build/functions/", one, root)
    made = first.code.stat().st_mtime_ns
    second = emulated.laid_out(".build/functions/", two, root)

    assert first.code != second.code
    assert first.libraries == second.libraries
    assert (first.code / "settings.yaml").read_text() == "stage: one\n"
    assert emulated.laid_out(".build/functions/", one, root) == first
    assert first.code.stat().st_mtime_ns == made

    os.utime(first.code, (0, 0))
    two.write_text("stage: three\n")
    emulated.laid_out(".build/functions/", two, root)
    assert not first.code.exists(), "a day is over"


class Outputs:
    """A cloud that stands in for a deployed one: what the stack's outputs would be."""

    def __init__(self, settings=ROOT / "settings.yaml"):
        self.settings, self.stage = settings, "prod"
        self.outputs = {name: f"made-{name}" for name in templates.load()["Resources"]} | {"BusName": "made-bus"}

    def environment(self):
        return {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def test_a_functions_environment_is_the_templates_with_what_it_refers_to():
    found = emulated.environment("sweep", Outputs())
    assert found["HOGA_SIGNALS_DEAD"] == "made-SignalsDeadLetters"
    assert found["HOGA_STAGE"] == "prod"
    assert found["HOGA_SETTINGS"] == "settings.yaml"
    assert found["HOGA_LIVE_ACCOUNT"] == ""
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert "HOGA_SIGNALS_DEAD" not in emulated.environment("rank", Outputs())


def test_what_has_no_output_of_its_own_name_is_known_by_its_names_output():
    cloud = Outputs()
    del cloud.outputs["Bus"]
    assert emulated.environment("rank", cloud)["HOGA_BUS"] == "made-bus"


def test_an_emulator_that_does_not_come_up_is_told_with_its_address():
    with pytest.raises(Transient, match=r"does not start.*127\.0\.0\.1:1"):
        emulated.call("http://127.0.0.1:1/x", {}, patience_s=0)


@pytest.mark.parametrize(("content", "raised"), [(b'{"errorType": "Refused", "errorMessage": "no"}', "Refused: no")])
def test_a_functions_own_error_is_raised_with_its_words(monkeypatch, content, raised):
    answers(monkeypatch, content)
    with pytest.raises(Refused, match=raised):
        emulated.call("http://emulator", {})


@pytest.mark.parametrize(("content", "found"), [(b"", None), (b"[1]", [1]), (b'{"told": []}', {"told": []})])
def test_an_answer_is_given_back_as_it_is(monkeypatch, content, found):
    answers(monkeypatch, content)
    assert emulated.call("http://emulator", {}) == found


def answers(monkeypatch, content):
    reply = SimpleNamespace(content=content, json=lambda: json.loads(content))
    monkeypatch.setattr(emulated.requests.Session, "post", lambda self, address, **_: reply)


@pytest.fixture
def invoked(monkeypatch, tmp_path):
    """`make invoke`, up to the emulator: what would be asked of which cloud."""
    asked = []
    monkeypatch.setattr(emulated, "_asked", lambda name, event, cloud: asked.append((name, event, cloud)) or {"ok": 1})
    monkeypatch.chdir(tmp_path)
    return asked


def test_what_runs_in_this_folder_is_asked_and_the_answer_is_the_output(invoked, monkeypatch, capsys):
    running = object()
    monkeypatch.setattr(emulated.register, "found", lambda folder: [SimpleNamespace(cloud=lambda: running)])

    assert emulated.main(["rank"]) == 0

    sample = json.loads((ROOT / "tests" / "events" / "rank.json").read_text())
    assert invoked == [("rank", sample, running)]
    assert json.loads(capsys.readouterr().out) == {"ok": 1}


def test_another_event_is_read_from_its_file_and_one_that_does_not_read_is_named(
    invoked, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(emulated.register, "found", lambda folder: [SimpleNamespace(cloud=object)])
    event = tmp_path / "event.json"
    event.write_text('{"own": 1}')
    assert emulated.main(["rank", str(event)]) == 0
    event.write_text("{")
    assert emulated.main(["rank", str(event)]) == 1
    assert [asked[1] for asked in invoked] == [{"own": 1}]
    assert "the event is no JSON" in capsys.readouterr().err
