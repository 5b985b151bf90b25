"""The product's own code, stopped at each request that leaves the process, and gone on with later.

`core.app.trade` is run with the real DynamoDB adapter on a client that answers from a list. Where the list ends the run
is given up, and the request it wanted to make is what it does next. As the code is a function of its answers and of its
clock, (task, answers so far) is its whole state; each such state is run once and remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec
from botocore.exceptions import ReadTimeoutError
from msgspec.structs import replace

from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.app import ownership, trade
from core.app.desk import Desk, Ending, Verdict
from core.app.ports import Reserved
from core.app.trade import handle, resume
from core.domain.errors import CoreError, UnknownOutcome
from core.domain.leases import Answer, Ask, Granted
from core.domain.signals import Signal
from core.domain.values import Millis
from tests.fakes import AAA, AT, Told, desk_of

LOCKS, LEDGER = "locks", "ledger"
LEASE_MS = Millis(6_000)


class Call(msgspec.Struct, frozen=True, dict=True):
    """One request that leaves the process: to the tables, or to the venue."""

    to: str
    name: str
    request: dict[str, Any]

    @cached_property
    def values(self) -> frozenset[str]:
        """Names of the values that it gives to the lock's item."""
        legs = [leg["Update"] for leg in self.request.get("TransactItems", []) if "Update" in leg]
        wanted = [leg for leg in [*legs, self.request] if leg.get("TableName") == LOCKS]
        return frozenset(name for leg in wanted for name in leg.get("ExpressionAttributeValues", {}))


class Reply(msgspec.Struct, frozen=True):
    """What came back: a value, or the error that a client raises."""

    value: Any = None
    error: BaseException | None = None


LOST_REPLY = {"tables": ReadTimeoutError(endpoint_url="test"), "venue": UnknownOutcome("the reply was lost")}
SWEEP = "sweep"


class Task(msgspec.Struct, frozen=True):
    """One call of a function: a delivery of a signal, or the part of a sweep that finishes what was left behind.

    offset  how far this host's clock is from true time, ms
    """

    owner: str
    signal: Signal | None
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.owner} ({self.signal.id if self.signal else SWEEP})"


class Suspended(BaseException):
    def __init__(self, call: Call) -> None:
        self.call = call


class Point:
    """Where one task stands: what it has been told, what it does next, what it believes.

    call      its next request, None where it is finished; `verdict` what it then said
    asked     the grant that it is asking for or has been given, and when the first attempt for it was made (true ms)
    granted   the lock that it believes is its own
    refusals  answers of the lock that were no grant
    """

    def __init__(self, task: Task, answers: tuple[tuple[int, Reply], ...], began: int) -> None:
        self.task, self.answers, self.began = task, answers, began
        self.call: Call | None = None
        self.verdict: Verdict | None = None
        self.fault = ""
        self.asked: tuple[Ask, int] | None = None
        self.granted: Granted | None = None
        self.refusals: list[Answer] = []
        self.next: dict[tuple[int, int], Point] = {}
        Run(self).play()

    @property
    def now(self) -> int:
        """True time at which it last came to know anything."""
        return self.answers[-1][0] if self.answers else self.began

    @property
    def until(self) -> float:
        """True time at which it stops believing: what the product's own deadline says."""
        if self.asked is None or self.call is None or self.granted is None:
            return 0.0
        return self.asked[1] + LEASE_MS - trade.GUARD_S * 1000

    @cached_property
    def future(self) -> tuple[object, ...]:
        """All that the code can still know: its next request, the lock it was given, its deadline, how far it came."""
        granted = self.granted and msgspec.to_builtins(self.granted, enc_hook=str)
        asked = self.asked and (self.asked[0].nonce, self.asked[0].ends, self.asked[1])
        call = self.call and (self.call.name, self.call.request)
        return (self.task.owner, call, granted, asked, len(self.answers))

    def told(self, now: int, number: int, reply: Reply) -> Point:
        """Where it stands after its request was answered; `number` names the answer."""
        if (now, number) not in self.next:
            self.next[now, number] = Point(self.task, (*self.answers, (now, reply)), self.began)
        return self.next[now, number]


