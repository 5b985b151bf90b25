"""What Upbit says to orders: whether it happened, and what to do. Source: reference/upbit.md 2 and 5.3."""

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
from core.venues.flow import Response
from core.venues.ordering import Reply, admit
from core.venues.pause import asked_ms
from core.venues.upbit.answers import BLOCKED_MS, ErrorBody

T = TypeVar("T")

NO_SUCH_ORDER = "order_not_found"

AGAIN = frozenset({"too_many_requests", "too_many_request_order", "nonce_used"})
"""Refused at the door: the second's calls are used up, the order engine is busy, or a token came twice."""

USED = frozenset({"duplicated_identifier"})
"""UNCONFIRMED by the vendor, the same in three public clients."""

ADVICE = {
    "insufficient_funds_bid": "the account has less money than the order and its fee need",
    "insufficient_funds_ask": "the account has fewer coins to sell than the order says",
    "under_min_total_bid": "the order is under the least total of its market",
    "under_min_total_ask": "the order is under the least total of its market",
    "invalid_price_bid": "the price is off the price step",
    "invalid_price_ask": "the price is off the price step",
    "create_bid_error": "the order does not read",
    "create_ask_error": "the order does not read",
    "validation_error": "the order does not read",
    "invalid_query_payload": "the token does not fit the request: tell a developer",
    "jwt_verification": "the secret key is not this access key's: store both again (account.key.app_secret)",
    "invalid_access_key": "Upbit does not know the access key: store it again (account.key.app_key)",
    "expired_access_key": "the access key's year is over: make another one at Upbit and store it",
    "no_authorization_ip": "the access key does not allow this address: add it to the key at Upbit",
    "no_authorization_i_p": "the access key does not allow this address: add it to the key at Upbit",
    "no_authorization_token": "the request came without a token: tell a developer",
    "out_of_scope": "the access key may not do this: allow it to see the account and to order at Upbit",
}
"""What each refusal means for whoever can mend it."""


def judge(response: Response) -> tuple[Reply, str]:
    """What an answer to an order means. What nobody has written down counts as unsure: it may have happened."""
    name, message = said(response)
    words = ": ".join(part for part in (name, ADVICE.get(name, message)) if part) or f"HTTP {response.status}"
    return _meaning(response.status, name), words


def _meaning(status: int, name: str) -> Reply:
    if 200 <= status < 300:
        return Reply.TAKEN
    if status == 418:
        return Reply.LATER
    if name in AGAIN or status == 429:
        return Reply.AGAIN
    if name in USED:
        return Reply.USED
    return Reply.REFUSED if 400 <= status < 500 and status != 408 else Reply.UNSURE


def said(response: Response) -> tuple[str, str]:
    """Upbit's name and words for an error; ("", "") for an answer, or for a body that does not read."""
    if 200 <= response.status < 300:
        return "", ""
    try:
        error = msgspec.json.decode(response.body, type=ErrorBody).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "", ""
    return str(error.name), error.message


def taken(response: Response, kind: type[T]) -> T:
    """What was accepted.

    Raises:
        OrderExecutionError, UnknownOutcome, IdUsed: it was refused, or nobody knows, or an earlier one has its id;
            Transient where nothing happened.
    """
    _admitted(response)
    try:
        return read(response, kind)
    except WireSurprise as surprise:
        raise UnknownOutcome("Upbit took it, and its answer does not read", **surprise.facts) from None


def _admitted(response: Response) -> None:
    reply, words = judge(response)
    admit(reply, words, wait_ms=asked_ms(response) or BLOCKED_MS)


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
        raise WireSurprise("Upbit answered in another shape", why=str(trouble)) from None
