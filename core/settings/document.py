"""The settings file as a document: YAML as people mean it, the environment over it, the mode's presets under it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core.domain.errors import Misconfigured
from core.domain.policies import Environment
from core.settings.faults import Fault
from core.settings.tree import ACCOUNTS, PRESETS, Mode

PREFIX = "HOGA__"


class _Plain(yaml.SafeLoader):
    """A safe loader to which 2026-12-01, 24:00 and 000660 are texts, as people mean them, and no date, 1440 and 432."""


_MEANT_AS_TEXT = ("timestamp", "int", "float")

_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] not in _MEANT_AS_TEXT]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)


def read(text: str, source: str, faults: list[Fault]) -> dict[str, Any]:
    """The file's own keys; one that is written twice is a fault, because all but the last would be lost in silence.

    Raises:
        Misconfigured: it is not YAML, or no mapping.
    """
    try:
        document = yaml.load(text, _Plain)
        faults.extend(_twice(yaml.compose(text, _Plain), "", set()))
    except yaml.YAMLError as trouble:
        where = re.sub(r"\s+", " ", str(trouble))
        raise Misconfigured(f"{source} is not YAML", why=where) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Misconfigured(f"{source} is not a mapping of keys", holds=type(document).__name__)
    return document


def _twice(node: yaml.Node | None, path: str, seen: set[int]) -> Iterator[Fault]:
    if node is None or id(node) in seen:  # an alias leads to a node that was looked at
        return
    seen.add(id(node))
    match node:
        case yaml.MappingNode():
            lines: dict[str, int] = {}
            for key, inner in node.value:
                line, name = key.start_mark.line + 1, str(key.value)
                here = f"{path}.{name}" if path else name
                if name in lines:
                    yield Fault(here, f"the same key in line {lines[name]} and in line {line}", "each key once")
                lines[name] = line
                yield from _twice(inner, here, seen)
        case yaml.SequenceNode():
            for at, inner in enumerate(node.value):
                yield from _twice(inner, f"{path}[{at}]", seen)


def laid_over(document: dict[str, Any], env: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """The document with every HOGA__SECTION__KEY of the environment in its place."""
    for name in sorted(env):
        if name.startswith(PREFIX):
            _lay(document, name, env[name], faults)
    return document


def _lay(document: dict[str, Any], name: str, text: str, faults: list[Fault]) -> None:
    *parents, leaf = name.removeprefix(PREFIX).lower().split("__")
    place: Any = document
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict):
            faults.append(
                Fault(name, f"a value where {parent!r} should have keys", "a name that follows the file's keys")
            )
            return
    try:
        place[leaf] = yaml.load(text, _Plain)
    except yaml.YAMLError:
        faults.append(Fault(name, repr(text), "a YAML value"))


def with_presets(document: dict[str, Any]) -> dict[str, Any]:
    """What the mode sets for every market, under what the file says (I7)."""
    mode, markets = document.get("mode", Mode.A.value), document.get("markets")
    if mode not in list(Mode) or not isinstance(markets, dict):
        return document
    preset = PRESETS[Mode(mode)]
    merged = {name: _merged(preset, body) if isinstance(body, dict) else body for name, body in markets.items()}
    return {**document, "markets": {name: _with_account(name, body) for name, body in merged.items()}}


def _with_account(market: str, body: Any) -> Any:
    """The names of the account's secrets that this market's owners use, under what the file says."""
    account = body.get("account") if isinstance(body, dict) else None
    usual = ACCOUNTS.get(market)
    if usual is None or not isinstance(account, dict):
        return body
    key = account.get("key")
    real = not isinstance(key, dict) or key.get("environment", Environment.REAL.value) == Environment.REAL.value
    return {**body, "account": _merged(usual[Environment.REAL if real else Environment.MOCK], account)}


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], over[key]) for key in under.keys() & over.keys() if _are_dicts(under[key], over[key])
    }
    return {**under, **over, **both}


def _are_dicts(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)
