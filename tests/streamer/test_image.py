"""The container's recipe: pinned, not root, health-checked, and with everything that the streamer loads."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "streamer" / "Dockerfile").read_text()


def pins(file):
    rows = (line.split("==") for line in (ROOT / file).read_text().splitlines() if "==" in line)
    return {name.lower(): version for name, version in rows}


def test_the_base_is_pinned_by_tag():
    assert re.findall(r"^FROM (.*)$", RECIPE, re.MULTILINE) == ["${BASE} AS whole", "scratch"]
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


def test_nothing_is_loaded_that_the_image_does_not_have():
    """Imports everything a running streamer uses, and compares with what the pinned packages bring."""
    code = """
import importlib.metadata as metadata, sys
import streamer.__main__, streamer.picows_line, streamer.websockets_line
import core.settings, core.adapters.http, core.adapters.queue, core.adapters.dynamo.shelf
import core.adapters.dynamo.leases, core.adapters.dynamo.ledger, core.adapters.dynamo.budget, boto3, core.venues.upbit
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
