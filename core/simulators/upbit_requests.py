"""What a client may say on Upbit's stream, read as strictly as the real server reads it. Pure.

Source: reference/upbit.md 4.2 and 4.3.
"""

from __future__ import annotations

import re

import msgspec

from core.simulators.upbit_wire import Format

CANDLES = {"1s": 1, "1m": 60, "3m": 180, "5m": 300, "10m": 600, "15m": 900, "30m": 1800, "60m": 3600, "240m": 14_400}
"""Units of the candle stream, in seconds."""

PUBLIC = frozenset(["ticker", "trade", "orderbook", *(f"candle.{unit}" for unit in CANDLES)])
PRIVATE = frozenset(["myOrder", "myAsset"])
SHOWN = (1, 5, 15, 30)
SUFFIX = re.compile(r"(?P<code>[^.]+)\.(?P<units>\d+)")


class Ask(msgspec.Struct, frozen=True):
    """One type object of a request. `codes` maps each code as it is known to the market to its book units."""

    kind: str
    codes: dict[str, int]
    level: float = 0.0
    snapshot: bool = True
    realtime: bool = True


class Subscribe(msgspec.Struct, frozen=True):
    """Replaces everything that the connection asked for before."""

    asks: list[Ask]
    style: Format


class ListAll(msgspec.Struct, frozen=True):
    """Tell what is subscribed; a `style` given here changes the connection's."""

    ticket: str
    style: Format | None


class Ping(msgspec.Struct, frozen=True):
    """The text PING: status frames from now on."""


class Wrong(msgspec.Struct, frozen=True):
    """Not to be answered but with an error frame and a close."""

    name: str
    message: str

    def frame(self) -> bytes:
        return msgspec.json.encode({"error": {"name": self.name, "message": self.message}})


NOT_JSON = Wrong("WRONG_FORMAT", "Format 이 맞지 않습니다.")
NO_TICKET = Wrong("NO_TICKET", "티켓이 존재하지 않거나, 유효하지 않습니다.")
NO_TYPE = Wrong("NO_TYPE", "type 필드가 존재하지 않습니다.")
NO_CODES = Wrong("NO_CODES", "codes 필드가 존재하지 않습니다.")
EMPTY_CODES = Wrong("INVALID_PARAM", "codes 필드가 비어 있습니다.")
NO_AUTH = Wrong("INVALID_AUTH", "인증 정보가 올바르지 않습니다.")

Said = Subscribe | ListAll | Ping | Wrong


def read(text: str, known: frozenset[str] | set[str]) -> Said:
    """Understand one message; `known` are the market's codes, others are left out without a word."""
    if text == "PING":
        return Ping()
    try:
        parts = msgspec.json.decode(text, type=list[dict[str, object]])
    except msgspec.MsgspecError:
        return NOT_JSON
    ticket = next((part["ticket"] for part in parts if "ticket" in part), None)
    if not isinstance(ticket, str) or not ticket:
        return NO_TICKET
    style = _style(parts)
    if isinstance(style, Wrong):
        return style
    if any(part.get("method") == "LIST_SUBSCRIPTIONS" for part in parts):
        return ListAll(ticket, style)
    return _subscribe([part for part in parts if not part.keys() <= {"ticket", "format"}], style, known)


def _style(parts: list[dict[str, object]]) -> Format | Wrong | None:
    """The format named anywhere in the request, None where there is none."""
    named = next((part["format"] for part in parts if "format" in part), None)
    if named is None:
        return None
    return Format(named) if isinstance(named, str) and named in set(Format) else NOT_JSON


def _subscribe(parts: list[dict[str, object]], style: Format | None, known: frozenset[str] | set[str]) -> Said:
    if not parts:
        return NO_TYPE
    asks: list[Ask] = []
    for part in parts:
        match _ask(part, known):
            case Wrong() as wrong:
                return wrong
            case Ask() as ask:
                asks.append(ask)
    return Subscribe(asks, style or Format.DEFAULT)


def _ask(part: dict[str, object], known: frozenset[str] | set[str]) -> Ask | Wrong:
    kind, codes = part.get("type"), part.get("codes")
    if not isinstance(kind, str):
        return NO_TYPE
    if kind in PRIVATE:
        return NO_AUTH
    if kind not in PUBLIC:
        return Wrong("INVALID_PARAM", f"{kind} 은 지원하지 않는 타입입니다.")
    if not isinstance(codes, list):
        return NO_CODES
    if not codes:
        return EMPTY_CODES
    only_snapshot = _flag(part, "is_only_snapshot", "isOnlySnapshot")
    only_realtime = _flag(part, "is_only_realtime", "isOnlyRealtime")
    return Ask(kind, _units(kind, codes, known), _level(part), not only_realtime, not only_snapshot)


def _flag(part: dict[str, object], *names: str) -> bool:
    return any(part.get(name) in (True, "true") for name in names)


def _level(part: dict[str, object]) -> float:
    level = part.get("level", 0)
    return float(level) if isinstance(level, int | float) else 0.0


def _units(kind: str, codes: list[object], known: frozenset[str] | set[str]) -> dict[str, int]:
    """Known codes with the units asked for by `.N`; other numbers than 1, 5, 15 and 30 mean 30."""
    units: dict[str, int] = {}
    for code in codes:
        found = SUFFIX.fullmatch(code) if kind == "orderbook" and isinstance(code, str) else None
        name = found["code"] if found else code
        count = int(found["units"]) if found else 30
        if isinstance(name, str) and name in known:
            units[name] = count if count in SHOWN else 30
    return units
