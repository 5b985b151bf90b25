"""I1: what `sam deploy` uploads is what the template names, for the machines that it names, within its limits."""

import sys
from importlib.metadata import packages_distributions

import pytest

from core.domain.errors import Misconfigured, Transient
from core.local import artefacts, libraries, reach
from core.local import template as templates
from core.local.artefacts import PACKAGES, STREAMER, STREAMING, Package, Size, machines, main, note, table
from core.local.libraries import IN_RUNTIME, Machine
from core.local.package import sources
from core.local.template import ROOT
from tests.streamer.test_image import brought, pins

TEMPLATE = templates.load()
RECIPE = (ROOT / artefacts.RECIPE).read_text()
ARM = Machine(version="3.13", processor="arm64")
LISTS = sorted({name for wanted in PACKAGES.values() for name in wanted.lists})


def size(folder, *, archive=1, code=1, whole=1, compiled=True, on=ARM):
    return Size(folder=folder, archive=archive, code=code, whole=whole, on=on, compiled=compiled)


def test_every_folder_is_built_for_the_runtime_and_the_processor_that_the_template_deploys_it_on():
    assert machines(TEMPLATE, RECIPE, {}) == dict.fromkeys(PACKAGES, ARM)


def test_another_runtime_is_built_for_where_it_is_deployed_and_the_streamers_image_keeps_its_own():
    found = machines(TEMPLATE, RECIPE, {"Runtime": "python3.14", "Architecture": "x86_64"})
    assert found[".build/functions/"] == Machine(version="3.14", processor="x86_64")
    assert found[".build/functions/"].platforms[0] == "manylinux2014_x86_64"
    assert found[STREAMER] == ARM


def test_a_runtime_that_the_template_does_not_allow_is_refused_with_those_it_does():
    with pytest.raises(Misconfigured, match=r"python3\.11.*python3\.13"):
        machines(TEMPLATE, RECIPE, {"Runtime": "python3.11"})


def test_a_folder_that_nobody_builds_is_named():
    template = templates.load()
    template["Resources"]["Notify"]["Properties"]["CodeUri"] = ".build/else/"
    with pytest.raises(Misconfigured, match=r"\.build/else/"):
        machines(template, RECIPE, {})


@pytest.mark.parametrize("name", LISTS)
def test_a_library_is_pinned_to_the_same_version_everywhere(name):
    whole = pins("requirements.txt")
    assert {one: whole[one] for one in pins(name)} == pins(name)


def test_the_package_holds_the_functions_and_the_core_without_its_one_machine_parts():
    shipped = {path.as_posix() for path in sources()}
    assert "functions/worker.py" in shipped
    assert not [path for path in shipped if path.startswith(("core/cli", "core/local", "core/simulators", "streamer"))]


def handlers_in(folder):
    shared = TEMPLATE["Globals"]["Function"]["CodeUri"]
    bodies = templates.functions(TEMPLATE).values()
    return [one["Handler"].rsplit(".", 1)[0] for one in bodies if one.get("CodeUri", shared) == folder]


WITHOUT = {
    ".build/functions/": {
        "matplotlib",  # `notify` alone draws, from the package beside this one
        "cryptography",  # reads notices of KIS (the streamer does) and Ed25519 keys of Binance, which say what to do
    },
    ".build/pictures/": {"cryptography"},  # as above: `notify` asks no venue
    STREAMER: {"matplotlib"},  # draws nothing
}
"""What the code of a package names and the package does not hold, and why that is right."""


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_library_that_the_code_of_a_package_imports_is_in_the_package_or_left_out_on_purpose(folder):
    entries = STREAMING if folder == STREAMER else handlers_in(folder)
    held = brought({name for one in PACKAGES[folder].lists for name in pins(one)}) | (
        set() if folder == STREAMER else {*IN_RUNTIME, "urllib3"}
    )
    owners = packages_distributions()
    named = reach.libraries(ROOT, entries) - set(sys.stdlib_module_names)
    missing = {name for name in named if not {one.lower() for one in owners.get(name, [name])} & held}
    assert missing == WITHOUT[folder]


def test_a_limit_that_does_not_hold_is_told_in_words():
    assert size(".build/functions/", archive=1_000_000, whole=60_000_000).over == []
    assert size(".build/functions/", archive=1_200_000, whole=61_000_000).over == [
        ".build/functions/ our code, packed is 1.2 MB of 1",
        ".build/functions/ unpacked is 61.0 MB of 60",
    ]


