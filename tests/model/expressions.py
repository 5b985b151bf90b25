"""DynamoDB's update and condition expressions, evaluated here: only what the adapters may send, refused otherwise.

An operand is `#name`, `name`, `a.b` or `:value`; an item is typed as the low-level client types it and never changed in
place. `tests/adapters/dynamo/test_lock_contract.py` and `test_expressions.py` hold this against the embedded AWS.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

Item = dict[str, Any]
Read = Callable[[Item, Item], Any]
"""Typed value of an operand in (item, values); None where it is not there."""

TOKEN = re.compile(r"\s*(<=|>=|<>|[()=<>,+-]|[:#]?\w+(?:\.#?\w+)*)")
COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class Reader:
    """Tokens of one expression, with one word of look-ahead."""

    def __init__(self, text: str) -> None:
        self.words: list[str] = TOKEN.findall(text)
        assert "".join(self.words) == re.sub(r"\s", "", text), text
        self.place = 0

    def ahead(self) -> str:
        return self.words[self.place] if self.place < len(self.words) else ""

    def take(self, wanted: str = "") -> str:
        word = self.ahead()
        assert word, self.words
        assert wanted in ("", word), (wanted, self.words)
        self.place += 1
        return word


@cache
def condition(text: str) -> Callable[[Item, Item], bool]:
    """`condition(text)(item, values)`; an empty text always holds."""
    if not text:
        return lambda item, values: True
    reader = Reader(text)
    found = _either(reader)
    assert not reader.ahead(), reader.words
    return found


def _either(reader: Reader) -> Callable[[Item, Item], bool]:
    parts = [_both(reader)]
    while reader.ahead() == "OR":
        reader.take()
        parts.append(_both(reader))
    return parts[0] if len(parts) == 1 else lambda item, values: any(part(item, values) for part in parts)


def _both(reader: Reader) -> Callable[[Item, Item], bool]:
    parts = [_one(reader)]
    while reader.ahead() == "AND":
        reader.take()
        parts.append(_one(reader))
    return parts[0] if len(parts) == 1 else lambda item, values: all(part(item, values) for part in parts)


def _one(reader: Reader) -> Callable[[Item, Item], bool]:
    match reader.ahead():
        case "NOT":
            reader.take()
            inner = _one(reader)
            return lambda item, values: not inner(item, values)
        case "(":
            reader.take()
            inner = _either(reader)
            reader.take(")")
            return inner
        case "attribute_exists" | "attribute_not_exists" | "contains" | "begins_with" as name:
            return _asked(name, *_arguments(reader))
    left, sign, right = _measured(reader), reader.take(), _operand(reader)
    if sign in ("=", "<>"):
        return lambda item, values: _equal(left(item, values), right(item, values)) == (sign == "=")
    than = COMPARED[sign]
    return lambda item, values: _ordered(than, left(item, values), right(item, values))


def _measured(reader: Reader) -> Read:
    """An operand, or how many entries a list has."""
    if reader.ahead() != "size":
        return _operand(reader)
    (of,) = _arguments(reader)
    return lambda item, values: None if (found := of(item, values)) is None else {"N": str(len(plain(found)))}


def _arguments(reader: Reader) -> list[Read]:
    reader.take()
    reader.take("(")
    found = [_operand(reader)]
    while reader.ahead() == ",":
        reader.take()
        found.append(_operand(reader))
    reader.take(")")
    return found


def _asked(name: str, what: Read, of: Read | None = None) -> Callable[[Item, Item], bool]:
    match name:
        case "attribute_exists":
            return lambda item, values: what(item, values) is not None
        case "attribute_not_exists":
            return lambda item, values: what(item, values) is None
        case "begins_with":
            assert of is not None
            return lambda item, values: (what(item, values) or {"S": ""})["S"].startswith(of(item, values)["S"])
    assert of is not None
    return lambda item, values: _contains(what(item, values), of(item, values))


def _contains(held: Any, wanted: Any) -> bool:
    if held is None:
        return False
    return wanted in held["L"] if "L" in held else wanted.get("S", "\0") in held.get("S", "")


def _equal(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    return plain(left) == plain(right)


def _ordered(than: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None or left.keys() != right.keys():
        return False
    return than(plain(left), plain(right))


def plain(value: Any) -> Any:
    """A typed value so that equal numbers are equal."""
    ((kind, held),) = value.items()
    if kind == "N":
        return int(held) if held.lstrip("-").isdigit() else Decimal(held)
    return held


def _operand(reader: Reader) -> Read:
    word = reader.take()
    if word.startswith(":"):
        return lambda item, values: values[word]
    if word in ("if_not_exists", "list_append"):
        reader.place -= 1
        first, second = _arguments(reader)
        if word == "list_append":
            return lambda item, values: {"L": [*first(item, values)["L"], *second(item, values)["L"]]}
        return lambda item, values: found if (found := first(item, values)) is not None else second(item, values)
    path = parted(word)
    return lambda item, values: _at(item, path)


def parted(word: str) -> tuple[str, ...]:
    """The names of a path; `#name` always stands for `name` here, as `core/adapters/dynamo/expressions.py` makes it."""
    return tuple(name.removeprefix("#") for name in word.split("."))


def _at(item: Item, path: tuple[str, ...]) -> Any:
    found = item.get(path[0])
    for name in path[1:]:
        found = found["M"].get(name) if found is not None and "M" in found else None
    return found


Change = Callable[[Item, Item, Item], Item]
"""(item so far, item before, values) -> item."""


@cache
def update(text: str) -> Callable[[Item, Item], Item]:
    """`update(text)(item, values)`: the item afterwards. Everything is read from the item as it was."""
    changes = list(_changes(Reader(text)))

    def apply(before: Item, values: Item) -> Item:
        after = before
        for change in changes:
            after = change(after, before, values)
        return after

    return apply


def _changes(reader: Reader) -> Iterator[Change]:
    clause = reader.take()
    while True:
        yield _change(clause, reader)
        if reader.ahead() == ",":
            reader.take()
        elif reader.ahead() in CLAUSES:
            clause = reader.take()
        else:
            assert not reader.ahead(), reader.words
            return


def _change(clause: str, reader: Reader) -> Change:
    path = parted(reader.take())
    if clause == "REMOVE":
        return lambda item, before, values: _with(item, path, None)
    if clause == "ADD":
        amount = _operand(reader)
        return lambda item, before, values: _with(item, path, _sum(_at(before, path), amount(before, values), 1))
    reader.take("=")
    first = _operand(reader)
    if reader.ahead() in ("+", "-"):
        sign, second = (1 if reader.take() == "+" else -1), _operand(reader)
        return lambda item, before, values: _with(item, path, _sum(first(before, values), second(before, values), sign))
    return lambda item, before, values: _with(item, path, first(before, values))


def _sum(one: Any, other: Any, sign: int) -> Item:
    total = (Decimal(one["N"]) if one else Decimal(0)) + sign * Decimal(other["N"])
    return {"N": f"{total.normalize():f}" if total else "0"}


def _with(item: Item, path: tuple[str, ...], value: Any) -> Item:
    """A copy with one place changed, or without it."""
    name, *rest = path
    if rest:
        inner = _with(item[name]["M"], tuple(rest), value)
        return {**item, name: {"M": inner}}
    if value is None:
        return {key: held for key, held in item.items() if key != name}
    return {**item, name: value}
