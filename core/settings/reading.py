"""A document read into the structs of the settings, one fault at a time, never stopping at the first."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Any, get_args

import msgspec

from core.domain.policies import MarketPolicy, Policy, RulePolicy
from core.domain.values import Market
from core.settings.faults import Fault


def struct(kind: type[Any], found: Any, path: str, faults: list[Fault]) -> Any:
    """`found` as a struct of the settings; None, and the faults added, where it has any. `path` is "" at the top."""
    if not isinstance(found, dict):
        faults.append(Fault(path or "the file", _shown(found), "keys: " + ", ".join(_names(kind))))
        return None
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    faults.extend(_unknown(key, path, list(known)) for key in found if key not in known)
    values, before = {}, len(faults)
    for name, field in known.items():
        if name in found:
            values[name] = _value(field.type, found[name], _join(path, name), faults)
        elif field.required:
            faults.append(Fault(_join(path, name), "nothing", "it must be given"))
    return kind(**values) if len(faults) == before else None


def _value(kind: Any, found: Any, path: str, faults: list[Fault]) -> Any:
    if isinstance(kind, type) and issubclass(kind, Policy):
        return struct(kind, found, path, faults)
    if kind == tuple[RulePolicy, ...] and isinstance(found, list):
        return tuple(struct(RulePolicy, rule, f"{path}[{at}]", faults) for at, rule in enumerate(found))
    if kind == dict[Market, MarketPolicy] and isinstance(found, dict):
        return _markets(found, path, faults)
    return _leaf(kind, found, path, faults)


def _markets(found: dict[Any, Any], path: str, faults: list[Fault]) -> dict[Market, Any]:
    known = [market.value for market in Market]
    faults.extend(_unknown(name, path, known) for name in found if name not in known)
    chosen = {Market(name): body for name, body in found.items() if name in known}
    if not chosen:
        faults.append(Fault(path, "no market", "one or more of " + ", ".join(known)))
    return {market: struct(MarketPolicy, body, _join(path, market), faults) for market, body in chosen.items()}


def _leaf(kind: Any, found: Any, path: str, faults: list[Fault]) -> Any:
    try:
        value = msgspec.convert(found, kind, strict=kind is not Decimal)
    except msgspec.ValidationError as trouble:
        faults.append(Fault(path, _shown(found), _allowed(kind, str(trouble))))
        return None
    if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
        faults.append(Fault(path, _shown(found), "an amount of money above 0"))
    if not _finite(value):
        faults.append(Fault(path, _shown(found), "numbers that end: neither .inf nor .nan"))
    return value


def _finite(value: Any) -> bool:
    match value:
        case float():
            return isfinite(value)
        case tuple():
            return all(map(_finite, value))
        case dict():
            return all(map(_finite, value.values()))
        case _:
            return True


def _allowed(kind: Any, complaint: str) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(member.value for member in kind)
    if kind is Decimal:
        return "an amount of money above 0"
    words = [meta.description for meta in get_args(kind) if isinstance(meta, msgspec.Meta) and meta.description]
    if words:
        return words[0]
    expected = re.sub(r" - at `\$?(.*)`$", r" (at \1)", complaint).removeprefix("Expected ")
    pattern = re.search(r"\^\(([a-z|]+)\)\$", expected)
    return " or ".join(pattern[1].split("|")) if pattern else expected.replace("`", "")


def _unknown(key: object, path: str, known: list[str]) -> Fault:
    near = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return Fault(_join(path, str(key)), "a key that is not known", f"{hint}keys here are {', '.join(known)}")


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind)]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."
