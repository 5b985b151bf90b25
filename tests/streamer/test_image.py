"""The container's recipe: pinned, not root, health-checked, and with everything that the streamer loads."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from core.local import reach
from infra import native

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "streamer" / "Dockerfile").read_text()


def pins(file):
    rows = (line.split("==") for line in (ROOT / file).read_text().splitlines() if "==" in line)
    return {name.lower(): version for name, version in rows}


def test_the_base_is_pinned_by_tag():
    stages = re.findall(r"^FROM (.*)$", RECIPE, re.MULTILINE)
    assert stages == ["${BASE} AS native", "${BASE} AS whole", "scratch"], "what is compiled meets its own base again"
    assert re.search(r"^ARG BASE=python:3\.13\.\d+-slim-\w+$", RECIPE, re.MULTILINE)


def test_it_does_not_run_as_root_and_is_checked_and_stopped_politely():
    assert re.search(r"^USER 10001:10001$", RECIPE, re.MULTILINE)
    assert "HEALTHCHECK" in RECIPE
    assert '"streamer.health"' in RECIPE
    assert "STOPSIGNAL SIGTERM" in RECIPE


def test_what_it_writes_goes_where_its_read_only_root_lets_it():
    """Issue 6: the one volume is its temporary folder too, and bytecode is made at the build: nobody can later."""
    (folder,) = re.findall(r"^VOLUME (.*)$", RECIPE, re.MULTILINE)
    assert f"TMPDIR={folder} " in RECIPE
    assert f"install -d -o 10001 -g 10001 {folder}" in RECIPE, "who runs it must own it"
    assert RECIPE.count("python -m compileall -q --invalidation-mode unchecked-hash") == 2, "the base's own, and ours"


def test_there_is_no_shell_and_no_program_but_python_in_it():
    assert re.search(r"^    /usr/sbin /usr/bin$", RECIPE, re.MULTILINE)
    assert "ENV PATH=/usr/local/bin " in RECIPE
    assert not re.search(r"^(ENTRYPOINT|CMD|HEALTHCHECK .*CMD) [^\[]", RECIPE, re.MULTILINE), "a shell would be needed"


def test_it_is_pinned_as_the_rest_of_the_project_is():
    whole = pins("requirements.txt")
    assert {name: whole[name] for name in pins("streamer/requirements.txt")} == pins("streamer/requirements.txt")


def test_what_compiles_the_hot_path_is_pinned_as_it_is_on_a_developers_machine():
    """Else the image would run other code than the one that the benchmarks measure."""
    wanted = pins("streamer/requirements-native.txt")
    assert {"mypy", "setuptools"} <= wanted.keys()
    whole = pins("requirements.txt") | pins("requirements-dev.txt")
    assert {name: whole[name] for name in wanted} == wanted


def test_every_library_whose_types_the_hot_path_needs_is_there_where_it_is_compiled(monkeypatch):
    """mypy ends with a fault where it finds no types, but nobody waits for an image to be told so."""
    monkeypatch.chdir(ROOT)
    sources = [path.removesuffix(".py").replace("/", ".") for path in native.modules()]
    named = reach.libraries(ROOT, sources) - set(sys.stdlib_module_names)
    assert named <= set(pins("streamer/requirements-native.txt")), named


def test_whatever_is_copied_into_it_is_there_and_let_through_to_its_build():
    let = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()]
    assert let[0] == "*"
    copied = {source.rstrip("/") for source in re.findall(r"^COPY ([^-\s]\S*) /", RECIPE, re.MULTILINE)}
    assert copied == {*let[1:], ".build/streamer/core"}
    assert all((ROOT / name).is_file() for name in copied if not name.startswith(".build/"))


def test_an_image_whose_hot_path_would_run_from_source_is_not_built():
    """And the sources get their dates first: what a build's cache holds may be older than they are."""
    native, whole, _ = RECIPE.split("\nFROM ")[1:]
    assert re.search(r"-exec touch \{\} \+.*python infra/native\.py \|\| \{ .*exit 1; \}", native, re.DOTALL)
    joined, taking = whole.index("COPY --from=native /made/ /app/"), whole.index("core.COMPILED or sys.exit")
    assert joined < whole.index("-exec touch {} + && touch /app/hoga__mypyc*") < taking


def test_nothing_is_loaded_that_the_image_does_not_have():
    """Imports everything a running streamer uses, and compares with what the pinned packages bring."""
    code = """
import importlib.metadata as metadata, sys
import streamer.__main__, streamer.picows_line, streamer.websockets_line
import core.settings, core.adapters.http, core.adapters.queue, core.adapters.dynamo.shelf
import core.adapters.dynamo.leases, core.adapters.dynamo.ledger, core.adapters.dynamo.budget, botocore.session, core.venues.upbit
owners = metadata.packages_distributions()
tops = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print("\\n".join(sorted({owner.lower() for top in tops for owner in owners.get(top, [])})))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split()) - {"hoga", "setuptools"}
    assert loaded <= brought(pins("streamer/requirements.txt"))
    assert not loaded & {"numpy", "matplotlib", "click", "rich", "aiohttp", "cryptography"}


def brought(wanted):
    """The pinned packages and everything they require, as far as it is installed here (markers leave some out)."""
    found, left = set(), list(wanted)
    while left:
        name = left.pop().lower()
        if name not in found and (needs := needs_of(name)) is not None:
            found.add(name)
            left += needs
    return found | {name.replace("-", "_") for name in found} | {name.replace("_", "-") for name in found}


def needs_of(name):
    try:
        needs = requires(name) or []
    except PackageNotFoundError:
        return None
    return [re.match(r"[\w.-]+", need)[0] for need in needs if "extra ==" not in need]
