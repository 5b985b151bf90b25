"""What a client may say on the simulated KIS stream, read as strictly as the real server does. Pure.

Source: reference/kis.md 7.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from core.domain.policies import Environment

ON_MOCK = frozenset({"H0STCNT0", "H0STASP0", "H0STCNI9"})
ON_REAL = frozenset({
    "H0STCNT0", "H0UNCNT0", "H0NXCNT0", "H0STASP0", "H0UNASP0", "H0NXASP0", "H0STMKO0", "H0UNMKO0", "H0NXMKO0",
    "H0STCNI0",
})  # fmt: skip
NOTICES = frozenset({"H0STCNI0", "H0STCNI9"})
TEXTS = {
    "OPSP0000": "SUBSCRIBE SUCCESS",
    "OPSP0001": "UNSUBSCRIBE SUCCESS",
    "OPSP0002": "ALREADY IN SUBSCRIBE",
    "OPSP0003": "UNSUBSCRIBE ERROR(not found!)",
    "OPSP0007": "SUBSCRIBE INTERNAL ERROR",
    "OPSP0008": "MAX SUBSCRIBE OVER",
    "OPSP0011": "invalid approval : NOT FOUND",
    "OPSP8991": "INVALID tr_id",
    "OPSP8992": "INVALID tr_key",
    "OPSP8993": "JSON PARSING ERROR : header not found",
    "OPSP8996": "ALREADY IN USE appkey",
    "OPSP8997": "INVALID tr_type",
    "OPSP8998": "INVALID custtype",
    "OPSP9990": "JSON PARSING ERROR : tr_key not found",
    "OPSP9991": "JSON PARSING ERROR : input not found",
    "OPSP9992": "JSON PARSING ERROR : body not found",
    "OPSP9994": "INVALID appkey",
    "OPSP9999": "JSON PARSING ERROR : invalid json format",
}


class Wish(NamedTuple):
    """One registration to make (`adds`) or to give up."""

    approval: str
    adds: bool
    tr_id: str
    tr_key: str


class Wrong(NamedTuple):
    """A message that is refused with a code."""

    code: str
    tr_id: str = ""
    tr_key: str = ""


class Pong(NamedTuple):
    """The server's PINGPONG sent back."""


def read(text: str, flavour: Environment) -> Wish | Wrong | Pong:
    """Understand one message."""
    try:
        said: Any = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return Wrong("OPSP9999")
    if not isinstance(said, dict) or not isinstance(said.get("header"), dict):
        return Wrong("OPSP8993")
    if said["header"].get("tr_id") == "PINGPONG":
        return Pong()
    return _wish(said["header"], said.get("body"), flavour)


def _wish(header: dict[str, Any], body: Any, flavour: Environment) -> Wish | Wrong:
    if not isinstance(body, dict):
        return Wrong("OPSP9992")
    asked = body.get("input")
    if not isinstance(asked, dict):
        return Wrong("OPSP9991")
    tr_id, tr_key = asked.get("tr_id"), asked.get("tr_key")
    if not isinstance(tr_key, str) or not tr_key:
        return Wrong("OPSP9990", str(tr_id))
    if tr_id not in (ON_MOCK if flavour is Environment.MOCK else ON_REAL):
        return Wrong("OPSP8991", str(tr_id), tr_key)
    if header.get("tr_type") not in ("1", "2"):
        return Wrong("OPSP8997", tr_id, tr_key)
    if header.get("custtype") not in ("P", "B"):
        return Wrong("OPSP8998", tr_id, tr_key)
    return Wish(str(header.get("approval_key", "")), header["tr_type"] == "1", tr_id, tr_key)


def answered(code: str, tr_id: str, tr_key: str, secret: tuple[str, str] | None = None) -> bytes:
    """The answer to one message; what was registered gets a key and an iv, encrypted or not."""
    good = code in ("OPSP0000", "OPSP0001")
    body: dict[str, Any] = {"rt_cd": "0" if good else "1", "msg_cd": code, "msg1": TEXTS.get(code, "ERROR")}
    if secret is not None:
        body["output"] = {"iv": secret[1], "key": secret[0]}
    return msgspec.json.encode({"header": {"tr_id": tr_id, "tr_key": tr_key, "encrypt": "N"}, "body": body})
