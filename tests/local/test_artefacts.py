"""I1: what `sam deploy` uploads is exactly what the template names."""

import pytest

from core.domain.errors import Misconfigured
from core.local import template as templates
from core.local.artefacts import LISTS, _wanted
from core.local.package import sources
from core.local.template import ROOT


def test_every_folder_the_template_names_is_built_for_the_runtime_it_names():
    wanted = _wanted(templates.load())
    assert wanted.keys() == LISTS.keys()
    assert set(wanted.values()) == {"3.13"}


def test_a_folder_that_nobody_builds_is_named():
    template = templates.load()
    template["Resources"]["Notify"]["Properties"]["CodeUri"] = ".build/else/"
    with pytest.raises(Misconfigured, match=r"\.build/else/"):
        _wanted(template)


@pytest.mark.parametrize("name", sorted({name for names in LISTS.values() for name in names}))
def test_a_library_is_pinned_to_the_same_version_everywhere(name):
    def lines(path):
        return {line.strip() for line in (ROOT / path).read_text().splitlines() if line.strip() and line[0] != "#"}

    assert lines(name) <= lines("requirements.txt")


def test_the_package_holds_the_functions_and_the_core_without_its_one_machine_parts():
    shipped = {path.as_posix() for path in sources()}
    assert "functions/worker.py" in shipped
    assert not [path for path in shipped if path.startswith(("core/cli", "core/local", "core/simulators", "streamer"))]
