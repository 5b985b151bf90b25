"""What a client may say on Binance's streams, read as strictly as the real server reads it. Pure.

Source: reference/binance.md 3.2 and 3.3.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from core.domain.values import Millis
from core.venues.binance.fields import INTERVALS

Id = int | str | None

BAD_TYPE, BAD_REQUEST, BAD_JSON, BAD_PROPERTY = 1, 2, 3, 0
STREAM = re.compile(r"(?P<symbol>[^@!]+)@(?P<kind>[A-Za-z]+)(?P<depth>\d*)(_(?P<span>\w+))?(@(?P<pace>\w+))?")
KINDS = frozenset({"trade", "aggTrade", "bookTicker", "depth", "kline", "miniTicker", "ticker"})
DEPTHS = ("", "5", "10", "20")
EVERY = "!miniTicker@arr"
MOST_ID = 36


class Said(NamedTuple):
    """A message that reads: SUBSCRIBE and UNSUBSCRIBE carry `names`, properties a name and a value."""

    method: str
    id: Id
    names: tuple[str, ...] = ()
    value: object = None


class Wrong(NamedTuple):
    """A message that is answered with an error."""

    code: int
    message: str
    id: Id = None

    def frame(self) -> bytes:
        body = {"code": self.code, "msg": self.message}
        return msgspec.json.encode(body if self.id is None else {**body, "id": self.id})


class Feed(NamedTuple):
    """What a stream's name means. `detail` is a book's depth or a candle's interval; `slow` the pace of 1000 ms."""

    symbol: str
    kind: str
    detail: str = ""
    slow: bool = False

    @property
    def span(self) -> Millis:
        return INTERVALS[self.detail]


@lru_cache(maxsize=16_384)
def feed(name: str) -> Feed | None:
    """None for a name that this server has no stream of."""
    if name == EVERY:
        return Feed("", "miniTicker")
    found = STREAM.fullmatch(name)
    if found is None or found["kind"] not in KINDS or found["symbol"] != found["symbol"].lower():
        return None
    kind, symbol, pace = found["kind"], found["symbol"].upper(), found["pace"] or ""
    match kind:
        case "depth":
            fits = found["depth"] in DEPTHS and pace in ("", "100ms", "1000ms") and not found["span"]
            return Feed(symbol, kind, found["depth"], slow=pace != "100ms") if fits else None
        case "kline":
            fits = found["span"] in INTERVALS and not pace and not found["depth"]
            return Feed(symbol, kind, found["span"]) if fits else None
        case _:
            return None if found["depth"] or found["span"] or pace else Feed(symbol, kind)


def read(text: str) -> Said | Wrong:
    """Read one message of a client."""
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return Wrong(BAD_JSON, "Invalid JSON: expected value at line 1 column 1")
    if not isinstance(found, dict):
        return Wrong(BAD_REQUEST, "Invalid request: request must be an object")
    return _read(found)


def _read(found: dict[str, Any]) -> Said | Wrong:
    id = found.get("id")
    if not _fits(id):
        return Wrong(BAD_REQUEST, "Invalid request: request ID must be an unsigned integer, a string or null")
    if surplus := sorted(found.keys() - {"method", "params", "id"}):
        return Wrong(BAD_REQUEST, f"Invalid request: unknown field `{surplus[0]}`", id)
    method, params = found.get("method"), found.get("params")
    match method:
        case "SUBSCRIBE" | "UNSUBSCRIBE":
            return _streams(method, params, id)
        case "LIST_SUBSCRIPTIONS" if params is None:
            return Said(method, id)
        case "LIST_SUBSCRIPTIONS":
            return Wrong(BAD_REQUEST, "Invalid request: too many parameters", id)
        case "SET_PROPERTY" | "GET_PROPERTY":
            return _property(method, params, id)
        case None:
            return Wrong(BAD_REQUEST, "Invalid request: missing field `method`", id)
        case _:
            allowed = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
            return Wrong(BAD_REQUEST, f"Invalid request: unknown variant `{method}`, expected one of {allowed}", id)


def _fits(id: object) -> bool:
    if isinstance(id, str):
        return len(id) <= MOST_ID and id.isalnum()
    return id is None or (isinstance(id, int) and not isinstance(id, bool) and -(2**63) <= id < 2**63)


def _streams(method: str, params: object, id: Id) -> Said | Wrong:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        return Wrong(BAD_REQUEST, "Invalid request: params must be an array of strings", id)
    if any(feed(name) is None for name in params):
        return Wrong(BAD_REQUEST, "Invalid request: invalid stream", id)
    return Said(method, id, tuple(params))


def _property(method: str, params: object, id: Id) -> Said | Wrong:
    sizes = {"SET_PROPERTY": 2, "GET_PROPERTY": 1}
    if not isinstance(params, list) or not params:
        return Wrong(BAD_REQUEST, "Invalid request: params must be an array", id)
    if len(params) > sizes[method]:
        return Wrong(BAD_REQUEST, "Invalid request: too many parameters", id)
    if not isinstance(params[0], str):
        return Wrong(BAD_REQUEST, "Invalid request: property name must be a string", id)
    if params[0] != "combined":
        return Wrong(BAD_PROPERTY, "Unknown property", id)
    if method == "SET_PROPERTY" and (len(params) < 2 or not isinstance(params[1], bool)):
        return Wrong(BAD_TYPE, "Invalid value type: expected Boolean")
    return Said(method, id, (params[0],), params[1] if len(params) > 1 else None)
