"""What a function or the streamer is given: the files that it can reach, settings, and bytecode."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from core.domain.errors import Refused
from core.local import reach
from core.local.template import ROOT, functions, load

STAMP = (2020, 1, 1, 0, 0, 0)
"""One date for every entry of the archive: the same sources give the same bytes."""

NO_DATA = {".py", ".pyc", ".md", ".txt", ".so", ".pyd"}
"""What lies beside a source and is no data of it. What was compiled here (`make native`) is for this machine alone."""

Told = Callable[[int, int], None]
"""Progress: how many of how many files are done."""

PROGRAM = """
import importlib.util, py_compile, sys
for path in sys.stdin.read().splitlines():
    py_compile.compile(path, importlib.util.cache_from_source(path, optimization=""), path, True, 2,
                       py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""
"""Under the plain name, so that an interpreter without -OO takes it."""


def handlers(root: Path = ROOT) -> list[str]:
    """The modules that template.yaml names as handlers."""
    return sorted(body["Handler"].rsplit(".", 1)[0] for body in functions(load(root / "template.yaml")).values())


def sources(root: Path = ROOT, entries: Sequence[str] | None = None) -> list[Path]:
    """Every file that ships, relative to the root, in order: Python, and the data files that lie beside it."""
    reached = reach.modules(root, entries if entries is not None else handlers(root)).values()
    beside = {path for folder in {found.parent for found in reached} for path in folder.iterdir() if _data(path)}
    return sorted(path.relative_to(root) for path in {*reached, *beside})


def build(
    where: Path,
    settings: Path,
    *,
    root: Path = ROOT,
    entries: Sequence[str] | None = None,
    interpreter: str | None = sys.executable,
    told: Told = lambda done, of: None,
) -> Path:
    """Lay the package out in `where` (emptied first) with unchecked bytecode, which halves a cold start.

    entries      modules that are run; the handlers of the template by default
    interpreter  whose bytecode it is to be; None leaves it out, as bytecode of another version is dead weight
    """
    shutil.rmtree(where, ignore_errors=True)
    found = sources(root, entries)
    for done, path in enumerate(found, 1):
        target = where / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
        told(done, len(found))
    if interpreter is not None:
        compiled(where, found, interpreter)
    shutil.copyfile(settings, where / "settings.yaml")
    for beside in symbol_lists(settings):
        (where / beside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.parent / beside, where / beside)
    return where


def compiled(where: Path, files: Sequence[Path], interpreter: str) -> None:
    """Bytecode beside each of these Python files, without docstrings, which nobody reads there.

    Raises:
        Refused: a file does not compile; the message names it and its line.
    """
    names = "\n".join(str(path) for path in files if path.suffix == ".py")
    program = [interpreter, "-c", PROGRAM]
    done = subprocess.run(program, cwd=where, input=names, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused("a file does not compile", why=done.stderr.strip().splitlines()[-4:])


def without_text(where: Path) -> Path:
    """Leave our compiled code there as bytecode alone: it loads as before, and weighs half.

    What is lost is the line of source under each line of a traceback; file, line number and name stay.
    """
    for kept in list(where.rglob("__pycache__/*.pyc")):
        plain = kept.parents[1] / kept.name.partition(".")[0]
        kept.replace(plain.with_suffix(".pyc"))
        plain.with_suffix(".py").unlink()
    for emptied in list(where.rglob("__pycache__")):
        emptied.rmdir()
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


def _data(path: Path) -> bool:
    return path.is_file() and path.suffix not in NO_DATA and path.name != "Dockerfile"
