"""`template.yaml` deployed into an embedded AWS, where its functions run as Lambdas under their own roles."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import requests
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from core.domain.errors import Refused, Transient
from core.local import package, template
from core.local.processes import LOOPBACK, Child, Children, clean, free_port

REGION = "ap-northeast-2"
NAME = "hoga"
BUCKET, KEY = "hoga-code", "functions.zip"
PATIENCE_S = 20.0
TRIES = 5
NOBODY = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""The environment given to the programs where the caller names none."""

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

Step = Callable[[str], None]
"""Told in words what is being done, for a progress line."""


class Cloud:
    """A running embedded AWS, seen from any process: `endpoint`, `outputs`, clients, invocations."""

    def __init__(self, endpoint: str, outputs: dict[str, str], settings: Path, stage: str) -> None:
        self.endpoint = endpoint
        self.outputs = outputs
        self.settings = settings
        self.stage = stage
        self._session: Any = boto3.Session(
            aws_access_key_id=LOGIN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOGIN["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        self._clients: dict[str, BaseClient] = {}

    def client(self, service: str) -> Any:
        """A boto3 client of the stand-in, made once."""
        if service not in self._clients:
            retries = Config(retries={"max_attempts": 2}, read_timeout=310, max_pool_connections=20)
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


class Stack(Cloud):
    """An embedded AWS that we started and that ends with us; a context manager."""

    def __init__(self, cloud: Cloud, children: Children, server: Child, folder: Path) -> None:
        super().__init__(cloud.endpoint, cloud.outputs, cloud.settings, cloud.stage)
        self.children = children
        self.server = server
        self.folder = folder

    @classmethod
    def start(
        cls,
        settings: Path,
        *,
        log: Path,
        auth: bool = True,
        stage: str = "local",
        host: Mapping[str, str] | None = None,
        children: Children | None = None,
        source: Path = template.TEMPLATE,
        told: Step = lambda step: None,
    ) -> Stack:
        """Start the stand-in on a free port of the loopback, deploy the template, return when its functions can run.

        settings  the file that every function is given
        log       where the stand-in writes; its scratch folder is beside it
        auth      whether roles are enforced
        host      the caller's environment (certificates, proxies); credentials in it are dropped
        children  the family to join, where the caller has started others already; it is closed with the stack
        """
        folder = log.with_suffix(".d")
        folder.mkdir(parents=True, exist_ok=True)
        children = children or Children()
        try:
            told("starting the embedded AWS")
            server, endpoint = _serve(children, {**NOBODY, **clean(host or {})}, log, folder, auth=auth)
            cloud = Cloud(endpoint, {}, settings, stage)
            told("packaging the functions")
            archive = package.zipped(package.build(folder / "functions", settings))
            told("deploying template.yaml")
            cloud.outputs = _deploy(cloud, template.load(source), archive)
        except ClientError as fault:
            _abandon(children, folder)
            raise Refused("the embedded AWS refused the template", why=fault) from fault
        except BaseException:
            _abandon(children, folder)
            raise
        return cls(cloud, children, server, folder)

    def renew(self) -> None:
        """Give every function the settings file as it is now; they start afresh with their next call."""
        archive = package.zipped(package.build(self.folder / "functions", self.settings))
        self.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=archive)
        for output, name in self.outputs.items():
            if output.endswith("Function"):
                self.client("lambda").update_function_code(FunctionName=name, S3Bucket=BUCKET, S3Key=KEY)

    def close(self) -> None:
        """End the stand-in, its Lambdas and every other child, and remove the scratch folder."""
        _abandon(self.children, self.folder)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _abandon(children: Children, folder: Path) -> None:
    children.close()
    shutil.rmtree(folder, ignore_errors=True)


def _serve(children: Children, env: dict[str, str], log: Path, folder: Path, *, auth: bool) -> tuple[Child, str]:
    """Start the server; a port lost to someone else between choosing and binding is chosen again."""
    for _ in range(TRIES):
        port, mark = free_port(), token_hex(8)
        own = {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_PORT": "0",
            "MINISTACK_REGION": REGION,
            "MINISTACK_EDITION": mark,
            "LOG_LEVEL": "WARNING",
            "AUTH": str(auth).lower(),
            "TMPDIR": str(folder),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server = children.start("aws", [sys.executable, "-m", "ministack"], {**env, **own}, log, cwd=folder)
        endpoint = f"http://{LOOPBACK}:{port}"
        if _healthy(server, endpoint, mark):
            return server, endpoint
        children.stop(server)
    raise Transient("the embedded AWS does not start", log=log, last=server.tail())


def _healthy(server: Child, endpoint: str, mark: str) -> bool:
    """Whether it is our server that answers, before it died or the patience ran out."""
    deadline = time.monotonic() + PATIENCE_S
    with requests.Session() as session:
        session.trust_env = False
        while server.running and time.monotonic() < deadline:
            try:
                reply = session.get(f"{endpoint}/_ministack/health", timeout=2)
            except requests.RequestException:
                time.sleep(0.02)
                continue
            return bool(reply.ok and reply.json()["edition"] == mark)
    return False


def _deploy(cloud: Cloud, source: template.Json, archive: bytes) -> dict[str, str]:
    """Upload the code and create the stack; its own schedules stay asleep, the clockwork fires them in KST."""
    store, forms = cloud.client("s3"), cloud.client("cloudformation")
    store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    store.put_object(Bucket=BUCKET, Key=KEY, Body=archive)
    wanted = {"Stage": cloud.stage, "Schedules": "DISABLED"}
    forms.create_stack(
        StackName=NAME,
        TemplateBody=json.dumps(template.with_code(source, BUCKET, KEY), default=str),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in wanted.items()
            if name in source.get("Parameters", {})
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    deadline = time.monotonic() + PATIENCE_S
    while (status := _status(forms))["StackStatus"] == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.05)
    if status["StackStatus"] != "CREATE_COMPLETE":
        raise Refused("the template does not deploy", status=status["StackStatus"], why=_failures(forms))
    return {output["OutputKey"]: output["OutputValue"] for output in status.get("Outputs", [])}


def _status(forms: Any) -> dict[str, Any]:
    found: dict[str, Any] = forms.describe_stacks(StackName=NAME)["Stacks"][0]
    return found


def _failures(forms: Any) -> str:
    try:
        events = forms.describe_stack_events(StackName=NAME)["StackEvents"]
    except ClientError as fault:
        return str(fault)
    return "; ".join(
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}"
        for e in events
        if "FAILED" in e["ResourceStatus"]
    )


def _reason(answer: Any) -> str:
    if not isinstance(answer, dict):
        return str(answer)
    return f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', answer)}"
