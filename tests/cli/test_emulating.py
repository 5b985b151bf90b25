"""`hoga variables`: the environment for a function that is tried by hand (I2)."""

import json
from types import SimpleNamespace

import pytest

from core.adapters.gate import OPT_IN
from core.cli import place
from core.cli.entry import run
from core.local import template


@pytest.fixture
def outputs(monkeypatch):
    made = {name: f"made-{name}" for name in template.load()["Outputs"]}
    cloud = SimpleNamespace(outputs=made, stage="prod")
    monkeypatch.setattr(place, "site", lambda: SimpleNamespace(cloud=cloud))
    return made


def test_every_function_is_given_all_its_variables_as_sam_local_takes_them(outputs, capsys):
    """By logical id, texts only; nothing of the caller's own environment."""
    assert run(["variables", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(template.functions(template.load()))
    for given in found.values():
        assert given["HOGA_STATE_TABLE"] == "made-StateTable"
        assert given["HOGA_BUS"] == "made-BusName"
        assert given["HOGA_STAGE"] == "prod"
        assert all(isinstance(value, str) and name.startswith("HOGA_") for name, value in given.items())
        assert [name for name, value in given.items() if not value] in ([], [OPT_IN])
    assert found["Sweep"]["HOGA_JOBS_DEAD"] == "made-JobsDeadLetters"


def test_a_function_that_is_tried_by_hand_never_has_a_live_account(outputs, capsys, monkeypatch):
    """E9."""
    monkeypatch.setenv(OPT_IN, "krx=12345678-01")
    run(["variables", "--json"])
    assert json.loads(capsys.readouterr().out)["Worker"][OPT_IN] == ""


def test_people_see_a_table(outputs, capsys):
    assert run(["variables"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["Notify", "HOGA_ALERTS_QUEUE", "made-AlertsQueue"] for line in lines)
