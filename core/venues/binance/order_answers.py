"""What Binance says to orders: whether it happened, and what to do. Source: reference/binance.md 2 and 5."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from core.domain.errors import (
    OrderExecutionError,
    Refused,
    Transient,
    UnknownOutcome,
    WireSurprise,
)
from core.venues.binance.answers import BLOCKED_MS, MINUTE_MS, Said
from core.venues.flow import Response
from core.venues.ordering import Reply, admit
from core.venues.pause import asked_ms

T = TypeVar("T")

NO_SUCH_ORDER = (-2013, -2026)
REJECTED = -2010
DUPLICATE = "Duplicate order sent."
STALE = -1021

UNSURE = frozenset({-1000, -1001, -1006, -1007})
LATER = frozenset({-1003, -1008, -1015})
"""Too much weight, an overloaded engine, too many orders: refused, and asking on at once leads to a ban."""

ADVICE = {
    -1013: "the order does not fit the symbol's filters",
    -1021: "this machine's clock is off: set it, or check that it is kept in time",
    -1022: "the secret is not this key's: store both again (account.key.app_secret)",
    -1111: "more decimals than the symbol takes",
    -1121: "Binance does not list this symbol",
    -2010: "the account cannot carry it out",
    -2011: "nothing is left of it that could be cancelled",
    -2014: "Binance does not know the key: store it again (account.key.app_key)",
    -2015: "the key may not do this from this address: allow spot trading and the address at Binance",
}
"""What each refusal means for whoever can mend it."""


def judge(response: Response) -> tuple[Reply, str]:
    """What an answer to an order means. What nobody has written down counts as unsure: it may have happened."""
    error = said(response)
    words = " ".join(part for part in (str(error.code or ""), error.msg) if part) or f"HTTP {response.status}"
    if advice := ADVICE.get(error.code):
        words = f"{words} ({advice})"
    return _meaning(response.status, error), words


def _meaning(status: int, error: Said) -> Reply:
    if 200 <= status < 300:
        return Reply.TAKEN
    if error.code in LATER or status in (403, 418, 429):
        return Reply.LATER
    if error.code in UNSURE or status == 408:
        return Reply.UNSURE
    if error.code == STALE:
        return Reply.AGAIN
    if error.code == REJECTED and error.msg == DUPLICATE:
        return Reply.USED
    return Reply.REFUSED if 400 <= status < 500 and status != 409 else Reply.UNSURE


def said(response: Response) -> Said:
    """Binance's code and words for an error; (0, "") for an answer, or for a body that does not read."""
    if 200 <= response.status < 300:
        return Said()
    try:
        return msgspec.json.decode(response.body, type=Said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Said()


def taken(response: Response, kind: type[T]) -> T:
    """What was accepted.

    Raises:
        OrderExecutionError, UnknownOutcome, IdUsed: it was refused, or nobody knows, or an open order has its id;
            Transient where nothing happened.
    """
    _admitted(response)
    try:
        return read(response, kind)
    except WireSurprise as surprise:
        raise UnknownOutcome("Binance took it, and its answer does not read", **surprise.facts) from None


def _admitted(response: Response) -> None:
    reply, words = judge(response)
    usual = BLOCKED_MS if response.status in (403, 418) else MINUTE_MS
    admit(reply, words, wait_ms=asked_ms(response) or usual)


def asked(response: Response, kind: type[T]) -> T:
    """A question's answer. Raises Refused, or Transient where asking again may help, or WireSurprise."""
    try:
        _admitted(response)
    except OrderExecutionError as refused:
        raise Refused(refused.found) from None
    except UnknownOutcome as silence:
        raise Transient(silence.found) from None
    return read(response, kind)


def read(response: Response, kind: type[T]) -> T:
    """The answer as `kind`. Raises WireSurprise; its text has no value of the answer's in it."""
    try:
        return msgspec.json.decode(response.body, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise WireSurprise("Binance answered in another shape", why=str(trouble)) from None
