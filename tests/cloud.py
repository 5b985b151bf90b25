"""The embedded AWS for tests: `from tests.cloud import stack` gives one deployed stack to a test session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.local.stack import Stack

SETTINGS = Path(__file__).parents[1] / "settings.yaml"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`template.yaml` deployed with roles enforced; one per test process, ended with it.

    Tests share its tables: each must use symbols, queues or keys of its own.
    """
    folder = tmp_path_factory.mktemp("aws")
    settings = SETTINGS
    if not settings.exists():
        settings = folder / "settings.yaml"
        settings.write_text("{}\n")
    with Stack.start(settings, log=folder / "aws.log") as started:
        yield started
