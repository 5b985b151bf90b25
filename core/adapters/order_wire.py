"""One HTTP call to a venue's account, behind the gate; it tells "nothing left" from "something may have"."""

from __future__ import annotations

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from core.adapters.gate import Gate, session
from core.domain.errors import UnknownOutcome, Unreached
from core.venues.flow import Request, Response

MOST_BYTES = 4 * 1024 * 1024


class OrderWire:
    """One address that the gate lets through. Raises Misconfigured where it does not."""

    def __init__(self, url: str, gate: Gate, *, connect_s: float, read_s: float) -> None:
        gate.check(url)
        self._url, self._timeout = url.rstrip("/"), (connect_s, read_s)
        self._session = session(gate)

    def close(self) -> None:
        self._session.close()

    def __call__(self, request: Request) -> Response:
        """One attempt. No text of the library's is passed on: it has the query in it, and that the account."""
        try:
            with self._open(request) as reply:
                body = reply.raw.read(MOST_BYTES, decode_content=True)
                headers = {name.lower(): value for name, value in reply.headers.items()}
                return Response(reply.status_code, body, headers)
        except requests.exceptions.ConnectTimeout:
            raise Unreached("the venue cannot be reached", path=request.path, fault="ConnectTimeout") from None
        except (requests.RequestException, HTTPError) as fault:
            if _never_left(fault):
                raise Unreached("the venue cannot be reached", path=request.path, fault="no connection") from None
            raise UnknownOutcome("the venue did not answer", path=request.path, fault=type(fault).__name__) from None

    def _open(self, request: Request) -> requests.Response:
        return self._session.request(
            request.method,
            self._url + request.path,
            params=list(request.query),
            data=request.body or None,
            headers=dict(request.headers),
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )


def _never_left(fault: Exception) -> bool:
    """No connection came about at all: refused, or no such host."""
    cause = fault.args[0] if fault.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)
