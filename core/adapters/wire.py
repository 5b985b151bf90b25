"""One HTTP call, bare: bounded in time and size, redirects and retries off, and no word of a key in what it raises."""

from __future__ import annotations

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from core.app.ports import Clock
from core.domain.errors import Misconfigured, Transient, Unreached, WireSurprise
from core.domain.policies import RestPolicy
from core.venues.flow import Request, Response

MOST_BYTES = 16 * 1024 * 1024
"""Seven times the largest answer known (855 order books, 2.3 MB): more than that is not an answer."""
CHUNK = 64 * 1024
HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "hoga"}
"""Sent with every call. Never an `Origin`: Upbit then allows one call in 10 s (reference/upbit.md 1)."""
BAD_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)


class Wire:
    """One address. `policy` says where it is and how long to wait; `clock` bounds the sum of many slow pieces."""

    def __init__(self, policy: RestPolicy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock
        self._session = _session()

    def close(self) -> None:
        self._session.close()

    def __call__(self, request: Request) -> Response:
        """Whatever was answered, with whatever status.

        Raises:
            Unreached: no connection came about; nothing was sent.
            Transient: it was sent, or may have been, and no whole answer came.
            Misconfigured: the address is none.
        """
        try:
            with self._open(request) as reply:
                headers = {name.lower(): value for name, value in reply.headers.items()}
                return Response(reply.status_code, self._body(reply), headers)
        except BAD_ADDRESS:
            raise Misconfigured("The venue's address is none", url=self._policy.url) from None
        except (requests.RequestException, HTTPError) as fault:
            kind = Unreached if _unsent(fault) else Transient
            # `from None`: the library's error holds the request, and with it the headers that prove who asks
            raise kind("The venue cannot be reached", path=request.path, fault=type(fault).__name__) from None

    def _open(self, request: Request) -> requests.Response:
        return self._session.request(
            request.method,
            self._policy.url.rstrip("/") + request.path,
            params=list(request.query),
            data=request.body or None,
            headers=dict(request.headers),
            timeout=(self._policy.connect_s, self._policy.read_s),
            allow_redirects=False,
            stream=True,
        )

    def _body(self, reply: requests.Response) -> bytes:
        """The whole body within its bounds: `read_s` also holds for the sum of many slow pieces."""
        body = bytearray()
        ends = self._clock() + self._policy.read_s * 1000
        while piece := reply.raw.read1(CHUNK, decode_content=True):  # as it comes, or a trickle is never noticed
            body += piece
            if len(body) > MOST_BYTES:
                raise WireSurprise("The venue's answer has no end", bytes=len(body))
            if self._clock() > ends:
                raise Transient("The venue answers too slowly", bytes=len(body))
        return bytes(body)


def _unsent(fault: Exception) -> bool:
    """Whether no connection came about. A connection that broke may have carried the request."""
    if isinstance(fault, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = fault.args[0] if fault.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _session() -> requests.Session:
    """One pool of connections; no retries but ours, no proxy and no netrc of the machine's."""
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update(HEADERS)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=Retry(0, read=False)))
    return session
