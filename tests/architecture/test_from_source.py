"""What runs compiled runs from source as well, and the sources are what counts (core/compiled.py; D12)."""

import os
import subprocess
import sys
from contextlib import chdir
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from core import COMPILED, compiled
from infra import native

ROOT = Path(__file__).parents[2]
WHERE = "import core, core.domain.engine as engine; print(core.COMPILED, engine.__file__.endswith('.py'))"
HOT_PATH = "tests/streamer/test_hot_path.py"


def out(*arguments, **env):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def own_tests():
    """The tests of what is compiled, by its name: `core/domain/engine.py` has those in `tests/domain/test_engine*.py`."""
    with chdir(ROOT):
        places = [Path("tests", *Path(name).parts[1:]) for name in native.modules()]
    found = {str(path) for place in places for path in (ROOT / place.parent).glob(f"test_{place.stem}*.py")}
    assert len(found) >= len(places) - 3
    return sorted(found)


@pytest.mark.slow
@pytest.mark.skipif(not COMPILED, reason="this whole run is from source")
def test_the_tests_of_what_runs_compiled_pass_from_source():
    status, said = out("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", HOT_PATH, *own_tests(), HOGA_PURE="1")

    assert status == 0, said[-4_000:]


def test_the_sources_run_where_the_owner_asks_for_them():
    assert out("-c", WHERE, HOGA_PURE="1") == (0, "False True\n")


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_what_is_compiled_runs_where_nothing_is_asked():
    assert out("-c", WHERE) == (0, "True False\n")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A tree in which one source was compiled a moment ago."""
    source, library = tmp_path / "core/domain/candle.py", tmp_path / f"hoga__mypyc{EXTENSION_SUFFIXES[0]}"
    source.parent.mkdir(parents=True)
    source.write_text("price = 1\n")
    library.touch()
    os.utime(source, ns=(0, library.stat().st_mtime_ns - 1))
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    return source, library


def test_a_source_that_is_newer_than_what_was_made_of_it_is_stale(made):
    source, library = made
    names = ["core/domain/candle.py", "core/domain/gone.py"]
    assert not compiled.stale(names, library)

    os.utime(source, ns=(0, library.stat().st_mtime_ns + 1))

    assert compiled.stale(names, library)


def test_a_module_is_found_at_its_source_beside_its_compiled_twin(made):
    source, _ = made
    source.with_name(f"candle{EXTENSION_SUFFIXES[0]}").touch()
    finder = compiled.Sources()

    assert finder.find_spec("core.domain.candle", [str(source.parent)]).origin == str(source)
    assert finder.find_spec("streamer.link", [str(source.parent)]) is None
    assert finder.find_spec("core.domain.candle", [str(source.parent / "nowhere")]) is None


@pytest.mark.parametrize("gone", ["the library", "its list", "both"])
def test_what_a_build_left_halfway_is_not_taken(made, monkeypatch, gone):
    source, library = made
    source.with_name(f"candle{EXTENSION_SUFFIXES[0]}").touch()
    names = source.parents[2] / "hoga__mypyc.txt"
    names.write_text("core/domain/candle.py")
    for path in {"the library": (library,), "its list": (names,), "both": (library, names)}[gone]:
        path.unlink()
    monkeypatch.setattr(compiled, "LIST", names)
    monkeypatch.setattr(sys, "meta_path", [])

    assert not compiled.begin()
    assert isinstance(sys.meta_path[0], compiled.Sources)


def test_where_nothing_was_compiled_nothing_is_looked_for(made, monkeypatch):
    _, library = made
    library.unlink()
    monkeypatch.setattr(compiled, "LIST", library)
    monkeypatch.setattr(sys, "meta_path", [])

    assert not compiled.begin()
    assert sys.meta_path == []


def test_every_module_that_is_to_be_compiled_is_there_and_defines_no_struct(monkeypatch):
    """mypyc keeps no annotation of a class's field as it is written, and msgspec reads them."""
    monkeypatch.chdir(ROOT)
    for name in native.modules():
        text = (ROOT / name).read_text()
        assert "msgspec.Struct" not in text, name
