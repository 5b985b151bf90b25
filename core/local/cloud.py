"""A running embedded AWS as any process sees it: where it listens, what the template made, its functions.

boto3 is loaded with the first client: `hoga --help`, `check` and `plan` ask AWS nothing and do not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.errors import Refused

if TYPE_CHECKING:
    from botocore.client import BaseClient

REGION = "ap-northeast-2"
LOGIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
"""The stand-in's own administrator; nothing outside the loopback knows it."""

VARIABLES = {
    "HOGA_LOCKS_TABLE": "LocksTable",
    "HOGA_LEDGER_TABLE": "LedgerTable",
    "HOGA_STATE_TABLE": "StateTable",
    "HOGA_PAPER_TABLE": "PaperTable",
    "HOGA_SIGNALS_QUEUE": "SignalsQueue",
    "HOGA_ALERTS_QUEUE": "AlertsQueue",
    "HOGA_PASSES_QUEUE": "PassesQueue",
    "HOGA_BUS": "BusName",
}
"""Variable of the streamer and the commands -> output of the template."""


class Cloud:
    """A running embedded AWS, seen from any process: `endpoint`, `outputs`, clients, invocations."""

    def __init__(self, endpoint: str, outputs: dict[str, str], settings: Path, stage: str) -> None:
        self.endpoint = endpoint
        self.outputs = outputs
        self.settings = settings
        self.stage = stage
        self._clients: dict[str, BaseClient] = {}

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(
            aws_access_key_id=LOGIN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOGIN["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    def client(self, service: str) -> Any:
        """A boto3 client of the stand-in, made once."""
        if service not in self._clients:
            from botocore.config import Config

            retries = Config(retries={"max_attempts": 2}, read_timeout=310, max_pool_connections=20, proxies={})
            self._clients[service] = self._session.client(service, endpoint_url=self.endpoint, config=retries)
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """What the streamer and the commands need to find everything."""
        named = {variable: self.outputs[output] for variable, output in VARIABLES.items() if output in self.outputs}
        own = {"HOGA_STAGE": self.stage, "HOGA_SETTINGS": str(self.settings), "AWS_REGION": REGION}
        return {**LOGIN, **own, **named, "AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Run one function by its logical id and return its answer. Raises Refused with its own error's text."""
        name = self.outputs.get(f"{function}Function", function)
        reply = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        answer = json.loads(reply["Payload"].read() or b"null")
        if "FunctionError" in reply:
            raise Refused(f"function {function} failed", error=_reason(answer))
        return answer

    def secret(self, name: str, value: str) -> None:
        """Put one secret where the functions look for it."""
        self.client("ssm").put_parameter(
            Name=f"/hoga/{self.stage}/{name}", Value=value, Type="SecureString", Overwrite=True
        )


def _reason(answer: Any) -> str:
    if not isinstance(answer, dict):
        return str(answer)
    return f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', answer)}"