def test_functions_without_bytecode_are_told_of_and_an_image_that_compiles_its_own_is_not():
    assert note([size(".build/functions/"), size(STREAMER, compiled=False)]) == ""
    said = note([size(".build/functions/", compiled=False), size(".build/pictures/", compiled=False)])
    assert "no python3.13 on this machine" in said
    assert "RUNTIME=" in said


def test_the_image_compiles_what_comes_without_bytecode():
    assert "test -d /app/core/__pycache__ || python -m compileall" in RECIPE


def test_sizes_are_shown_with_their_limits_and_machines():
    shown = table([size(STREAMER, whole=50_000_000, compiled=False)])
    cells = [next(iter(column.cells)) for column in shown.columns]
    assert cells == [STREAMER, "3.13 arm64", "0.00 MB", "0.00 MB", "50.0 MB", "70 MB", "no"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One package of one handler, whose libraries are a file that is there already."""
    wanted = Package(lists=("a.txt", "b.txt"), entries=("functions.rank",), without=("large*",))
    asked = []

    def install(where, lists, on):
        asked.append(([path.name for path in lists], on))
        (where / "large.so").write_bytes(b"x" * 10)
        (where / "library.py").write_text('"""Text."""\nx = 1\n')

    monkeypatch.setitem(PACKAGES, str(tmp_path / "out"), wanted)
    monkeypatch.setattr(artefacts, "install", install)
    monkeypatch.setattr(artefacts, "interpreter_of", lambda version: None if version == "3.13" else sys.executable)
    (tmp_path / "settings.yaml").write_text("{}")
    return tmp_path, asked


def built(folder, version):
    """The project's own sources, laid out in a folder of the test's."""
    on = Machine(version=version, processor="arm64")
    return on, artefacts.build(str(folder / "out"), on, folder / "settings.yaml")


def test_what_is_left_out_weighs_nothing_and_libraries_are_compiled_too(small):
    folder, asked = small
    on, found = built(folder, "3.14")

    assert asked == [(["a.txt", "b.txt"], on)]
    assert found.compiled
    assert not (folder / "out" / "large.so").exists()
    assert list((folder / "out" / "__pycache__").glob("library.*.pyc"))
    assert (folder / "out" / "library.py").exists(), "the text of our own code only stays at home"
    assert (folder / "out" / "functions" / "rank.pyc").exists()
    assert not list((folder / "out" / "core").rglob("*.py"))
    assert found.whole == sum(path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file())
    assert 0 < found.archive < found.code < found.whole


def test_without_a_python_of_that_version_nothing_is_compiled_for_it(small):
    folder, _ = small
    _, found = built(folder, "3.13")

    assert not found.compiled
    assert not list((folder / "out").rglob("*.pyc"))
    assert (folder / "out" / "functions" / "rank.py").exists()


@pytest.mark.parametrize(
    ("sizes", "code", "said"),
    [
        ({}, 0, "3.13 arm64"),
        ({"compiled": False}, 0, "no python3.13 on this machine"),
        ({"archive": 2_000_000}, 1, "our code, packed is 2.0 MB of 1"),
    ],
)
def test_the_build_prints_its_sizes_and_fails_where_a_limit_does_not_hold(monkeypatch, capsys, sizes, code, said):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(artefacts, "build", lambda folder, on, settings: size(folder, on=on, **sizes))
    assert main([]) == code
    assert said in capsys.readouterr().out


def test_a_build_that_cannot_be_is_told_in_a_sentence(monkeypatch, capsys):
    def offline(*_):
        raise Transient("the libraries could not be installed")

    monkeypatch.setattr(artefacts, "build", offline)
    assert (main(["", ""]), main(["python2.7"])) == (2, 2)
    said = capsys.readouterr().out
    assert "could not be installed" in said
    assert "does not allow" in said


def test_this_very_python_is_found_whatever_it_is_called():
    """Version managers put another one first in the path, or a name that stands for none."""
    own = "{}.{}".format(*sys.version_info[:2])
    assert libraries.interpreter_of(own) == sys.executable
    assert libraries.interpreter_of("2.1") is None
