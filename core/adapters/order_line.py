"""The line to a venue's account: questions are asked again where that can help, an order leaves at most once.

Only one thing lets an order leave again: the venue's own word that it refused it at the door (its rate limits, an
expired token). Everything that is not an answer is an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from core.adapters.paced import Signer
from core.app.ports import Budget, Clock
from core.domain.errors import Transient, UnknownOutcome, Unreached
from core.domain.turns import Fare
from core.domain.values import SECOND, Market, Millis
from core.feed.backoff import pause_ms
from core.venues.flow import Flow, Request, Response, run
from core.venues.ordering import Reply

T = TypeVar("T")

BACKOFF_S = (0.25, 0.5, 1.0, 2.0)
TRIES = 4
MOST_S = 3.0
"""An order that was noted as sent goes out within this, its repeats after a refusal at the door among them."""
TURNS = 200


class Pace(Protocol):
    """`take` as in ports.Budget, for the key that this line signs with: 0, or ms to wait.

    A call that weighs more than one has its share of the limit that much smaller, as in core/adapters/paced.py.
    """

    def __call__(self, group: str, weight: int, at: Millis) -> int: ...

    def fare(self, group: str, weight: int) -> Fare:
        """What it would take; a limit of 0 where nobody counts such calls."""


class Shared:
    """Implements `Pace` for one app key; `purse` as in core/adapters/paced.py, "" for the key that asks for quotes."""

    def __init__(
        self, budget: Budget, market: Market, limits: Mapping[str, float], headroom: float, purse: str
    ) -> None:
        self._budget, self._market = budget, market
        self._limits, self._headroom, self._purse = limits, headroom, purse

    def __call__(self, group: str, weight: int, at: Millis) -> int:
        fare = self.fare(group, weight)
        return self._budget.take(self._market, fare.group, fare.limit, at) if fare.limit else 0

    def fare(self, group: str, weight: int) -> Fare:
        return Fare(group + self._purse, self._limits.get(group, 0.0) * self._headroom / weight)


class OrderLine:
    """One account's line. Not for several threads at once.

    wire    one call: raises Unreached where nothing left, UnknownOutcome where something may have
    judge   the venue's word on a response; `sign` makes a request ours
    sleep   waits seconds; `clock` must go on meanwhile
    """

    def __init__(
        self,
        wire: Callable[[Request], Response],
        sign: Signer,
        judge: Callable[[Response], tuple[Reply, str]],
        pace: Pace,
        clock: Clock,
        sleep: Callable[[float], None],
        dice: Callable[[], float],
    ) -> None:
        self._wire, self._sign, self._judge, self._pace = wire, sign, judge, pace
        self._clock, self._sleep, self._dice = clock, sleep, dice

    def fares(self, requests: Iterable[Request]) -> list[Fare]:
        """What these calls take of the budget, none for those that nobody counts."""
        found = (self._pace.fare(request.group, request.weight) for request in requests)
        return [fare for fare in found if fare.limit]

    def ask(self, flow: Flow[T]) -> T:
        """Carry a question out. Raises Transient where it kept failing, and what the flow itself raises."""
        return run(flow, self._asked)

    def order(self, flow: Flow[T], noted: Callable[[], None], most_s: float = MOST_S) -> T:
        """Send an order: `noted` is called once all is ready, right before it leaves, and may still raise.

        It goes out within `most_s` of that, its repeats among them.

        Raises:
            UnknownOutcome: it may have arrived.
            Transient: it certainly did nothing there.
        """
        return run(flow, lambda request: self._ordered(request, noted, most_s))

    def _asked(self, request: Request) -> Response:
        for attempt in range(TRIES):
            signed = self._ready(request)
            try:
                response = self._wire(signed)
            except UnknownOutcome as silence:
                if attempt + 1 == TRIES:
                    raise Transient(silence.found, **silence.facts) from None
            except Unreached:
                if attempt + 1 == TRIES:
                    raise
            else:
                if self._judge(response)[0] not in (Reply.AGAIN, Reply.RENEW, Reply.UNSURE) or attempt + 1 == TRIES:
                    return response
                self._heed(response)
            self._wait(attempt)
        raise Transient("a question needs at least one try", tries=TRIES)

    def _ordered(self, request: Request, noted: Callable[[], None], most_s: float) -> Response:
        signed = self._ready(request)
        stop = self._clock() + most_s * SECOND
        noted()
        if self._clock() > stop:
            raise Unreached("noting an order took too long to send it after that", path=request.path)
        for attempt in range(TRIES):
            response = self._wire(signed)
            if self._judge(response)[0] not in (Reply.AGAIN, Reply.RENEW):
                return response
            self._heed(response)
            self._wait(attempt)
            signed = self._ready(request)
            if self._clock() > stop:
                break
        return response

    def _heed(self, response: Response) -> None:
        if self._judge(response)[0] is Reply.RENEW:
            self._sign.renew()

    def _wait(self, attempt: int) -> None:
        self._sleep(pause_ms(BACKOFF_S, attempt, self._dice, None) / 1000)

    def _ready(self, request: Request) -> Request:
        """Signed first, for that may take a call of its own; then the budget's turn, so that it can leave at once.

        Signed anew after a wait: a signature may hold for seconds only.
        """
        signed = self._sign(request)
        for turn in range(TURNS):
            wait = self._pace(request.group, request.weight, self._clock())
            if wait <= 0:
                return self._sign(request) if turn else signed
            self._sleep(wait / 1000)
        raise Transient("the shared budget of calls has no room", group=request.group)
