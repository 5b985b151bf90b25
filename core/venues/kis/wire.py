"""KIS's answers on its WebSocket as typed records: to a registration, and PINGPONG (reference/kis.md 7.2, 7.3)."""

from __future__ import annotations

import msgspec


class Head(msgspec.Struct):
    tr_id: str
    tr_key: str | None = None


class Output(msgspec.Struct):
    iv: str | None = None
    key: str | None = None


class Body(msgspec.Struct):
    msg_cd: str
    msg1: str = ""
    output: Output | None = None


class Answer(msgspec.Struct):
    """An answer to a registration, or PINGPONG, which has no body."""

    header: Head
    body: Body | None = None


ANSWER = msgspec.json.Decoder(Answer)
