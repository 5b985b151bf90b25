"""The embedded AWS for tests: the fixture `stack` gives one deployed stack to a test session (tests/conftest.py).

`tables` is the small sister for tests of locks and ledger: the same server, only the four tables, no roles, up in a
moment. Races are run on it and never on moto, whose conditional writes are not atomic (tests/adapters/test_races.py).
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import boto3
import msgspec
import pytest
from botocore.config import Config

from core.adapters.dynamo.calls import CONFIG
from core.local import template
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


TABLES = {"locks": "LocksTable", "ledger": "LedgerTable", "state": "StateTable", "paper": "PaperTable"}
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "ap-northeast-2"}
PATIENT = Config(connect_timeout=60, read_timeout=120)
serial = count(1)


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """Names of one set of tables, and where they are ("" for moto). Processes are given this and connect themselves."""

    endpoint: str
    locks: str
    ledger: str
    state: str
    paper: str

    def client(self, *, patient: bool = False):
        """A patient one waits for an answer as long as a busy machine may take: no reply is lost but on purpose."""
        where = {"endpoint_url": self.endpoint} if self.endpoint else {}
        config = CONFIG.merge(PATIENT) if patient else CONFIG
        return boto3.client("dynamodb", config=config, **where, **CREDENTIALS)


@cache
def resources() -> dict[str, Any]:
    """What `template.yaml` says of each resource, read once in a process; not to be changed."""
    return {name: body.get("Properties", {}) for name, body in template.load()["Resources"].items()}


def shape(resource: str) -> dict[str, Any]:
    """What a table of the template is made with, but for its name."""
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {key: value for key, value in resources()[resource].items() if key in kept}


@cache
def maker(endpoint: str):
    """The client of this process that makes tables: a client takes longer to make than a table."""
    return Tables(endpoint=endpoint, locks="", ledger="", state="", paper="").client()


def create(endpoint: str = "") -> Tables:
    """A fresh set of the four tables, as `template.yaml` defines them."""
    number = next(serial)
    tables = Tables(endpoint=endpoint, **{name: f"{name}-{number}" for name in TABLES})
    for name, resource in TABLES.items():
        maker(endpoint).create_table(TableName=getattr(tables, name), **shape(resource))
    return tables


@pytest.fixture(scope="session")
def dynamo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an embedded AWS of this test process, without anything in it."""
    folder = tmp_path_factory.mktemp("dynamo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_PORT": "0", "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": "ap-northeast-2", "TMPDIR": str(folder),
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env={**os.environ, **own}, stdout=log, stderr=log
        )
    try:
        _answers(server, f"http://127.0.0.1:{port}", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def tables(dynamo: str) -> Tables:
    """Fresh tables on the embedded AWS for one test."""
    return create(dynamo)


def _answers(server: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    opener, deadline = build_opener(ProxyHandler({})), time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with opener.open(f"{endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the embedded AWS does not answer: {log.read_text()[-2000:]}")
