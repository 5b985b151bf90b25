"""`template.yaml` deployed into an embedded AWS, where its functions run as Lambdas under their own roles."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from core.domain.errors import Refused
from core.local import package, template
from core.local.cloud import REGION, Cloud
from core.local.processes import Child, Children, clean
from core.local.server import serve

NAME = "hoga"
BUCKET, KEY = "hoga-code", "functions.zip"
PATIENCE_S = 60.0
BARE = {"Alarms": "DISABLED"}
NOBODY = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""The environment given to the programs where the caller names none."""

Step = Callable[[str], None]
"""Told in words what is being done, for a progress line."""


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
        wanted: Mapping[str, str] = BARE,
        told: Step = lambda step: None,
    ) -> Stack:
        """Start the stand-in on a free port of the loopback, deploy the template, return when its functions can run.

        settings  the file that every function is given
        log       where the stand-in writes; its scratch folder is beside it
        auth      whether roles are enforced
        host      the caller's environment (certificates, proxies); credentials in it are dropped
        wanted    parameters of the template; by default what a trading day on one machine has no use for is left out
        children  the family to join, where the caller has started others already; it is closed with the stack
        """
        folder = log.with_suffix(".d")
        folder.mkdir(parents=True, exist_ok=True)
        children = children or Children()
        try:
            told("starting the embedded AWS")
            server, endpoint = serve(children, {**NOBODY, **clean(host or {})}, log, folder, auth=auth)
            cloud = Cloud(endpoint, {}, settings, stage)
            told("packaging the functions")
            archive = package.zipped(package.build(folder / "functions", settings))
            told("deploying template.yaml")
            cloud.outputs = _deploy(cloud, source, archive, wanted)
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


def _deploy(cloud: Cloud, path: Path, archive: bytes, parameters: Mapping[str, str]) -> dict[str, str]:
    """Upload the code and create the stack; its own schedules stay asleep, the clockwork fires them in KST."""
    store, forms, source = cloud.client("s3"), cloud.client("cloudformation"), template.load(path)
    store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    store.put_object(Bucket=BUCKET, Key=KEY, Body=archive)
    for inner in template.nested(source):
        store.put_object(Bucket=BUCKET, Key=inner, Body=json.dumps(template.load(path.parent / inner)).encode())
    wanted = {"Stage": cloud.stage, "Schedules": "DISABLED", **parameters}
    forms.create_stack(
        StackName=NAME,
        TemplateBody=json.dumps(
            template.with_code(source, BUCKET, KEY, lambda inner: f"{cloud.endpoint}/{BUCKET}/{inner}"), default=str
        ),
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
