"""Libraries for another machine: which wheels are asked for, and what of them is thrown away (I1)."""

import subprocess
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.domain.errors import Transient
from core.local import libraries
from core.local.libraries import Machine, install, interpreter_of, trim

ARM = Machine(version="3.13", processor="arm64")


@pytest.fixture
def asked(monkeypatch):
    """Every command that would run, and what it answers."""
    commands, answer = [], SimpleNamespace(returncode=0, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: [commands.append(command), answer][1])
    return commands, answer


def test_wheels_are_asked_for_another_python_and_processor_than_this_one(asked, tmp_path):
    install(tmp_path, [Path("one.txt"), Path("two.txt")], ARM)
    (command,) = asked[0]
    pairs = list(pairwise(command))
    assert [value for name, value in pairs if name == "--platform"] == list(ARM.platforms)
    assert ("--python-version", "3.13") in pairs
    assert [value for name, value in pairs if name == "-r"] == ["one.txt", "two.txt"]
    assert "--only-binary=:all:" in command, "what is built from source is built for this machine"
    assert ("--target", str(tmp_path)) in pairs


def test_for_this_machine_no_platform_is_asked(asked, tmp_path):
    install(tmp_path, [Path("one.txt")], None)
    assert "--platform" not in asked[0][0]


def test_an_installation_that_fails_says_why_in_its_last_line(asked, tmp_path):
    asked[1].returncode, asked[1].stderr = 1, "many\nlines\nNo matching distribution found for x\n"
    with pytest.raises(Transient, match="No matching distribution found for x"):
        install(tmp_path, [Path("one.txt")], ARM)


def test_what_no_program_loads_is_taken_out_and_everything_else_stays(tmp_path):
    gone = ["bin/tool", "a/tests/test_a.py", "a/b.pyi", "a/c.pyx", "a/d.h", "PIL/_webp.so", "botocore/data/s3/x.json"]
    kept = ["a/__init__.py", "a/e.so", "botocore/data/sqs/x.json", "botocore/data/endpoints.json"]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    trim(tmp_path, ["PIL/_webp*", "never-there"])

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(kept)


def test_a_name_that_stands_for_no_python_of_that_version_is_none(monkeypatch):
    """A version manager leaves `python3.13` in the path although it is not installed: it only says so when it is run."""
    monkeypatch.setattr(libraries.shutil, "which", lambda name: "/bin/false")
    assert interpreter_of("3.99") is None


def test_a_python_of_that_version_in_the_path_is_taken(monkeypatch, tmp_path):
    other = tmp_path / "python3.99"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    monkeypatch.setattr(libraries.shutil, "which", lambda name: str(other))
    assert interpreter_of("3.99") == str(other)


def pretender(path, version):
    """A Python that says so much of itself."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("folder", "name"),
    [(".pyenv/versions", "3.99.{}"), (".local/share/uv/python", "cpython-3.99.{}-linux-x86_64-gnu")],
)
def test_the_newest_that_a_version_manager_keeps_outside_the_path_is_taken(monkeypatch, tmp_path, folder, name):
    """Issue 6: bytecode is included wherever its Python is, though a project pins another one first in the path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    _, newest, _ = (
        pretender(tmp_path / folder / name.format(release) / "bin" / "python3.99", version)
        for release, version in ((9, "3.99"), (10, "3.99"), (11, "broken"))
    )
    assert interpreter_of("3.99") == newest
    assert interpreter_of("3.98") is None
