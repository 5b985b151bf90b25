"""What KIS says to orders: whether it happened. Sources: reference/kis.md 3.2-3.4 and 8.7."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from core.domain.errors import (
    OrderExecutionError,
    Refused,
    Transient,
    UnknownOutcome,
    WireSurprise,
)
from core.venues.flow import Response
from core.venues.kis.refusals import EXPIRED, PASSING
from core.venues.ordering import Reply, admit

T = TypeVar("T")

NOTHING_LISTED = "70070000"
"""Mock's word for a list without rows; the totals beside it may still be right (reference/kis.md 8.5)."""

AGAIN = frozenset({"EGW00201", "EGW00215"})
"""The call rates of the key and of the ledger: refused before anything was done."""
UNSURE = PASSING - AGAIN
"""Trouble behind the gateway: it may have gone through. All other codes of the gateway are refusals at the door."""
AT_THE_DOOR = ("EGW", "OPSQ", "IGW", "MCA00124")


class Envelope(msgspec.Struct):
    """Every answer; the token call's refusals have another shape. Absent keys are empty."""

    rt_cd: str = ""
    msg_cd: str = ""
    msg1: str = ""
    error_code: str = ""
    error_description: str = ""
    output: Any = None
    output1: Any = None
    output2: Any = None
    ctx_area_fk100: str = ""
    ctx_area_nk100: str = ""


def envelope(response: Response) -> Envelope | None:
    """The answer's body whatever its status; None where it is no JSON object."""
    try:
        return msgspec.json.decode(response.body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def judge(response: Response) -> tuple[Reply, str]:
    """What an answer to an order means. What nobody has written down counts as unsure: it may have happened."""
    body = envelope(response)
    if body is None:
        return Reply.UNSURE, f"HTTP {response.status} without a body that reads"
    code = body.msg_cd.strip() or body.error_code.strip()
    words = " ".join(f"{code} {body.msg1 or body.error_description}".split()) or f"HTTP {response.status}"
    if body.rt_cd == "0" and response.status < 300:
        return Reply.TAKEN, words
    return _meaning(code, bool(body.rt_cd), response.status), words


def _meaning(code: str, told: bool, status: int) -> Reply:
    if code in AGAIN or status == 429:
        return Reply.AGAIN
    if code in EXPIRED:
        return Reply.RENEW
    if code in UNSURE or status == 408:
        return Reply.UNSURE
    if code.startswith(AT_THE_DOOR) or 400 <= status < 500:
        return Reply.REFUSED
    return Reply.REFUSED if told and code and status < 300 else Reply.UNSURE


def taken(response: Response) -> Envelope:
    """The body of an order's answer.

    Raises:
        OrderExecutionError, UnknownOutcome: it was refused, or nobody knows; Transient where nothing happened.
    """
    reply, words = judge(response)
    admit(reply, words)
    return envelope(response) or Envelope()


def asked(response: Response) -> Envelope:
    """The body of a question's answer. Raises Refused, or Transient where asking again may help."""
    body = envelope(response)
    if body is not None and body.msg_cd.strip() == NOTHING_LISTED:
        return body
    try:
        return taken(response)
    except OrderExecutionError as refused:
        raise Refused(refused.found) from None
    except UnknownOutcome as silence:
        raise Transient(silence.found) from None


def read(found: Any, kind: type[T]) -> T:
    """A part of an answer as `kind`. Raises WireSurprise; its text has no value of the answer's in it."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as trouble:
        raise WireSurprise("KIS answered in another shape", why=str(trouble)) from None
