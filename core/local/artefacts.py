"""What `sam deploy` uploads: the packages of `template.yaml`, cross-built for Lambda without Docker (`make build`)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.domain.errors import Misconfigured, Transient
from core.local.package import build
from core.local.template import ROOT, functions, load

PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
"""Newest first does not matter: the installer takes the best wheel that any of them admits."""

WITHIN_RUNTIME = ("botocore", "boto3", "s3transfer", "jmespath", "bin")
"""Comes with the Lambda runtime, or is a script that nothing calls."""

LISTS = {
    ".build/functions/": ("functions/requirements.txt",),
    ".build/pictures/": ("functions/requirements.txt", "functions/requirements-pictures.txt"),
}
"""Folder that the template names -> what is installed into it beside our own code."""


def build_all(settings: Path, *, root: Path = ROOT, console: Console) -> dict[str, int]:
    """Build every folder the template names; returns bytes by folder.

    Raises:
        Misconfigured: the template names a folder that nothing here knows how to build.
        Transient: the package index could not be reached.
    """
    template = load(root / "template.yaml")
    sizes = {}
    for folder, version in sorted(_wanted(template).items()):
        with console.status(f"building {folder} ..."):
            where = build(root / folder, settings, root=root)
            ours = _size(where)
            _install(where, LISTS[folder], version, root)
            sizes[folder] = _size(where)
        console.print(_table(folder, ours, sizes[folder]))
    return sizes


def _wanted(template: dict[str, object]) -> dict[str, str]:
    """Folder -> Python version, as the template says."""
    shared = template["Globals"]["Function"]  # type: ignore[index]
    version = template["Parameters"]["Runtime"]["Default"].removeprefix("python")  # type: ignore[index]
    folders = {function.get("CodeUri", shared["CodeUri"]) for function in functions(template).values()}
    if unknown := folders - LISTS.keys():
        raise Misconfigured(
            "template.yaml names a package that is not built", folder=sorted(unknown), known=list(LISTS)
        )
    return dict.fromkeys(folders, version)


def _install(where: Path, lists: tuple[str, ...], version: str, root: Path) -> None:
    chosen = [part for platform in PLATFORMS for part in ("--platform", platform)]
    wanted = [part for name in lists for part in ("-r", str(root / name))]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
    command += [*chosen, "--implementation", "cp", "--python-version", version, "--only-binary=:all:", *wanted]
    done = subprocess.run([*command, "--target", str(where)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Transient("the libraries could not be installed", why=done.stderr.strip().splitlines()[-1:])
    for name in WITHIN_RUNTIME:
        shutil.rmtree(where / name, ignore_errors=True)
    for tests in [path for path in where.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _table(folder: str, ours: int, whole: int) -> Table:
    table = Table("package", "our code", "with libraries", title=None)
    table.add_row(folder, f"{ours / 1e6:.2f} MB", f"{whole / 1e6:.1f} MB")
    return table


def main() -> None:
    console = Console()
    try:
        build_all(ROOT / "settings.yaml", console=console)
    except (Misconfigured, Transient) as trouble:
        console.print(str(trouble), style="red")
        sys.exit(2)


if __name__ == "__main__":
    main()
