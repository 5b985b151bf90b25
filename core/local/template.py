"""`template.yaml` as data: the only list of functions, schedules, queues and tables, read and never repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.domain.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: `!Ref x` reads as {"Ref": "x"}, `!Sub y` as {"Fn::Sub": "y"}."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    value: Any
    match node:
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case _:
            raise Misconfigured("the template has a node that YAML does not know", tag=suffix)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


def load(path: Path = TEMPLATE) -> Json:
    """The template with its short tags in their long form. Raises Misconfigured where it is not there."""
    try:
        text = path.read_text()
    except FileNotFoundError as absent:
        raise Misconfigured("the template is not there", file=path) from absent
    parsed: Json = yaml.load(text, Loader=_Loader)
    return parsed


def functions(template: Json) -> dict[str, Json]:
    """Logical id -> properties of every Lambda function."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def environment(function: str, template: Json, outputs: Mapping[str, str], stage: str) -> dict[str, str]:
    """What the template gives this function (by its logical id) in a stack with these outputs.

    Other parameters than Stage have their defaults: a function that is tried by hand never has a live account.
    """
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    own = functions(template)[function].get("Environment", {}).get("Variables", {})
    defaults = {name: str(body.get("Default", "")) for name, body in template["Parameters"].items()}
    known = {**defaults, **outputs, "Stage": stage}
    return {name: _given(value, known) for name, value in {**shared, **own}.items()}


def _given(value: Any, known: Mapping[str, str]) -> str:
    match value:
        case {"Ref": str(name)}:
            return known.get(name) or known.get(f"{name}Name", "")
        case _:
            return str(value)


def statements(function: str, template: Json) -> list[Json]:
    """What this function's own role allows."""
    role = functions(template)[function]["Role"]["Fn::GetAtt"][0]
    policies = template["Resources"][role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


NESTED = "AWS::CloudFormation::Stack"


def nested(template: Json) -> list[str]:
    """The templates that this one deploys as stacks of their own, by path beside it."""
    return [body["Properties"]["TemplateURL"] for body in template["Resources"].values() if body["Type"] == NESTED]


def with_code(template: Json, bucket: str, key: str, at: Callable[[str], str] = lambda path: path) -> Json:
    """The same template with every function's code at one S3 address, as the embedded AWS needs it.

    at  where a nested template of this path lies
    """
    address = {"Bucket": bucket, "Key": key}
    resources = {name: _moved(resource, address, at) for name, resource in template["Resources"].items()}
    return {**template, "Resources": resources}


def _moved(resource: Json, address: Json, at: Callable[[str], str]) -> Json:
    match resource["Type"]:
        case "AWS::Serverless::Function":
            return _placed(resource, address)
        case "AWS::IAM::Role":
            return {**resource, "Properties": _adapted(resource["Properties"])}
        case "AWS::CloudFormation::Stack":
            properties = resource["Properties"]
            return {**resource, "Properties": {**properties, "TemplateURL": at(properties["TemplateURL"])}}
        case _:
            return resource


LEAST = 2
"""Fewest parallel readers that AWS lets a queue have: more only get into each other's way on one machine."""

BATCHED = {"sqs:SendMessage": "sqs:SendMessageBatch"}
"""AWS checks a batch call under the single call's name; the embedded AWS (ministack 1.5.33) under one of its own."""


def _adapted(value: Any) -> Any:
    """Properties as the embedded AWS needs them: batches allowed where single messages are, few parallel readers."""
    match value:
        case dict():
            return {key: ADAPTED.get(key, _adapted)(inner) for key, inner in value.items()}
        case list():
            return [_adapted(inner) for inner in value]
        case _:
            return value


def _actions(found: Any) -> Any:
    named = [found] if isinstance(found, str) else list(found)
    return named + [BATCHED[name] for name in named if name in BATCHED]


ADAPTED: dict[str, Callable[[Any], Any]] = {"Action": _actions, "MaximumConcurrency": lambda found: min(found, LEAST)}


def _placed(resource: Json, address: Json) -> Json:
    plain = {name: value for name, value in resource.items() if name != "Metadata"}
    return {**plain, "Properties": {**_adapted(resource.get("Properties", {})), "CodeUri": address}}
