"""A venue's REST calls as everybody must make them: paced, within the shared budget, signed, behind a breaker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from core.adapters.wire import Wire
from core.app.ports import Budget, Clock
from core.domain.errors import CircuitOpen, KeyExpired, Misconfigured, RateLimited, Transient, Unreached
from core.domain.policies import RestPolicy
from core.domain.turns import Fare
from core.domain.values import SECOND, Millis
from core.feed.backoff import pause_ms
from core.feed.breaker import Breaker
from core.venues.flow import Request, Response
from core.venues.spec import RestSpec

T = TypeVar("T")

PATIENCE_MS = 15_000
"""A longer pause than this is not slept through: the caller is told, and its own schedule comes back later."""
TURNS = 200
"""How often the budget is asked for one call; a budget that never has room is an error, not a hang."""


class Circuit(NamedTuple):
    """One endpoint's breaker: may it be asked, and how often it went from closed to open."""

    closed: bool
    opened: int


class Signer(Protocol):
    """Proves who asks. One for each app key."""

    def __call__(self, request: Request) -> Request: ...

    def renew(self) -> None:
        """The token of the last request was not accepted: get another. Raises Transient, Refused, Misconfigured."""


class Paced:
    """One venue's calls. Not for several threads at once; each has its own, and they share the budget.

    budget   asked before every call; its limit is the venue's, or the owner's, times `headroom`
    sleep    waits so many seconds; `clock` must go on meanwhile
    dice     0..1 for the jitter
    pause_s  least time between two calls of this object
    tries    calls made for one request before the last error is passed on (B3)
    sign     None where anybody may ask
    on_open  told of each endpoint whose circuit opens (F5)
    purse    added to a group's name where another account pays: its calls are counted apart
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
        sign: Signer | None = None,
        purse: str = "",
        on_open: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._on_open = on_open
        self._spec, self._policy, self._budget = spec, policy, budget
        self._clock, self._sleep, self._dice = clock, sleep, dice
        self._pause_ms, self._tries, self._signer, self._purse = round(pause_s * 1000), tries, sign, purse
        self._wire = Wire(policy, clock)
        self._next_at = Millis(0)
        self._shut_until: dict[str, Millis] = {}
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self.calls = 0
        """HTTP calls made so far, those that failed among them; a token's are its own."""

    def close(self) -> None:
        self._wire.close()

    @property
    def circuits(self) -> dict[str, Circuit]:
        """Every endpoint that was asked so far (D17)."""
        return {path: Circuit(breaker.closed, breaker.opened) for path, breaker in self._breakers.items()}

    def fares(self, requests: Iterable[Request]) -> list[Fare]:
        """What these calls take of the budget, none for those that nobody counts."""
        found = (self._fare(request.group, request.weight) for request in requests)
        return [fare for fare in found if fare is not None]

    def send(self, request: Request) -> Response:
        """One request, tried until it is answered or refused for good; what is refused is the flow's to judge.

        Raises:
            Transient: it kept failing, or the other side asked for a longer pause than is worth sleeping.
        """
        for attempt in range(self._tries):
            try:
                return self.once(request)
            except (CircuitOpen, KeyExpired):
                raise
            except Transient as fault:
                asked = fault.after_ms if isinstance(fault, RateLimited) else None
                pause = pause_ms(self._policy.backoff_s, attempt, self._dice, asked)
                if attempt + 1 == self._tries or pause > PATIENCE_MS:
                    raise
                self._sleep(pause / 1000)
        raise Misconfigured("A request needs at least one try", tries=self._tries)

    def once(self, request: Request) -> Response:
        """One try. A token that has expired is renewed once: whoever refused it has carried nothing out.

        Raises:
            Unreached, CircuitOpen: nothing left this machine.
            KeyExpired, RateLimited: refused at the door; nothing was carried out.
            Transient: anything may have become of it.
        """
        try:
            return self._once(request)
        except KeyExpired:
            if self._signer is None:
                raise
        _unsent(self._signer.renew)
        return self._once(request)

    def _once(self, request: Request) -> Response:
        breaker = self._breakers[request.path]
        if wait := breaker.wait_ms(self._clock()):
            raise CircuitOpen("The venue has failed too often", path=request.path, probe_in_ms=wait)
        signed = self._signed(request)
        _unsent(lambda: self._wait_for_turn(request.group, request.weight))
        self.calls += 1
        try:
            response = self._answered(signed)
        except (RateLimited, KeyExpired):
            breaker.succeeded()
            raise
        except Transient:
            opened = breaker.opened
            breaker.failed(self._clock())
            if breaker.opened > opened:
                self._on_open(request.path)
            raise
        breaker.succeeded()
        return response

    def _signed(self, request: Request) -> Request:
        signer = self._signer
        return request if signer is None else _unsent(lambda: signer(request))

    def _answered(self, request: Request) -> Response:
        try:
            response = self._wire(request)
        finally:
            self._next_at = Millis(self._clock() + self._pause_ms)
        self._heed(request.group, response)
        if isinstance(error := self._spec.refusal(response), Transient):
            raise error
        return response

    def _wait_for_turn(self, group: str, weight: int) -> None:
        """Wait until pacing, the venue's own count and the shared budget all allow one call of `group`."""
        for _ in range(TURNS):
            at = self._clock()
            wait = max(self._next_at - at, self._shut_until.get(group, Millis(0)) - at)
            if wait <= 0 and (wait := self._take(group, weight, at)) <= 0:
                return
            self._sleep(wait / 1000)
        raise Unreached("The shared budget of calls has no room", market=self._spec.market.value, group=group)

    def _take(self, group: str, weight: int, at: Millis) -> int:
        fare = self._fare(group, weight)
        return self._budget.take(self._spec.market, fare.group, fare.limit, at) if fare else 0

    def _fare(self, group: str, weight: int) -> Fare | None:
        """A call that weighs more takes its whole time at once: the next one of the group waits it out."""
        limit = self._policy.limits.get(group) or self._spec.limits.get(group)
        return Fare(group + self._purse, limit * self._policy.headroom / weight) if limit else None

    def _heed(self, group: str, response: Response) -> None:
        """Nothing left in the venue's second: no more of this group until a second has passed on any clock."""
        told = self._spec.left(response)
        if told and told[1] <= 0:
            until = Millis(self._clock() + SECOND)
            self._shut_until[group] = self._shut_until[told[0]] = until


def _unsent(work: Callable[[], T]) -> T:
    """Do what comes before a call. Where it fails in passing, the caller must know that nothing was sent."""
    try:
        return work()
    except (Unreached, RateLimited, CircuitOpen):
        raise
    except Transient as fault:
        raise Unreached(fault.found, **fault.facts) from fault
