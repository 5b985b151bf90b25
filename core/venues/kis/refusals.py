"""What a KIS answer means that is none: the body decides, whatever the HTTP status (reference/kis.md 3.2).

Three shapes: `rt_cd`, `msg_cd`, `msg1` (padded); `error_code`, `error_description` from the token gate; nothing at all.
"""

from typing import TypeVar

import msgspec

from core.domain.errors import (
    CoreError,
    KeyExpired,
    RateLimited,
    Refused,
    Transient,
    WireSurprise,
    WrongEnvironment,
)
from core.venues.flow import Response
from core.venues.pause import asked_ms

T = TypeVar("T")

SHOWN = 160
TOKEN_PAUSE_MS = 60_000
"""A token may be asked for once a minute."""

EXPIRED = frozenset({"EGW00121", "EGW00122", "EGW00123"})
ELSEWHERE = frozenset({"EGW02004", "EGW02006", "EGW02007", "EGW00213", "MCA00124", "90000000"})
"""Mock key at the real address, question that the mock environment does not have, real key at the mock address."""
WRONG_KEY = frozenset({"EGW00102", "EGW00103", "EGW00104", "EGW00105", "EGW00304", "OPSP0010", "OPSP9994"})
PASSING = frozenset({
    "EGW00001", "EGW00002", "EGW00202", "EGW00203", "EGW00204", "EGW00215", "EGW00300", "EGW00301", "EGW00302",
    "OPSQ0001", "OPSQ0003", "OPSQ0008", "OPSQ0009", "OPSQ0010", "OPSQ0011", "OPSQ1002",
})  # fmt: skip
"""EGW00215 is the ledger that all customers share; EGW00301 and 302 are time-outs behind the gateway."""
FINAL = ("EGW001", "EGW0000", "EGW00205", "EGW00206", "EGW00207", "EGW00208", "EGW00209", "EGW00210", "EGW00303",
         "OPSQ0002", "OPSQ2", "OPSQ99", "IGW00009")  # fmt: skip
"""Beginnings of codes that no second try changes, whatever the status they come with."""


class KeyRefused(Refused):
    remedy = "The app key or its secret is not KIS's: store the secrets again that `keys` in settings.yaml names."


class Said(msgspec.Struct):
    rt_cd: str | int = ""
    msg_cd: str | int = ""
    msg1: str = ""
    error_code: str | int = ""
    error_description: str = ""

    @property
    def code(self) -> str:
        return str(self.msg_cd).strip() or str(self.error_code).strip()

    @property
    def text(self) -> str:
        return (self.msg1.strip() or self.error_description.strip())[:SHOWN]


def refusal(reply: Response) -> CoreError | None:
    """What to do about a response that is not an answer; None for an answer."""
    said = heard(reply)
    if said is None:
        return _silent(reply)
    if str(said.rt_cd) == "0" or (200 <= reply.status < 300 and not said.code and not str(said.rt_cd)):
        return None
    return verdict(said.code, reply.status, asked_ms(reply), said.text)


def verdict(code: str, status: int, wait_ms: int | None, text: str) -> CoreError:
    """The error for a code of KIS's own; the status only where the code says nothing."""
    facts = {"status": status, "code": code, "message": text}
    if code == "EGW00201":
        return RateLimited("KIS's calls per second are used up", after_ms=wait_ms, **facts)
    if code == "EGW00133":
        return RateLimited("KIS gives one token a minute", after_ms=max(wait_ms or 0, TOKEN_PAUSE_MS), **facts)
    if code in EXPIRED:
        return KeyExpired("KIS does not accept this token any more", **facts)
    if code in ELSEWHERE:
        return WrongEnvironment("KIS answers this in its other environment only", **facts)
    if code in WRONG_KEY:
        return KeyRefused("KIS does not know this app key", **facts)
    if code in PASSING:
        return Transient("KIS cannot answer now", **facts)
    if code.startswith(FINAL):
        return Refused("KIS refused the question", **facts)
    return _by_status(status, wait_ms, facts)


def _by_status(status: int, wait_ms: int | None, facts: dict[str, object]) -> CoreError:
    if status == 429:
        return RateLimited("KIS's calls per second are used up", after_ms=wait_ms, **facts)
    if status >= 500 or status == 408 or (status < 300 and not facts.get("code")):  # maintenance names no code
        return Transient("KIS cannot answer now", **facts)
    return Refused("KIS refused the question", **facts)


def _silent(reply: Response) -> CoreError | None:
    """A body that is not KIS's: `read` judges one that came with a good status."""
    if 200 <= reply.status < 300:
        return None
    return _by_status(reply.status, asked_ms(reply), {"status": reply.status})


def heard(reply: Response) -> Said | None:
    """What a body says of itself; None where it is not a JSON object of KIS's."""
    try:
        return msgspec.json.decode(reply.body, type=Said)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def read(reply: Response, kind: type[T], *, secret: bool = False) -> T:
    """The answer's content. Raises what `refusal` says of it, or WireSurprise where it does not read.

    secret  the body holds a key: nothing of it is shown
    """
    if (error := refusal(reply)) is not None:
        raise error
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        if secret:
            raise WireSurprise("KIS answer does not read", bytes=len(reply.body)) from None
        raise WireSurprise("KIS answer does not read", fault=str(fault), body=reply.body[:SHOWN]) from fault
