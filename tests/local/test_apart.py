"""Programs in environments of their own are made once, and again when what they are made from is another."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from core.domain.errors import Refused, Transient
from core.local import apart


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Commands that would have run; each `venv` leaves its folder."""
    (tmp_path / "requirements-sam.txt").write_text("aws-sam-cli==1\n")
    commands, answer = [], SimpleNamespace(returncode=0, stderr="")

    def run(command, **_):
        commands.append(command)
        if "venv" in command:
            (tmp_path / ".build" / "sam").mkdir(parents=True, exist_ok=True)
        return answer

    monkeypatch.setattr(subprocess, "run", run)
    return tmp_path, commands, answer


def test_it_is_installed_once_and_again_when_its_list_changes(ran):
    root, commands, _ = ran
    for text, times in (("aws-sam-cli==1\n", 2), ("aws-sam-cli==1\n", 2), ("aws-sam-cli==2\n", 4)):
        (root / "requirements-sam.txt").write_text(text)
        assert apart.sam(root) == root / ".build" / "sam" / "bin" / "sam"
        assert len(commands) == times
    assert commands[0][:3] == [sys.executable, "-m", "venv"]


def test_one_that_failed_half_way_is_made_anew(ran):
    root, commands, answer = ran
    answer.returncode, answer.stderr = 1, "first\nno such package\n"
    with pytest.raises(Transient, match="no such package"):
        apart.sam(root)
    answer.returncode = 0
    apart.sam(root)
    assert sum("venv" in command for command in commands) == 2


def test_a_folder_that_somebody_removed_is_made_anew(tmp_path):
    where = tmp_path / "made"
    asked = []
    for _ in range(3):
        with apart.made_once(where, b"recipe") as missing:
            asked.append(missing)
            where.mkdir(exist_ok=True)
        if len(asked) == 2:
            where.rmdir()
    assert asked == [True, False, True]


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64")])
def test_a_machine_that_has_no_emulator_is_told_so(ran, monkeypatch, system, machine):
    monkeypatch.setattr(apart.platform, "system", lambda: system)
    monkeypatch.setattr(apart.platform, "machine", lambda: machine)
    with pytest.raises(Refused, match=f"{system} {machine}"):
        apart.emulator(ran[0])


def test_the_emulator_is_the_one_of_this_processor(ran, monkeypatch):
    root = ran[0]
    place = root / ".build" / "sam" / "lib" / "python3.11" / "site-packages" / "samcli" / "local" / "rapid"
    place.mkdir(parents=True)
    for name in ("x86_64", "arm64"):
        (place / f"aws-lambda-rie-{name}").touch()
    monkeypatch.setattr(apart.platform, "system", lambda: "Linux")
    for machine, name in (("AMD64", "x86_64"), ("aarch64", "arm64")):
        monkeypatch.setattr(apart.platform, "machine", lambda machine=machine: machine)
        assert apart.emulator(root) == place / f"aws-lambda-rie-{name}"
