"""Which files an entry point can load: what is not reached is not shipped, so what is missed breaks in the cloud (I1)."""

import subprocess
import sys

import pytest

from core.local import package, reach
from core.local.artefacts import STREAMING
from core.local.template import ROOT


@pytest.fixture
def tree(tmp_path):
    """Files by path; returns their root."""

    def plant(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return plant


def test_what_is_imported_at_the_top_inside_a_function_and_under_a_condition_is_reached(tree):
    root = tree({
        "core/__init__.py": "",
        "core/a.py": "import core.b\ndef f():\n    from core import c\n    if f:\n        import core.sub.d\n",
        "core/b.py": "", "core/c.py": "", "core/alone.py": "", "core/sub/__init__.py": "from core import e",
        "core/sub/d.py": "", "core/e.py": "import json, yaml.nodes",
    })  # fmt: skip

    found = reach.modules(root, ["core.a"])

    assert set(found) == {"core", "core.a", "core.b", "core.c", "core.sub", "core.sub.d", "core.e"}
    assert found["core.sub"] == root / "core" / "sub" / "__init__.py"
    assert reach.libraries(root, ["core.a"]) == {"json", "yaml"}


def test_what_is_imported_for_readers_of_types_only_is_not_and_its_alternative_is(tree):
    root = tree({
        "core/a.py": "if TYPE_CHECKING:\n    import core.b\nelse:\n    import core.c\n",
        "core/b.py": "", "core/c.py": "def f():\n    import core.d\n", "core/d.py": "",
    })  # fmt: skip

    assert set(reach.modules(root, ["core.a"])) == {"core.a", "core.c", "core.d"}


def test_an_entry_that_is_not_there_reaches_nothing(tree):
    assert reach.modules(tree({"core/a.py": ""}), ["core.absent", "json"]) == {}


PROGRAM = """
import importlib, sys
for name in {entries!r}:
    importlib.import_module(name)
print("\\n".join(name for name in sys.modules if name.partition(".")[0] in ("core", "functions", "streamer")))
"""


@pytest.mark.parametrize("entries", [package.handlers(), STREAMING], ids=["functions", "streamer"])
def test_whatever_python_itself_loads_of_ours_is_reached(entries):
    """An independent answer: the interpreter's."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(entries=list(entries))], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert set(done.stdout.split()) <= set(reach.modules(ROOT, entries))
