"""What the whole suite shares: its fixtures, and which files begin.

A fixture that is imported into a module is one of that module: a server of the session would start once for each.
"""

from functools import cache
from pathlib import Path

import botocore.session
import pytest

from core import COMPILED
from tests.cloud import dynamo, stack, tables

__all__ = ["dynamo", "stack", "tables"]

HERE = Path(__file__).parent
LONGEST = (
    "end_to_end/test_demo.py",
    "infra/test_deploy.py",
    "adapters/dynamo/test_races.py",
    "end_to_end/krx/test_day.py",
    "infra/test_policy.py",
    "architecture/test_from_source.py",
    "crash",
    "infra",
    "end_to_end",
    "adapters/dynamo",
    "model",
    "local",
    "streamer",
    "simulators",
    "functions",
)
"""Files and folders that take longest. They begin, so that none is left to run alone at the end; a file's tests stay
together (`--dist loadfile`), as they share servers. The first one waits more than it works."""

botocore.session.create_loader = cache(botocore.session.create_loader)
"""What boto3 knows of services is read once in a process: each `mock_aws` begins with a session that knows nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if COMPILED and item.get_closest_marker("source"):
            item.add_marker(pytest.mark.skip("looks into sources: test_from_source.py runs it"))
    items.sort(key=lambda item: place(item.path.relative_to(HERE).as_posix()))


def place(path: str) -> int:
    """Which turn a file has: that of the first line that names it or a folder it is in."""
    return next(
        (turn for turn, line in enumerate(LONGEST) if path == line or path.startswith(f"{line}/")), len(LONGEST)
    )
