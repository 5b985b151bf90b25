"""Compile the streamer's hot path with mypyc, each module beside its source (`make native`; the image does it too).

What is compiled is listed in pyproject.toml under [tool.hoga]. It needs a C compiler, Python's headers, mypy and
setuptools. What was made before is taken away first, so that a build that fails leaves the sources to run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = Path(".build/native")
LOG = WORK / "log.txt"
GROUP = "hoga"
PACKAGES = ("core", "functions", "streamer")
LIST = Path(f"{GROUP}__mypyc.txt")
TAKEN = """
import sys
from importlib import import_module
import core
if not core.COMPILED:
    sys.exit("a source has changed while it was compiled: compile it again")
files = [import_module(source.removesuffix(".py").replace("/", ".")).__file__ for source in sys.argv[2:]]
if other := [file for file in files if not file.endswith(sys.argv[1])]:
    sys.exit(f"these were not compiled: {other}")
"""
"""Asked of a Python of its own, as one that starts would answer: each module is loaded as it was compiled."""
HELP = (
    "the hot path stays interpreted: all works, the streamer takes about twice the CPU. A C compiler and Python's "
    f"headers are needed (Debian: apt install gcc python3-dev; macOS: xcode-select --install). See {LOG}"
)


def modules() -> list[str]:
    """Paths of the sources, as pyproject.toml lists them."""
    found: list[str] = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["hoga"]["native"]
    return found


def clear() -> None:
    """Take away what was made before, for whatever Python."""
    for made in [*Path().glob(f"{GROUP}__mypyc*"), *(so for package in PACKAGES for so in Path(package).rglob("*.so"))]:
        made.unlink()


def build(sources: list[str]) -> None:
    """Compile in place. Raises SystemExit, or an error of mypyc or setuptools."""
    from mypyc.build import mypycify
    from setuptools import setup

    parts = mypycify(sources, group_name=GROUP, target_dir=str(WORK))
    places = ["--build-lib", str(WORK / "lib"), "--build-temp", str(WORK / "temp")]
    setup(name=GROUP, ext_modules=parts, packages=[], script_args=["build_ext", "--inplace", *places])


def built(sources: list[str]) -> bool:
    """Compile in a process of its own, which says into LOG what it has to say: a compiler has much."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    flags = {"CFLAGS": "-g0", "LDFLAGS": "-s"} | os.environ
    with LOG.open("w") as log:
        done = subprocess.run([sys.executable, __file__, *sources], env=flags, stdout=log, stderr=log, check=False)
    return done.returncode == 0


def taken(sources: list[str]) -> bool:
    """Does a Python that starts here load every one of them compiled? LOG says why not."""
    asked = [sys.executable, "-c", TAKEN, EXTENSION_SUFFIXES[0], *sources]
    plain = {name: value for name, value in os.environ.items() if name != "HOGA_PURE"}
    with LOG.open("a") as log:
        return subprocess.run(asked, env=plain, stdout=log, stderr=log, check=False).returncode == 0


def main() -> int:
    os.chdir(ROOT)
    if sources := sys.argv[1:]:
        build(sources)
        return 0
    sources = modules()
    clear()
    print(f"compiling {len(sources)} modules of the hot path (half a minute) ...", flush=True)
    if built(sources):
        LIST.write_text("".join(f"{source}\n" for source in sources))
        if taken(sources):
            return 0
    clear()
    print(HELP)
    return 1


if __name__ == "__main__":
    sys.exit(main())
