"""Who runs in this folder: one small file for each run under `.hoga/`, so that two runs never meet in one file."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from core.domain.errors import Refused
from core.domain.values import Millis
from core.local.cloud import Cloud
from core.local.processes import alive

FOLDER = ".hoga"
FILE = "stack.json"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A running system, as another command of the same folder needs to know it.

    programs  process by name; `controls` the simulators' side doors, by name
    """

    pid: int
    endpoint: str
    outputs: dict[str, str]
    settings: str
    stage: str
    feed: str
    since: Millis
    programs: dict[str, int] = {}
    controls: dict[str, str] = {}

    def cloud(self) -> Cloud:
        return Cloud(self.endpoint, self.outputs, Path(self.settings), self.stage)


def room(base: Path, pid: int) -> Path:
    """A fresh folder for the run of process `pid`; what dead runs left is removed first."""
    for standing in base.glob("*"):
        if standing.is_dir() and standing.name.isdecimal() and not alive(int(standing.name)):
            shutil.rmtree(standing, ignore_errors=True)
    own = base / str(pid)
    own.mkdir(parents=True, exist_ok=True)
    return own


def enter(folder: Path, standing: Standing) -> None:
    """Say that it stands; written whole or not at all."""
    part = folder / (FILE + ".part")
    part.write_bytes(msgspec.json.encode(standing))
    part.replace(folder / FILE)


def found(base: Path) -> list[Standing]:
    """Every run of this folder that is alive, the newest first."""
    standing = [_read(path) for path in base.glob(f"*/{FILE}")]
    living = [one for one in standing if one is not None and alive(one.pid)]
    return sorted(living, key=lambda one: -one.since)


def _read(path: Path) -> Standing | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Standing)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as fault:
        raise Refused("a run's file does not read: remove it", file=path, why=fault) from fault
