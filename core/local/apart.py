"""Programs whose pins fit nobody else's: each in an environment of its own, made when it is first needed.

aws-sam-cli carries Lambda's runtime emulator; checkov reads templates for what auditors would say.
"""

from __future__ import annotations

import fcntl
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from core.domain.errors import Refused, Transient
from core.local.template import ROOT

FOLDER = Path(".build")
INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--no-compile", "-r")
"""Compiling every file is two fifths of an installation; what is imported, Python compiles at the first start."""

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def sam(root: Path = ROOT) -> Path:
    """The `sam` command. Raises Transient where it cannot be installed."""
    return installed("sam", root) / "bin" / "sam"


def checkov(root: Path = ROOT) -> Path:
    """The `checkov` command. Raises Transient where it cannot be installed."""
    return installed("checkov", root) / "bin" / "checkov"


def emulator(root: Path = ROOT) -> Path:
    """Lambda's runtime emulator for this machine's processor. Raises Refused where there is none for it."""
    machine = MACHINES.get(platform.machine().lower())
    inside = f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"
    found = next(iter(installed("sam", root).glob(inside)), None)
    if found is None or platform.system() != "Linux":
        raise Refused("Lambda's emulator runs on Linux only", here=f"{platform.system()} {platform.machine()}")
    return found


def installed(name: str, root: Path = ROOT) -> Path:
    """The environment made from `requirements-NAME.txt`, as it stands there now."""
    where, wanted = root / FOLDER / name, root / f"requirements-{name}.txt"
    with made_once(where, wanted.read_bytes()) as missing:
        if missing:
            _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(where)], name)
            _run([sys.executable, "-m", "pip", "--python", str(where / "bin" / "python"), *INSTALL, str(wanted)], name)
    return where


@contextmanager
def made_once(where: Path, recipe: bytes) -> Iterator[bool]:
    """Yields whether the folder must be made; two processes never make it at once, and a half-made one does not count.

    recipe  what it is made from: another recipe makes it anew
    """
    where.parent.mkdir(parents=True, exist_ok=True)
    mark = where.with_suffix(".made")
    with where.with_suffix(".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        digest = sha256(recipe).hexdigest()
        missing = not where.exists() or not mark.exists() or mark.read_text() != digest
        if missing:
            mark.unlink(missing_ok=True)
        yield missing
        mark.write_text(digest)


def _run(command: list[str], name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Transient("a program could not be installed", program=name, why=done.stderr.strip().splitlines()[-1:])
