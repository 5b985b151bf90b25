"""What a function is given (DESIGN 1: the Lambda package holds core without cli, local, simulators, and functions)."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.local import package
from core.local.artefacts import STREAMING
from core.local.template import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    settings = folder / "given.yaml"
    settings.write_text("stage: test\n")
    return package.build(folder / "functions", settings)


def test_the_package_holds_the_core_and_the_functions_and_nothing_of_one_machine(built):
    tops = {path.name for path in built.iterdir()}
    inner = {path.name for path in (built / "core").iterdir()}

    assert tops == {"core", "functions", "settings.yaml"}
    assert {"domain", "venues", "app", "adapters"} <= inner
    assert not inner & {"cli", "local", "simulators"}


def test_the_settings_given_are_the_settings_shipped(built):
    assert (built / "settings.yaml").read_text() == "stage: test\n"


def test_every_source_file_comes_with_its_bytecode_and_bytecode_needs_no_date(built):
    sources = list(built.rglob("*.py"))
    assert len(sources) > 20
    for source in sources:
        bytecode = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        flags = int.from_bytes(bytecode.read_bytes()[4:8], "little")
        assert flags == 0b01, "unchecked hash: valid whatever the date that unpacking gives"


def test_without_its_text_the_code_loads_as_before_and_weighs_less(built, tmp_path):
    """Issue 6: function code under 1 MB as it is uploaded, bytecode included."""
    bare = package.without_text(shutil.copytree(built, tmp_path / "bare"))
    assert not [path for path in bare.rglob("*") if path.suffix == ".py" or path.name == "__pycache__"]
    assert len(list(bare.rglob("*.pyc"))) == len(list(built.rglob("*.py")))
    assert len(package.zipped(bare)) < 1_000_000
    load = [sys.executable, "-c", "from core.app import trade; print(trade.__file__)"]
    loaded = subprocess.run(
        load, cwd=bare, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == str(bare / "core" / "app" / "trade.pyc")


def test_bytecode_names_no_folder_of_the_machine_that_built_it(built):
    assert not [path for path in built.rglob("*.pyc") if str(ROOT).encode() in path.read_bytes()]


def test_the_archive_is_the_folder_and_the_same_folder_gives_the_same_bytes(built):
    first, second = package.zipped(built), package.zipped(built)

    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = set(archive.namelist())
    assert names == {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert first == second


def test_progress_is_told_for_every_file(tmp_path):
    told = []
    settings = tmp_path / "settings.yaml"
    settings.write_text("{}")

    package.build(tmp_path / "functions", settings, told=lambda done, of: told.append((done, of)))

    assert told[-1][0] == told[-1][1] == len(told)


def test_what_was_compiled_for_this_machine_beside_its_source_goes_into_no_package(tmp_path):
    """`make native` leaves it there, and a function runs on another processor and Python; a source's data goes along."""
    folder = tmp_path / "core" / "hot"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "path.py", "path.cpython-313-darwin.so", "path.pyd", "table.json"):
        (folder / name).touch()
    for name in ("core/__init__.py", "core/path.so", "hoga__mypyc.so", "hoga__mypyc.txt"):
        (tmp_path / name).touch()

    shipped = {path.as_posix() for path in package.sources(tmp_path, ["core.hot.path"])}

    assert shipped == {"core/__init__.py", "core/hot/__init__.py", "core/hot/path.py", "core/hot/table.json"}


def test_a_file_that_does_not_compile_stops_the_build(tmp_path):
    root = tmp_path / "root"
    (root / "core").mkdir(parents=True)
    (root / "functions").mkdir()
    (root / "core" / "broken.py").write_text("def (:\n")
    settings = tmp_path / "settings.yaml"
    settings.write_text("{}")

    with pytest.raises(Exception, match=r"core/broken\.py"):
        package.build(tmp_path / "functions", settings, root=root, entries=["core.broken"])


def test_lists_of_symbols_that_the_settings_name_are_packed_beside_them(tmp_path):
    """A5."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.csv").write_text("005930")
    settings = tmp_path / "settings.yaml"
    settings.write_text("markets: {a: {universe: {file: lists/mine.csv}}, b: {universe: {quote: KRW}}, c: {}}")

    packed = package.build(tmp_path / "out", settings)

    assert (packed / "lists" / "mine.csv").read_text() == "005930"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (["-m", "streamer.health", "absent.json"], "no heartbeat"),
        (["-m", "streamer"], "a variable of the environment is missing"),
    ],
)
def test_the_streamer_starts_out_of_its_own_package_and_says_what_it_lacks(tmp_path, program, said):
    """What is not reached from its entries is not in the image: it must not be needed to start."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("{}")
    where = package.build(tmp_path / "streamer", settings, entries=STREAMING)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(where), "HOGA_RUN_DIR": str(tmp_path)}

    done = subprocess.run([sys.executable, *program], cwd=where, env=env, capture_output=True, text=True, check=False)

    assert done.returncode in (1, 2)
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in where.rglob("*.py") if path.is_relative_to(where / "functions")]
