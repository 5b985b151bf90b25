"""What auditors would say of the templates, less what was reviewed and left (infra/checkov.yaml) (I1)."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from core.local import apart

ROOT = Path(__file__).parents[2]
LIST = ROOT / "infra" / "checkov.yaml"
FILES = ["template.yaml", *(f"infra/{name}.yaml" for name in ("streamer", "alarms", "dashboard", "egress"))]
SKIPPED = yaml.safe_load(LIST.read_text())["skip-check"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found():
    """Every check that fails, reviewed or not."""
    named = [part for name in (*FILES, "streamer/Dockerfile") for part in ("-f", name)]
    command = [str(apart.checkov(ROOT)), "--skip-download", "--quiet", "--compact", "-o", "json", *named]
    env = {**os.environ, "BC_SKIP_MAPPING": "TRUE"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    told = json.loads(done.stdout)
    reports = told if isinstance(told, list) else [told]
    return [check for report in reports for check in report.get("results", {}).get("failed_checks", [])]


def test_an_auditor_finds_nothing_that_was_not_reviewed(found):
    new = [check for check in found if check["check_id"] not in SKIPPED]
    assert [(check["check_id"], check["check_name"], check["resource"]) for check in new] == []


def test_every_line_of_the_review_is_still_needed_and_has_its_reason(found):
    assert set(SKIPPED) <= {check["check_id"] for check in found}
    for line in LIST.read_text().splitlines()[2:]:
        assert re.search(r"- CKV\w+ +# .{20,}", line), line
