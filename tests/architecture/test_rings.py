"""The house as a failing test (DESIGN.md, section 1)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("domain", "venues", "feed", "app")
IMPURE = {
    "boto3",
    "botocore",
    "pynamodb",
    "requests",
    "websockets",
    "aiohttp",
    "picows",
    "uvloop",
    "logging",
    "random",
    "socket",
    "os",
    "time",
    "asyncio",
    "threading",
    "subprocess",
}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def calls(path: Path) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


def test_every_import_contract_is_kept():
    outcome = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize(
    "path", modules(*(f"core/{ring}" for ring in PURE)), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_pure_module_imports_nothing_that_does_input_or_output(path):
    assert not imported(path) & IMPURE


@pytest.mark.parametrize(
    "path", modules(*(f"core/{ring}" for ring in PURE)), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_pure_module_reads_no_clock_and_rolls_no_dice(path):
    forbidden = {"datetime.now", "datetime.utcnow", "date.today", "uuid4", "uuid.uuid4", "open", "print"}
    assert not calls(path) & forbidden


def test_the_pure_rings_import_without_any_network_library_installed():
    blocked = ("boto3", "botocore", "pynamodb", "requests", "websockets", "aiohttp", "picows")
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules(*(f"core/{ring}" for ring in PURE))
    ]
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"
        f"import importlib\n[importlib.import_module(name.removesuffix('.__init__')) for name in {names!r}]\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_the_environment_is_read_in_four_places_only():
    allowed = ("core/adapters/wiring.py", "core/cli/", "streamer/__main__.py", "core/compiled.py")
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in modules("core", "functions", "streamer")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    assert [reader for reader in readers if not reader.startswith(allowed)] == []


def test_broad_excepts_live_only_in_the_two_outermost_loops():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("core", "functions", "streamer")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and ast.unparse(node.body[-1]) != "raise"  # tidying up on the way out swallows nothing
        and path.name not in {"supervisor.py", "outbox.py"}
    ]
    assert found == []


def test_no_file_is_named_after_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert not [path for path in modules("core", "functions", "streamer", "tests") if path.stem in empty]


def test_a_market_is_never_compared_with_in_shared_code():
    """A new venue costs new files and two touched lines, so nothing outside its folder may ask which one it is."""
    shared = list(modules("core/domain", "core/feed", "core/app", "core/adapters", "functions", "streamer"))
    assert not [path for path in shared if "Market.UPBIT" in _code(path)]


def _code(path: Path) -> str:
    """The file without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(0)
    return ast.unparse(tree)
