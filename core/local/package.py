"""What a Lambda function is given: the core without its one-machine parts, the functions, settings and bytecode."""

from __future__ import annotations

import io
import py_compile
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from core.local.template import ROOT

LEFT_OUT = frozenset({"cli", "local", "simulators"})
PACKAGES = ("core", "functions")
STAMP = (2020, 1, 1, 0, 0, 0)
"""One date for every entry of the archive: the same sources give the same bytes."""

Told = Callable[[int, int], None]
"""Progress: how many of how many files are done."""


def sources(root: Path = ROOT) -> list[Path]:
    """Every file that ships, relative to the root, in order: Python and the data files beside it."""
    return sorted(path.relative_to(root) for package in PACKAGES for path in _files(root / package))


def build(where: Path, settings: Path, *, root: Path = ROOT, told: Told = lambda done, of: None) -> Path:
    """Lay the package out in `where` (emptied first) with unchecked bytecode, which halves a cold start."""
    shutil.rmtree(where, ignore_errors=True)
    found = sources(root)
    for done, path in enumerate(found, 1):
        target = where / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
        if path.suffix == ".py":
            _compile(target, str(path))
        told(done, len(found))
    shutil.copyfile(settings, where / "settings.yaml")
    for beside in symbol_lists(settings):
        (where / beside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.parent / beside, where / beside)
    return where


def symbol_lists(settings: Path) -> list[str]:
    """The lists of symbols that a settings file names, as it names them."""
    read = yaml.safe_load(settings.read_text(encoding="utf-8")) or {}
    universes = (market.get("universe", {}) for market in read.get("markets", {}).values())
    return [universe["file"] for universe in universes if universe.get("file")]


def zipped(folder: Path) -> bytes:
    """The folder as an archive in memory."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(folder)), STAMP)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def _files(package: Path) -> Iterator[Path]:
    for path in package.rglob("*"):
        inner = path.relative_to(package).parts
        if path.is_file() and "__pycache__" not in inner and inner[0] not in LEFT_OUT and path.suffix != ".md":
            yield path


def _compile(path: Path, shown: str) -> None:
    py_compile.compile(
        str(path), dfile=shown, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
