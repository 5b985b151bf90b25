"""One POST to a chat service whose address is a secret, such that the address never leaves this file.

`requests` puts the URL into its exceptions, their attributes and its logs. So nothing of it gets out: the exchange
happens in a frame of its own that returns plain facts, and our error is raised after it is gone, without a cause.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from core.adapters.secrets import MASK, Secret
from core.domain.errors import CoreError, Misconfigured, RateLimited, Refused, Transient

TIMEOUT_S = (3.05, 10.0)
SHOWN = 200  # characters of a service's explanation that go into an error


class Answer(msgspec.Struct, frozen=True):
    """What a service said; `fault` names the library's error where nothing came back."""

    status: int = 0
    body: bytes = b""
    after: str = ""
    fault: str = ""


class Parcel(msgspec.Struct, frozen=True):
    """A message: `json` alone, or form `fields` with a picture under `name`."""

    json: Mapping[str, Any] | None = None
    fields: Mapping[str, str] | None = None
    name: str = ""
    picture: bytes = b""


def parts(secret: Secret) -> set[str]:
    """What must not be seen: the secret, and of one that is an address also its path and the key at its end."""
    text = secret.reveal()
    path = urlsplit(text).path if "://" in text else ""
    return {part for part in (text, path, path.rpartition("/")[2]) if len(part) > 1}


def masked(text: str, hidden: Iterable[str]) -> str:
    """The text without any of the `hidden` parts, longer ones first."""
    for part in sorted(hidden, key=len, reverse=True):
        text = text.replace(part, MASK)
    return text


class Masking(logging.Filter):
    """Takes known secrets out of the log lines of the HTTP library, which prints each request's path at DEBUG."""

    def __init__(self) -> None:
        super().__init__()
        self._known: Callable[[], set[str]] = set

    def hide(self, secret: Secret) -> None:
        """From now on no part of this secret is logged."""
        known = self._known() | parts(secret)
        self._known = lambda: known

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage(), self._known()), None
        return True


masking = Masking()
for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(masking)


def post(
    session: requests.Session, service: str, secret: Secret, address: Callable[[str], str], parcel: Parcel
) -> None:
    """Send one message.

    Args:
        address: the secret's text -> where to post.

    Raises:
        RateLimited: 429, with the pause the service asked for.
        Misconfigured: the key or address is not valid (401, 404).
        Refused: any other 4xx. Transient: 5xx, no connection, a time-out.
    """
    masking.hide(secret)
    error = verdict(service, secret, _exchange(session, secret, address, parcel))
    if error is not None:
        raise error


def verdict(service: str, secret: Secret, answer: Answer) -> CoreError | None:
    """The error that an answer stands for, None for success."""
    said = masked(_explanation(answer.body), parts(secret))[:SHOWN]
    match answer.status:
        case 0:
            return Transient(f"{service} cannot be reached", fault=answer.fault)
        case status if 200 <= status < 300:
            return None
        case 429:
            return RateLimited(f"{service} asks for a pause", after_ms=_pause_ms(answer))
        case 401 | 404:
            return Misconfigured(f"{service} does not know this key", status=answer.status, said=said)
        case status if 400 <= status < 500:
            return Refused(f"{service} refused the message", status=status, said=said)
        case _:
            return Transient(f"{service} has trouble of its own", status=answer.status)


def _exchange(session: requests.Session, secret: Secret, address: Callable[[str], str], parcel: Parcel) -> Answer:
    files = {parcel.name: ("chart.png", parcel.picture, "image/png")} if parcel.picture else None
    try:
        response = session.post(
            address(secret.reveal()),
            json=parcel.json,
            data=parcel.fields,
            files=files,
            timeout=TIMEOUT_S,
            allow_redirects=False,
        )
    except requests.RequestException as fault:
        return Answer(fault=type(fault).__name__)
    return Answer(response.status_code, response.content, response.headers.get("Retry-After", ""))


def _explanation(body: bytes) -> str:
    """Telegram's `description`, Discord's `message`, else nothing."""
    found = _json(body)
    return str(found.get("description") or found.get("message") or "")


def _pause_ms(answer: Answer) -> int | None:
    """Telegram: parameters.retry_after, whole seconds. Discord: retry_after, seconds with decimals. Else the header."""
    found = _json(answer.body)
    inner = found.get("parameters")
    seconds = (inner if isinstance(inner, dict) else found).get("retry_after", answer.after)
    try:
        return max(0, round(float(seconds) * 1000))
    except (TypeError, ValueError, OverflowError):
        return None


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
