"""What is uploaded, cross-built without Docker (`make build`): the template's packages, and the streamer's image."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from core.domain.errors import CoreError, Misconfigured
from core.local import package
from core.local.libraries import IN_RUNTIME, UNDRAWN, Machine, compile_all, install, interpreter_of, trim
from core.local.template import ROOT, Json, functions, load

STREAMER = ".build/streamer/"
STREAMING = ("streamer.__main__", "streamer.health")
RECIPE = "streamer/Dockerfile"
BASE = re.compile(r"^ARG BASE=python:(\d+\.\d+)", re.MULTILINE)
"""The image brings a Python of its own, whatever the functions' is."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One folder that is built: libraries by requirement files, what is taken out of them, and its size limits.

    entries  modules that are run; None for the template's handlers
    text     our sources go along with their bytecode
    code_mb   most that our own code may weigh as it is uploaded (an archive)
    whole_mb  most that everything may weigh unpacked
    """

    lists: tuple[str, ...]
    entries: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    text: bool = False
    code_mb: float = 1.0
    whole_mb: float = 60.0


PACKAGES = {
    ".build/functions/": Package(lists=("functions/requirements.txt",), without=IN_RUNTIME),
    ".build/pictures/": Package(
        lists=("functions/requirements.txt", "functions/requirements-pictures.txt"),
        without=(*IN_RUNTIME, *UNDRAWN),
        whole_mb=120.0,
    ),
    STREAMER: Package(lists=("streamer/requirements.txt",), entries=STREAMING, text=True, code_mb=2.0, whole_mb=70.0),
}
"""Folder -> what goes into it. Those that the template names must be here; the streamer's goes into its image, which
brings Python and what it stands on besides, so that 70 MB here keep the image under 200 MB with much to spare."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes: our code as an archive and unpacked, and everything unpacked. `compiled`: bytecode is among it."""

    folder: str
    archive: int
    code: int
    whole: int
    on: Machine
    compiled: bool

    @property
    def over(self) -> list[str]:
        """Limits that do not hold, in words."""
        limits = PACKAGES[self.folder]
        found = [("our code, packed", self.archive, limits.code_mb), ("unpacked", self.whole, limits.whole_mb)]
        return [f"{self.folder} {what} is {size / 1e6:.1f} MB of {mb:g}" for what, size, mb in found if size > mb * 1e6]


def machines(template: Json, recipe: str, chosen: Mapping[str, str]) -> dict[str, Machine]:
    """Folder -> what it runs on: functions by the template's parameters, the streamer by its image's recipe.

    chosen  values of the parameters Runtime and Architecture, where a deploy gives others than the template's own

    Raises:
        Misconfigured: a value that the template does not allow, or a folder that nothing here knows how to build.
    """
    shared = template["Globals"]["Function"]
    named = {function.get("CodeUri", shared["CodeUri"]) for function in functions(template).values()}
    if unknown := named - PACKAGES.keys():
        raise Misconfigured(
            "template.yaml names a package that is not built", folder=sorted(unknown), known=list(PACKAGES)
        )
    version = _parameter(template, "Runtime", chosen).removeprefix("python")
    lambdas = Machine(version=version, processor=_parameter(template, "Architecture", chosen))
    (base,) = BASE.findall(recipe)
    return {**dict.fromkeys(PACKAGES, lambdas), STREAMER: Machine(version=base, processor="arm64")}


def _parameter(template: Json, name: str, chosen: Mapping[str, str]) -> str:
    body = template["Parameters"][name]
    value = str(chosen.get(name) or body["Default"])
    if value not in body["AllowedValues"]:
        raise Misconfigured(
            "the template does not allow this", parameter=name, given=value, known=body["AllowedValues"]
        )
    return value


def build(folder: str, on: Machine, settings: Path, root: Path = ROOT) -> Size:
    """Our code and its libraries for that machine; bytecode where a Python of its version is here.

    Raises:
        Transient: the libraries could not be installed.
        Refused: a file of ours does not compile.
    """
    wanted, interpreter = PACKAGES[folder], interpreter_of(on.version)
    where = package.build(root / folder, settings, root=root, entries=wanted.entries, interpreter=interpreter)
    if interpreter is not None and not wanted.text:
        package.without_text(where)
    archive, code = len(package.zipped(where)), _size(where)
    install(where, [root / name for name in wanted.lists], on)
    trim(where, wanted.without)
    if interpreter is not None:
        compile_all(where, interpreter)
    return Size(folder=folder, archive=archive, code=code, whole=_size(where), on=on, compiled=interpreter is not None)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(sizes: Sequence[Size]) -> Table:
    """Sizes against their limits, for people."""
    shown = Table("package", "for", "our code", "packed", "whole", "limit", "bytecode", box=None)
    for size in sizes:
        figures = (f"{size.code / 1e6:.2f} MB", f"{size.archive / 1e6:.2f} MB", f"{size.whole / 1e6:.1f} MB")
        limit = f"{PACKAGES[size.folder].whole_mb:g} MB"
        machine = f"{size.on.version} {size.on.processor}"
        shown.add_row(size.folder, machine, *figures, limit, "yes" if size.compiled else "no")
    return shown


def note(sizes: Sequence[Size]) -> str:
    """What the owner must know of bytecode; "" where all is as it should be. The image compiles what has none."""
    bare = sorted({size.on.version for size in sizes if not size.compiled and size.folder != STREAMER})
    if not bare:
        return ""
    return (
        f"no python{', python'.join(bare)} on this machine, so the functions hold no bytecode and start about twice as "
        f"slowly. Install it (by pyenv, uv, or into the path; or `make build RUNTIME=...` with one that is here, and "
        f"deploy with the same Runtime) and build again."
    )


def main(arguments: Sequence[str]) -> int:
    """`python -m core.local.artefacts [RUNTIME [ARCHITECTURE]]`; what is not given or empty is the template's own."""
    console = Console()
    chosen = dict(zip(("Runtime", "Architecture"), arguments, strict=False))
    try:
        sizes = []
        for folder, on in machines(load(), (ROOT / RECIPE).read_text(encoding="utf-8"), chosen).items():
            with console.status(f"building {folder} ..."):
                sizes.append(build(folder, on, ROOT / "settings.yaml"))
    except CoreError as trouble:
        console.print(str(trouble), style="red")
        return 2
    console.print(table(sizes))
    if said := note(sizes):
        console.print(said, style="yellow")
    over = [fault for size in sizes for fault in size.over]
    console.print("\n".join(over), style="red", end="\n" if over else "")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
