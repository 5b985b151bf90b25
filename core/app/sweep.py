"""Every minute: settle every open question (E1, E2, E8). Whatever died, two runs later nothing is open.

It reads levels only, so it needs no message to have arrived: locks with an intent whose lease ended, orders that the
ledger holds open, positions and workers that have lost each other, exits that nobody watches,
and the venue's own books.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.app import ownership, tally, tidings, vigil
from core.app.crew import enlist
from core.app.desk import OPEN_ENDED, Desk, Ending, Verdict
from core.app.owed import deliver
from core.app.ownership import Adoption
from core.app.ports import Quotes
from core.app.tally import Difference
from core.app.trade import resume
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.messages import Alert
from core.domain.orders import DONE, Order
from core.domain.values import Instrument, Market, Millis


class Fault(msgspec.Struct, frozen=True):
    """What could not be settled, and why."""

    instrument: Instrument
    found: str


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did.

    waiting   intents whose owner may still be at work
    resumed   what became of each intent that was left behind
    strays    orders open in the ledger that no lock is about: a person must look
    adopted   positions that got a new worker; `freed` workers that hold nothing and scan again
    silent    the streamer gave no sign, or lost what is held; `exits` what the sweep sold in its place
    differs   symbols that the venue's books tell otherwise; `uncounted` why it did not say what it holds
    untold    why people could not be told: everything else is done all the same, and the next run tells what is left
    """

    market: Market
    at: Millis
    waiting: int
    resumed: tuple[Verdict, ...]
    strays: tuple[str, ...]
    adopted: tuple[Adoption, ...]
    freed: tuple[str, ...]
    silent: bool
    exits: tuple[Verdict, ...]
    faults: tuple[Fault, ...]
    differs: tuple[Difference, ...] = ()
    uncounted: str = ""
    untold: str = ""


def run(desk: Desk, quotes: Quotes) -> Swept:
    """One run for one market. Raises Transient only where the tables do not answer at all."""
    at = desk.clock()
    enlist(desk, at)
    orders = desk.ledger.open_orders(desk.market)
    found = _locks(desk)
    left = [lock for lock in found if lock.intent]
    lapsed = [lock for lock in left if not ownership.running(lock, at)]
    resumed, faults = _resume(lapsed, desk)
    strays = _strays(orders, desk)
    before = _locks(desk) if lapsed else found
    workers = desk.ledger.workers(desk.market)
    after = _locks(desk)
    adopted = ownership.adopt(before, workers, after, desk)
    freed = ownership.release(workers, after, desk)
    watched = vigil.keep(after, desk, quotes)
    counted = tally.compare(after, desk, at)
    swept = Swept(
        market=desk.market,
        at=at,
        waiting=len(left) - len(lapsed),
        resumed=tuple(resumed),
        strays=tuple(order.id for order in strays),
        adopted=tuple(adopted),
        freed=tuple(freed),
        silent=watched.silent,
        exits=watched.sold,
        faults=(*faults, *(Fault(instrument, why) for instrument, why in watched.faults)),
        differs=counted.differences,
        uncounted=counted.failure,
    )
    untold = deliver(desk.alerts, [*watched.news, *_news(swept, strays, desk)])
    return msgspec.structs.replace(swept, untold=untold)


def _locks(desk: Desk) -> list[Lock]:
    return [lock for lock in desk.leases.locks() if lock.instrument.market is desk.market]


def _resume(lapsed: Sequence[Lock], desk: Desk) -> tuple[list[Verdict], list[Fault]]:
    """Finish each; one that fails does not keep the others waiting."""
    verdicts, faults = [], []
    for lock in lapsed:
        try:
            verdicts.append(resume(lock, desk))
        except CoreError as trouble:
            faults.append(Fault(lock.instrument, str(trouble)))
    return verdicts, faults


def _strays(orders: Sequence[Order], desk: Desk) -> list[Order]:
    """Orders not finished that no intent is about, asked for again: the index that listed them may be behind."""
    strays = []
    for order in orders:
        lock = desk.leases.lock(order.instrument)
        if lock is not None and lock.intent is not None and lock.intent.order == order.id:
            continue
        now = desk.ledger.order(order.id)
        if now is not None and now.state not in DONE:
            strays.append(now)
    return strays


def _news(swept: Swept, strays: Sequence[Order], desk: Desk) -> list[Alert]:
    """F5: what is still open after this run."""
    at = swept.at
    open_ended = [verdict for verdict in swept.resumed if verdict.outcome in OPEN_ENDED | {Ending.UNCLEAR}]
    alerts = [
        tidings.unresolved(
            verdict.instrument, verdict.order.id if verdict.order else verdict.signal, verdict.detail, desk, at
        )
        for verdict in open_ended
    ]
    alerts += [tidings.unresolved(order.instrument, order.id, "no lock is about it", desk, at) for order in strays]
    alerts += [
        tidings.unresolved(adoption.instrument, adoption.was, "no worker is free to own it", desk, at)
        for adoption in swept.adopted
        if not adoption.worker
    ]
    alerts += [tidings.unresolved(fault.instrument, "", fault.found, desk, at) for fault in swept.faults]
    alerts += [tidings.unresolved(each.instrument, "", _told(each), desk, at) for each in swept.differs]
    return alerts


def _told(difference: Difference) -> str:
    booked, found = tidings.plain(difference.booked), tidings.plain(difference.found)
    return f"our books hold {booked}, the venue holds {found}: nothing is done about it"
