"""Everything that one trade needs, and every way it can end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import assert_never

import msgspec

from core.app.ports import Alerts, Broker, Clock, Leases, Ledger, Shelf, Turns
from core.app.standstill import phase
from core.domain.errors import LockAcquisitionError
from core.domain.events import MarketState
from core.domain.leases import Answer, Barrier, Busy, Cooling, Flat, Granted, Held, Repeated, Unclear
from core.domain.messages import Alert
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import MarketPolicy
from core.domain.positions import RoundTrip
from core.domain.sessions import TOLD, Calendar
from core.domain.turns import Stretch
from core.domain.values import Instrument, Market, Millis
from core.venues.spec import Rules


class Unshared:
    """Implements ports.Turns where nobody else calls the venue."""

    def unasked(self, order: Order, at: Millis) -> bool:
        return True

    def wanted(self, order: Order, at: Millis, *, looked: bool) -> Sequence[Stretch]:
        return ()

    def took(self, stretches: Sequence[Stretch]) -> None:
        """There are none."""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a use case that trades is given by its composition root.

    owner        who acts (function and request id); `nonce` gives a fresh text for each attempt to acquire a lock
    monotonic_s  this owner's own clock, seconds: no order is sent after the lease has ended by it
    deadline_ms  length of a lease: in a Lambda function what remains of the call plus one second
    pause        waits that many seconds (between two looks at an order that is still open)
    last_price   the newest price of a symbol in quote currency per unit, None where nobody knows; asked before a buy
    name         what people call a symbol, "" where it has no name
    state        does the venue let a symbol trade now? Asked before a buy; None where it has no word for it
    engaged      workers that were found taken, by when: kept by the process, so that its next buy tries another first
    told         what the venue told of single days: do they trade?
    turns        who pays for the calls to the venue that a buy makes
    paid_alike   markets paid in the same currency, this one included; None where nobody says: it is not recounted then
    """

    market: Market
    policy: MarketPolicy
    rules: Rules
    shelf: Shelf
    leases: Leases
    ledger: Ledger
    broker: Broker
    alerts: Alerts
    clock: Clock
    monotonic_s: Callable[[], float]
    pause: Callable[[float], None]
    owner: str
    nonce: Callable[[], str]
    deadline_ms: Millis
    name: Callable[[str], str]
    last_price: Callable[[str], float | None]
    told: Mapping[str, bool] = TOLD
    paid_alike: frozenset[Market] | None = None
    engaged: dict[str, Millis] = {}
    state: Callable[[str], MarketState | None] = lambda symbol: None
    turns: Turns = Unshared()

    @property
    def days(self) -> Calendar:
        """When the market is open, and where its days are cut."""
        return self.rules.calendar(self.policy.day, self.told)

    def phase(self, instrument: Instrument, at: Millis) -> Phase:
        """What kind of trading goes on in one symbol."""
        return phase(instrument, self.days, self.shelf, self.policy, at)


class Ending(StrEnum):
    """How the handling of one signal ended. RESTING: a sale waits in an auction, and is settled after it."""

    BOUGHT = "bought"
    SOLD = "sold"
    BUSY = "busy"
    HELD = "held"
    FLAT = "flat"
    REPEATED = "repeated"
    EXPIRED = "expired"
    REFUSED = "refused"
    LOST = "lost"
    RESTING = "resting"
    UNKNOWN = "unknown"
    UNCLEAR = "unclear"


LATER = frozenset({Ending.BUSY, Ending.UNCLEAR})
"""Nothing was decided: the message goes back to its queue."""

OPEN_ENDED = frozenset({Ending.LOST, Ending.UNKNOWN})
"""The sweep settles it: the intent is on the lock, and the message is done with."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a signal, with everything that its log line needs.

    outcome   how it ended; `detail` says why, in words for people
    signal    id of the signal; `fence` of the lock it ran under, 0 for none
    order     the order as it stands, None where none was made; `trip` the result of a sale
    limit     the limit, halt or check that refused a buy, "" for none
    untold    alerts about it that are not on their way: the caller says so in its log
    """

    outcome: Ending
    instrument: Instrument
    signal: str
    detail: str = ""
    limit: str = ""
    fence: int = 0
    order: Order | None = None
    trip: RoundTrip | None = None
    untold: tuple[Alert, ...] = ()


def insist(verdict: Verdict) -> Verdict:
    """The verdict, unless nothing was decided yet: LockAcquisitionError then returns the message to its queue."""
    if verdict.outcome in LATER:
        raise LockAcquisitionError(
            "the symbol is being worked on", instrument=str(verdict.instrument), why=verdict.detail
        )
    return verdict


def declined(answer: Answer, instrument: Instrument, signal: str) -> Verdict:
    """The verdict on a lock that was not granted; it names the holder, the fence and the end of the lease."""
    match answer:
        case Granted():
            raise ValueError("a granted lock is not a refusal")
        case Busy(holder=holder, fence=fence, ends=ends):
            outcome, detail = Ending.BUSY, f"held by {holder}, fence {fence}, until {ends}"
        case Held(worker=worker, fence=fence):
            outcome, detail = Ending.HELD, f"owned by {worker}, fence {fence}"
        case Flat(fence=fence):
            outcome, detail = Ending.FLAT, "nothing is held"
        case Repeated(fence=fence):
            outcome, detail = Ending.REPEATED, "this signal was settled before"
        case Cooling(lost=lost, fence=fence):
            detail = f"a position of it was lost at {lost}"
            return Verdict(
                outcome=Ending.REFUSED,
                instrument=instrument,
                signal=signal,
                detail=detail,
                limit=Barrier.COOLING.value,
                fence=fence,
            )
        case Unclear(reason=reason):
            outcome, detail, fence = Ending.UNCLEAR, reason, 0
        case _:
            assert_never(answer)
    return Verdict(outcome=outcome, instrument=instrument, signal=signal, detail=detail, fence=fence)
