"""A venue's public REST side over HTTP: paced, within the shared budget, tried again where that can help."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from core.app.ports import Budget, Clock
from core.domain.errors import Misconfigured, RateLimited, Transient, WireSurprise
from core.domain.events import Bar, Book, Listing, Ticker
from core.domain.policies import RestPolicy, UniversePolicy
from core.domain.values import SECOND, Millis
from core.feed.backoff import pause_ms
from core.venues.flow import Flow, Request, Response, run
from core.venues.spec import RestSpec

T = TypeVar("T")

MOST_BYTES = 16 * 1024 * 1024
"""Seven times the largest answer known (855 order books, 2.3 MB): more than that is not an answer."""
CHUNK = 64 * 1024
PATIENCE_MS = 15_000
"""A longer pause than this is not slept through: the caller is told, and its own schedule comes back later."""
TURNS = 200
"""How often the budget is asked for one call; a budget that never has room is an error, not a hang."""
HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "hoga"}
"""Sent with every call. Never an `Origin`: Upbit then allows one call in 10 s (reference/upbit.md 1)."""


class HttpQuotes:
    """One venue's quotes. Not for several threads at once; each has its own, and they share the budget.

    budget   asked before every call; its limit is the venue's, or the owner's, times `headroom`
    sleep    waits so many seconds; `clock` must go on meanwhile
    dice     0..1 for the jitter
    pause_s  least time between two calls of this object
    tries    calls made for one request before the last error is passed on (B3)
    """

    def __init__(
        self,
        spec: RestSpec,
        policy: RestPolicy,
        budget: Budget,
        clock: Clock,
        sleep: Callable[[float], None],
        dice: Callable[[], float],
        *,
        pause_s: float = 0.0,
        tries: int = 5,
    ) -> None:
        self._spec, self._policy, self._budget = spec, policy, budget
        self._clock, self._sleep, self._dice = clock, sleep, dice
        self._pause_ms, self._tries = round(pause_s * 1000), tries
        self._session = _session()
        self._next_at = Millis(0)
        self._shut_until: dict[str, Millis] = {}
        self._calls = 0

    @property
    def calls(self) -> int:
        """HTTP calls made so far, those that failed among them."""
        return self._calls

    def listing(self, universe: UniversePolicy) -> list[Listing]:
        return self._ask(self._spec.listing(universe, self._clock()))

    def tickers(self, symbols: Sequence[str], quote: str) -> list[Ticker]:
        return self._ask(self._spec.tickers(symbols, quote, self._clock()))

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]:
        return self._ask(self._spec.books(symbols, depth, self._clock()))

    def bars(self, symbol: str, span: Millis, count: int, until: Millis | None = None) -> list[Bar]:
        return self._ask(self._spec.bars(symbol, span, count, until, self._clock()))

    def close(self) -> None:
        self._session.close()

    def _ask(self, flow: Flow[T]) -> T:
        return run(flow, self._send)

    def _send(self, request: Request) -> Response:
        """One request, tried until it is answered or refused for good; what is refused is the flow's to judge.

        Raises:
            Transient: it kept failing, or the other side asked for a longer pause than is worth sleeping.
        """
        for attempt in range(self._tries):
            try:
                return self._try(request)
            except Transient as fault:
                asked = fault.after_ms if isinstance(fault, RateLimited) else None
                pause = pause_ms(self._policy.backoff_s, attempt, self._dice, asked)
                if attempt + 1 == self._tries or pause > PATIENCE_MS:
                    raise
                self._sleep(pause / 1000)
        raise Misconfigured("A request needs at least one try", tries=self._tries)

    def _try(self, request: Request) -> Response:
        self._wait_for_turn(request.group)
        self._calls += 1
        try:
            response = self._call(request)
        finally:
            self._next_at = Millis(self._clock() + self._pause_ms)
        self._heed(request.group, response)
        if isinstance(error := self._spec.refusal(response), Transient):
            raise error
        return response

    def _wait_for_turn(self, group: str) -> None:
        """Wait until pacing, the venue's own count and the shared budget all allow one call of `group`."""
        for _ in range(TURNS):
            at = self._clock()
            wait = max(self._next_at - at, self._shut_until.get(group, Millis(0)) - at)
            if wait <= 0 and (wait := self._take(group, at)) <= 0:
                return
            self._sleep(wait / 1000)
        raise Transient("The shared budget of calls has no room", market=self._spec.market.value, group=group)

    def _take(self, group: str, at: Millis) -> int:
        limit = self._policy.limits.get(group) or self._spec.limits.get(group)
        return self._budget.take(self._spec.market, group, limit * self._policy.headroom, at) if limit else 0

    def _heed(self, group: str, response: Response) -> None:
        """Nothing left in the venue's second: no more of this group until a second has passed on any clock."""
        told = self._spec.left(response)
        if told and told[1] <= 0:
            until = Millis(self._clock() + SECOND)
            self._shut_until[group] = self._shut_until[told[0]] = until

    def _call(self, request: Request) -> Response:
        try:
            with self._open(request) as reply:
                headers = {name.lower(): value for name, value in reply.headers.items()}
                return Response(reply.status_code, self._body(reply), headers)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
            raise Misconfigured("The venue's address is none", url=self._policy.url) from None
        except (requests.RequestException, HTTPError) as fault:
            raise Transient("The venue cannot be reached", path=request.path, fault=type(fault).__name__) from fault

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


def _session() -> requests.Session:
    """One pool of connections; no retries but ours, no proxy and no netrc of the machine's."""
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update(HEADERS)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=Retry(0, read=False)))
    return session
