"""A stack that `sam deploy` made, looked at and acted on with the caller's own AWS credentials (`--stack NAME`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from core.domain.errors import Misconfigured, Refused, Transient
from core.domain.values import Millis
from core.local import register
from core.local.cloud import REGION, VARIABLES, Cloud

KEY = "hoga.stack"
FEED = "aws"
"""In place of a feed: nothing of it runs in a process of this machine."""

OPTION = click.Option(
    ["--stack"],
    metavar="NAME",
    envvar="HOGA_STACK",
    expose_value=False,
    callback=lambda context, _parameter, value: value and context.meta.__setitem__(KEY, value),
    help="A deployed stack instead of what runs in this folder; needs AWS credentials.",
)


class NoSuchStack(Misconfigured):
    remedy = "`sam list stack-outputs --stack-name NAME` shows one; samconfig.toml has the names that are deployed."


class NoAccess(Misconfigured):
    remedy = (
        "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` tries them."
    )


class Deployed(Cloud):
    """A stack in AWS: its clients are boto3's own, with whatever credentials and endpoint the caller has."""

    def __init__(self, outputs: dict[str, str], settings: Path, stage: str, env: Mapping[str, str]) -> None:
        super().__init__("", outputs, settings, stage)
        self._env = env

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = client(service, self._env)
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """The caller's own environment, and where the stack keeps what."""
        named = {variable: self.outputs[output] for variable, output in VARIABLES.items() if output in self.outputs}
        own = {"HOGA_STAGE": self.stage, "HOGA_SETTINGS": str(self.settings), "AWS_REGION": region(self._env)}
        return {**self._env, **own, **named}


def chosen() -> str:
    """The stack that the command was asked for, "" for what runs in this folder."""
    context = click.get_current_context(silent=True)
    return str(context.meta.get(KEY, "")) if context is not None else ""


def offer(commands: Iterable[click.Command]) -> None:
    """Give every one of these commands, and every one below them, the option."""
    for command in commands:
        if isinstance(command, click.Group):
            offer(command.commands.values())
        acts = not isinstance(command, click.Group) or command.invoke_without_command
        if acts and OPTION not in command.params:
            command.params.append(OPTION)


def region(env: Mapping[str, str]) -> str:
    return env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or REGION


def client(service: str, env: Mapping[str, str]) -> Any:
    """A client with the caller's credentials, in their region or in Seoul."""
    import boto3  # with the first command that asks AWS, not with every one
    from botocore.config import Config

    make: Any = boto3.client
    patience = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
    return make(service, region_name=region(env), config=patience)


def find(name: str, settings: Path, env: Mapping[str, str]) -> tuple[register.Standing, Deployed]:
    """What the stack made, by its own outputs.

    Raises:
        NoSuchStack: there is none of this name here, or it is not hoga's.
        NoAccess: no credentials, or they may not look.
        Transient: AWS does not answer.
    """
    try:
        answer = client("cloudformation", env).describe_stacks(StackName=name)["Stacks"][0]
    except (NoCredentialsError, NoRegionError) as absent:
        raise NoAccess("this command needs AWS credentials", why=absent) from absent
    except ClientError as fault:
        if "does not exist" in str(fault):
            raise NoSuchStack("there is no such stack", stack=name, region=region(env)) from fault
        raise NoAccess("AWS refuses to show the stack", stack=name, why=fault) from fault
    except BotoCoreError as fault:
        raise Transient("AWS does not answer", why=fault) from fault
    return _read(name, answer, settings, env)


def _read(
    name: str, answer: Mapping[str, Any], settings: Path, env: Mapping[str, str]
) -> tuple[register.Standing, Deployed]:
    outputs = {one["OutputKey"]: one["OutputValue"] for one in answer.get("Outputs", [])}
    if missing := [output for output in VARIABLES.values() if output not in outputs]:
        raise NoSuchStack("this stack is not one of hoga's", stack=name, missing=missing)
    if not str(answer["StackStatus"]).endswith("_COMPLETE"):
        raise Refused("the stack is being changed, or its last change failed", stack=name, status=answer["StackStatus"])
    stage = next((p["ParameterValue"] for p in answer.get("Parameters", []) if p["ParameterKey"] == "Stage"), "dev")
    changed = answer.get("LastUpdatedTime") or answer["CreationTime"]
    standing = register.Standing(
        pid=0,
        endpoint=f"{name}, {region(env)}",
        outputs=outputs,
        settings=str(settings),
        stage=stage,
        feed=FEED,
        since=Millis(round(changed.timestamp() * 1000)),
    )
    return standing, Deployed(outputs, settings, stage, env)
