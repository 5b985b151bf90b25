"""Which files an entry point can ever load: what it imports, at its top or inside its functions, and so on.

A package that is made of these holds nothing that nobody calls. Imports under TYPE_CHECKING are for readers only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from core.domain.errors import Refused
from core.venues.spec import HOMES

OURS = ("core", "functions", "streamer")
BY_NAME = tuple(f"core.venues.{home}" for home in sorted(set(HOMES.values())))
"""Imported by a name that is made at run time (`core.venues.spec.venue`)."""


def modules(root: Path, entries: Iterable[str]) -> dict[str, Path]:
    """Every module of ours that the entries reach, with its file."""
    found: dict[str, Path] = {}
    waiting = [*entries, *BY_NAME]
    while waiting:
        name = waiting.pop()
        path = _file(root, name)
        if path is None or name in found or not name.startswith(OURS):
            continue
        found[name] = path
        waiting += [*_read(path, root), *_parents(name)]
    return found


def libraries(root: Path, entries: Iterable[str]) -> set[str]:
    """First names of everything else that they import."""
    named = {name for path in modules(root, entries).values() for name in _read(path, root)}
    return {name.partition(".")[0] for name in named if not name.startswith(OURS)}


def _read(path: Path, root: Path) -> frozenset[str]:
    """Raises Refused where the file is no Python: the message names it and its line."""
    try:
        return imported(path.read_text(encoding="utf-8"))
    except SyntaxError as fault:
        raise Refused(
            "a file does not compile", file=path.relative_to(root), line=fault.lineno, why=fault.msg
        ) from fault


@cache
def imported(source: str) -> frozenset[str]:
    """Names that a file imports; `from a import b` may mean the module a.b, so both are named.

    A text is read once in a process: functions, pictures and streamer are packed of nearly the same files.

    >>> sorted(imported("import a.b\\nfrom c import d"))
    ['a.b', 'c', 'c.d']
    """
    found: set[str] = set()
    for node in _executed(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module, *(f"{module}.{alias.name}" for alias in names)}
            case _:
                pass
    return frozenset(found)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for other in child.orelse:
                    yield other
                    yield from _executed(other)
            case _:
                yield child
                yield from _executed(child)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _file(root: Path, name: str) -> Path | None:
    place = root.joinpath(*name.split("."))
    if (inside := place / "__init__.py").exists():
        return inside
    return beside if (beside := place.with_suffix(".py")).exists() else None
