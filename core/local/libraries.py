"""Libraries for another machine than this one: installed as wheels, trimmed of what is never loaded, compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.domain.errors import Transient
from core.local import package

GLIBCS = ("manylinux2014", "manylinux_2_27", "manylinux_2_28")
"""Newest first does not matter: the installer takes the best wheel that any of them admits."""

PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
"""By the names of CloudFormation, those of wheels."""

IN_RUNTIME = ("botocore", "boto3", "s3transfer", "jmespath")
"""Comes with the Lambda runtime."""

SERVICES = ("dynamodb", "sqs", "ssm", "sts", "events")
"""What the streamer asks of AWS: botocore describes four hundred services in 25 MB."""

UNDRAWN = (
    *("fontTools/[!_am]*", "fontTools/merge", "fontTools/mtiLib", "fontTools/misc/*.so", "share", "pylab.py"),
    *("mpl_toolkits", "matplotlib/mpl-data/sample_data", "matplotlib/mpl-data/images", "numpy/f2py"),
    *("matplotlib/mpl-data/fonts/afm", "matplotlib/mpl-data/fonts/pdfcorefonts", "PIL/_avif*", "pillow.libs/libavif*"),
    *("PIL/_webp*", "pillow.libs/libwebp*", "pillow.libs/libsharpyuv*", "PIL/_imagingtk*"),
    *("PIL/_imagingft*", "pillow.libs/libfreetype*", "pillow.libs/libharfbuzz*", "pillow.libs/libbrotli*"),
    *("pillow.libs/libpng*", "PIL/_imagingcms*", "pillow.libs/liblcms*", "numpy/random", "matplotlib/testing"),
    *(f"matplotlib/mpl-data/fonts/ttf/{font}*" for font in ("STIX", "cm", "DejaVuSerif", "DejaVuSansMono")),
)
"""What drawing a PNG never loads: all fonts but one, widgets, other picture formats, colour profiles, dice.

Of fontTools matplotlib needs its glyph names, whatever is drawn."""

UNLOADED = ("bin", "**/tests", "**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.c", "**/*.h", "**/*.lib", "**/*.a")
"""What nothing that runs ever loads: scripts, tests, type stubs, sources of what is compiled."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder is to run on: a Python as "3.13", a processor as CloudFormation names it."""

    version: str
    processor: str

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(f"{glibc}_{PROCESSORS[self.processor]}" for glibc in GLIBCS)


def install(where: Path, lists: Sequence[Path], on: Machine | None) -> None:
    """The libraries of these lists for that machine; None means this one.

    Raises:
        Transient: the package index could not be reached, or has no wheel for that machine.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
    if on is not None:
        command += [part for platform in on.platforms for part in ("--platform", platform)]
        command += ["--implementation", "cp", "--python-version", on.version]
    wanted = [part for path in lists for part in ("-r", str(path))]
    command += ["--no-compile", "--only-binary=:all:", *wanted, "--target", str(where)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Transient("the libraries could not be installed", why=done.stderr.strip().splitlines()[-1:])


def trim(where: Path, without: Sequence[str]) -> None:
    """Take out what is never loaded: these paths, what no program loads, and services nobody asks."""
    for pattern in (*without, *UNLOADED):
        for path in list(where.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    data = where / "botocore" / "data"
    for service in data.iterdir() if data.exists() else ():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)


def compile_all(where: Path, interpreter: str) -> None:
    """Bytecode of all that has none yet: a function's file system is read-only, so nobody else can keep it."""
    files = [path.relative_to(where) for path in where.rglob("*.py") if not (path.parent / "__pycache__").exists()]
    package.compiled(where, files, interpreter)


def interpreter_of(version: str) -> str | None:
    """A Python of that version on this machine: this very one, one by its name in the path, one of a version manager.

    A name that stands for one that is not installed (as version managers leave them) does not count.
    """
    found = (sys.executable, shutil.which(f"python{version}"), *_managed(version, Path.home()))
    return next((one for one in found if one is not None and _version(one) == version), None)


def _managed(version: str, home: Path) -> list[str]:
    """Where pyenv and uv keep what they install unless told otherwise, in the path or not; the newest first."""
    kept = ((home / ".pyenv/versions", version), (home / ".local/share/uv/python", f"cpython-{version}"))
    found = [path for folder, begin in kept for path in folder.glob(f"{begin}.*/bin/python{version}")]
    return [str(path) for path in sorted(found, key=_release, reverse=True)]


def _release(path: Path) -> tuple[int, ...]:
    """.../3.13.10/bin/python3.13 -> (3, 13, 10); .../cpython-3.13.2-linux-x86_64-gnu/... -> (3, 13, 2)."""
    found = re.search(r"\d+(\.\d+)+", path.parents[1].name)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _version(interpreter: str) -> str:
    asked = [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
