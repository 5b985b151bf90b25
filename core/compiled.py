"""Whether the hot path runs compiled: modules that mypyc made of their sources (`make native`) lie beside these.

The sources are what counts. Where one of them is newer than what was made of it, or HOGA_PURE is set, all of them run
from source: compiled modules know each other's insides, so it is all or none. Without a compiler nothing is lost but
time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
LIBRARY = "hoga__mypyc"
"""The library that all compiled modules share; mypyc names it after the group that `infra/native.py` gives."""
LIST = ROOT / f"{LIBRARY}.txt"
"""Sources that it was made of, a path under ROOT in each line."""
PURE = "HOGA_PURE"


class Sources:
    """A finder that takes the source of a module of ours where its compiled twin lies beside it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith("core."):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is None or found.origin is None or not isinstance(found.loader, ExtensionFileLoader):
            return found
        from importlib.util import spec_from_file_location

        folder, file = os.path.split(found.origin)
        return spec_from_file_location(name, os.path.join(folder, f"{file.partition('.')[0]}.py"))


def begin() -> bool:
    """Say once, before any of these modules is imported, which of the two is taken. True for the compiled ones."""
    library = ROOT / f"{LIBRARY}{EXTENSION_SUFFIXES[0]}"
    whole = LIST.exists() and library.exists()
    if not whole and not next(ROOT.glob("core/domain/*.so"), None):
        return False  # nothing was compiled here
    if not whole or os.environ.get(PURE) or stale(LIST.read_text().split(), library):
        sys.meta_path.insert(0, Sources())
        return False
    _load(library)
    return True


def stale(sources: Sequence[str], library: Path) -> bool:
    """Is a source newer than the library? One that is not here (a package of bytecode alone) is not."""
    made = library.stat().st_mtime_ns
    return any(path.exists() and path.stat().st_mtime_ns > made for path in (ROOT / source for source in sources))


def _load(library: Path) -> None:
    """Each compiled module asks for the library by its bare name, and ROOT need not be on the path."""
    from importlib.util import module_from_spec, spec_from_file_location  # a cold function has no use for it

    spec = spec_from_file_location(LIBRARY, library)
    if spec is None or spec.loader is None:
        raise ImportError("the compiled hot path cannot be loaded: run `make native`", path=str(library))
    sys.modules[LIBRARY] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
