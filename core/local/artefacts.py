"""What is uploaded, cross-built without Docker (`make build`): the template's packages, and the streamer's image."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from core.domain.errors import Misconfigured, Transient
from core.local import package
from core.local.template import ROOT, Json, functions, load

PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
"""Newest first does not matter: the installer takes the best wheel that any of them admits."""

STREAMER = ".build/streamer/"
STREAMING = ("streamer.__main__", "streamer.health")

IN_RUNTIME = ("botocore", "boto3", "s3transfer", "jmespath")
"""Comes with the Lambda runtime."""

SERVICES = ("dynamodb", "sqs", "ssm", "sts", "events")
"""What the streamer asks of AWS: botocore describes four hundred services in 25 MB."""

UNDRAWN = (
    *("fontTools", "mpl_toolkits", "matplotlib/mpl-data/sample_data", "matplotlib/mpl-data/images", "numpy/f2py"),
    *("matplotlib/mpl-data/fonts/afm", "matplotlib/mpl-data/fonts/pdfcorefonts", "PIL/_avif*", "pillow.libs/libavif*"),
    *("PIL/_webp*", "pillow.libs/libwebp*", "pillow.libs/libsharpyuv*", "PIL/_imagingft*", "PIL/_imagingtk*"),
)
"""What drawing a PNG never loads: PDF and PostScript fonts, widgets, other picture formats."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One folder that is built: libraries by requirement files, what is taken out of them, and its size limits.

    code_mb   most that our own code may weigh as it is uploaded (an archive)
    whole_mb  most that everything may weigh unpacked
    """

    lists: tuple[str, ...]
    entries: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    code_mb: float = 1.0
    whole_mb: float = 60.0


PACKAGES = {
    ".build/functions/": Package(lists=("functions/requirements.txt",), without=IN_RUNTIME),
    ".build/pictures/": Package(
        lists=("functions/requirements.txt", "functions/requirements-pictures.txt"),
        without=(*IN_RUNTIME, *UNDRAWN),
        whole_mb=120.0,
    ),
    STREAMER: Package(lists=("streamer/requirements.txt",), entries=STREAMING, whole_mb=70.0),
}
"""Folder -> what goes into it. Those that the template names must be here; the streamer's goes into its image."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes: our code as an archive and unpacked, and everything unpacked."""

    folder: str
    archive: int
    code: int
    whole: int

    @property
    def over(self) -> list[str]:
        """Limits that do not hold, in words."""
        limits = PACKAGES[self.folder]
        found = [("our code, packed", self.archive, limits.code_mb), ("unpacked", self.whole, limits.whole_mb)]
        return [f"{self.folder} {what} is {size / 1e6:.1f} MB of {mb:g}" for what, size, mb in found if size > mb * 1e6]


def build_all(settings: Path, *, root: Path = ROOT, console: Console) -> list[Size]:
    """Build every folder; returns how large each became.

    Raises:
        Misconfigured: the template names a folder that nothing here knows how to build.
        Transient: the package index could not be reached.
    """
    version = runtime(load(root / "template.yaml"))
    interpreter = interpreter_of(version)
    sizes = []
    for folder, wanted in PACKAGES.items():
        with console.status(f"building {folder} ..."):
            sizes.append(_built(folder, wanted, settings, version, interpreter, root))
    return sizes


def interpreter_of(version: str) -> str | None:
    """A Python of that version on this machine; a name that stands for one that is not installed does not count."""
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found if done.stdout.strip() == version else None


def runtime(template: Json) -> str:
    """The Python version of the functions; every folder they name must be one that is built."""
    shared = template["Globals"]["Function"]
    named = {function.get("CodeUri", shared["CodeUri"]) for function in functions(template).values()}
    if unknown := named - PACKAGES.keys():
        raise Misconfigured(
            "template.yaml names a package that is not built", folder=sorted(unknown), known=list(PACKAGES)
        )
    version: str = template["Parameters"]["Runtime"]["Default"]
    return version.removeprefix("python")


def _built(folder: str, wanted: Package, settings: Path, version: str, interpreter: str | None, root: Path) -> Size:
    where = package.build(root / folder, settings, root=root, entries=wanted.entries, interpreter=interpreter)
    archive, code = len(package.zipped(where)), _size(where)
    install(where, wanted.lists, version, root)
    trim(where, wanted.without)
    if interpreter is not None:
        _compile(where, interpreter)
    return Size(folder=folder, archive=archive, code=code, whole=_size(where))


def install(where: Path, lists: Sequence[str], version: str, root: Path, platforms: Sequence[str] = PLATFORMS) -> None:
    """The libraries of these lists for that Python and platform; none for the platform means this machine's own."""
    wanted = [part for name in lists for part in ("-r", str(root / name))]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
    for platform in platforms:
        command += ["--platform", platform]
    if platforms:
        command += ["--implementation", "cp", "--python-version", version]
    command += ["--no-compile", "--only-binary=:all:", *wanted, "--target", str(where)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Transient("the libraries could not be installed", why=done.stderr.strip().splitlines()[-1:])


def trim(where: Path, without: Sequence[str]) -> None:
    """Take out what is never loaded: these paths, scripts, tests, type stubs, and services nobody asks."""
    for pattern in (*without, "bin", "**/tests", "**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.h", "**/*.lib", "**/*.a"):
        for path in list(where.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    data = where / "botocore" / "data"
    for service in data.iterdir() if data.exists() else ():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)


def _compile(where: Path, interpreter: str) -> None:
    """Bytecode of the libraries too: a function's file system is read-only, so nobody else can keep it."""
    files = [path.relative_to(where) for path in where.rglob("*.py") if not (path.parent / "__pycache__").exists()]
    package.compiled(where, files, interpreter)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(sizes: Sequence[Size]) -> Table:
    """Sizes against their limits, for people."""
    shown = Table("package", "our code, packed", "our code", "with libraries", "limit", title=None)
    for size in sizes:
        figures = (f"{size.archive / 1e6:.2f} MB", f"{size.code / 1e6:.2f} MB", f"{size.whole / 1e6:.1f} MB")
        shown.add_row(size.folder, *figures, f"{PACKAGES[size.folder].whole_mb:g} MB")
    return shown


def note(version: str, interpreter: str | None) -> str:
    """What the owner must know of the bytecode; "" where all is as it should be."""
    if interpreter is not None:
        return ""
    return (
        f"no python{version} on this machine: the packages hold no bytecode, so a cold start takes longer. Install "
        f"it, or deploy with Runtime of a Python that is here, and build again."
    )


def main() -> None:
    console = Console()
    try:
        sizes = build_all(ROOT / "settings.yaml", console=console)
        version = runtime(load())
    except (Misconfigured, Transient) as trouble:
        console.print(str(trouble), style="red")
        sys.exit(2)
    console.print(table(sizes))
    if said := note(version, interpreter_of(version)):
        console.print(said, style="yellow")
    if over := [fault for size in sizes for fault in size.over]:
        console.print("\n".join(over), style="red")
        sys.exit(1)


if __name__ == "__main__":
    main()