class Run:
    """One replay of a task."""

    def __init__(self, point: Point) -> None:
        self.point, self.place, self.now, self.nonces = point, 0, point.began, 0

    def play(self) -> None:
        point = self.point
        try:
            point.verdict = act(point.task, self.desk())
        except Suspended as stopped:
            point.call = stopped.call
        except CoreError as trouble:
            point.fault = str(trouble)

    def ask(self, call: Call) -> Any:
        answers = self.point.answers
        if self.place == len(answers):
            raise Suspended(call)
        self.now, reply = answers[self.place]
        self.place += 1
        if reply.error is not None:
            raise reply.error.with_traceback(None)
        return reply.value

    def nonce(self) -> str:
        self.nonces += 1
        return f"{self.point.task.owner}/{self.nonces}"

    def desk(self) -> Desk:
        client = Line(self, "tables")
        quiet: dict[str, Any] = {"pause": lambda seconds: None, "dice": lambda: 0.5}
        leases: Any = DynamoLeases(LOCKS, LEDGER, client, **quiet)
        return made(
            leases=Witness(leases, self),
            ledger=DynamoLedger(LEDGER, client, **quiet),
            broker=Venue(self),
            clock=lambda: Millis(self.now + self.point.task.offset),
            monotonic_s=lambda: self.now / 1000,
            owner=self.point.task.owner,
            nonce=self.nonce,
        )


BLANK = desk_of()
PATIENT = replace(BLANK.policy, safety=replace(BLANK.policy.safety, max_age_s=10**6))


def made(**parts: Any) -> Desk:
    """A desk of its own for each replay: what a process remembers of workers is part of what it does next."""
    quiet = {"policy": PATIENT, "pause": lambda seconds: None, "alerts": Told(), "engaged": {}}
    return replace(BLANK, deadline_ms=LEASE_MS, **quiet, **parts)


def act(task: Task, desk: Desk) -> Verdict:
    if task.signal is not None:
        return handle(task.signal, desk)
    lock = desk.leases.lock(AAA)
    if lock is None or lock.intent is None or ownership.running(lock, desk.clock()):
        return Verdict(outcome=Ending.REPEATED, instrument=AAA, signal="", detail="nothing to finish")
    return resume(lock, desk)


class Line:
    """A boto3 client whose every method is one request."""

    def __init__(self, run: Run, to: str) -> None:
        self._run, self._to = run, to

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda **request: self._run.ask(Call(self._to, name, request))


class Venue:
    """A broker whose every method is one request."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def place(self, order: Any, at: Millis) -> Any:
        return self._run.ask(Call("venue", "place", {"order": order}))

    def find(self, order: Any, at: Millis) -> Any:
        return self._run.ask(Call("venue", "find", {"order": order}))

    def cancel(self, order: Any, at: Millis) -> Any:
        return self._run.ask(Call("venue", "cancel", {"order": order}))

    def taking(self, order: Any) -> None:
        """It knows our ids: nothing is left to write of them."""


class Witness:
    """Looks on while locks are granted; everything else passes by."""

    def __init__(self, leases: Any, run: Run) -> None:
        self._leases, self._run = leases, run

    def grant(self, ask: Ask, at: Millis) -> Answer:
        self._run.point.asked = (ask, self._run.now)
        return self._heard(self._leases.grant(ask, at))

    def engage(self, ask: Ask, *taking: Any) -> Any:
        if self._run.point.asked is None or self._run.point.asked[0] != ask:  # the first attempt is what counts
            self._run.point.asked = (ask, self._run.now)
        return self._heard(self._leases.engage(ask, *taking))

    def _heard(self, answer: Any) -> Any:
        if isinstance(answer, Granted):
            self._run.point.granted = answer
        elif not isinstance(answer, Reserved):
            self._run.point.refusals.append(answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._leases, name)


def instant(seconds: float) -> int:
    """True time, ms, that long after the beginning."""
    return AT + round(seconds * 1000)
