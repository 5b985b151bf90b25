"""Every minute: settle every open question (E1, E2, E8). Whatever died, two runs later nothing is open.

It reads levels only, so it needs no message to have arrived: locks with an intent whose lease ended, orders that the
ledger holds open, positions and workers that have lost each other, exits that nobody watches,
and the venue's own books.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.app import by_hand, crew, marks, ownership, recount, strays, tally, tidings, vigil
from core.app.by_hand import Act
from core.app.desk import OPEN_ENDED, Desk, Ending, Verdict
from core.app.owed import deliver, retell
from core.app.ownership import Adoption
from core.app.ports import Quotes
from core.app.recount import Recount
from core.app.tally import Difference
from core.app.trade import resume
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.messages import Alert
from core.domain.values import Instrument, Market, Millis


class Fault(msgspec.Struct, frozen=True):
    """What could not be settled, and why."""

    instrument: Instrument
    found: str


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did.

    waiting   intents whose owner may still be at work
    resumed   what became of each intent that was left behind
    strays    orders open in the ledger that no lock is about and that are still open: a person must look
    ended     such orders that were settled with the venue
    adopted   positions that got a new worker; `freed` workers that hold nothing and scan again
    retired   workers that the settings do not have any more; `tidied` leases that had ended and left nothing
    silent    the streamer gave no sign, or lost what is held; `exits` what the sweep sold in its place
    acts      what was put right after people's own trades, and what was too little to sell
    differs   symbols that the venue's books tell otherwise; `uncounted` why it did not say what it holds
    unmarked  why nobody knows what open positions stand to lose
    recounted totals that the limits are held against and that were not what the locks add up to
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
    ended: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    differs: tuple[Difference, ...] = ()
    uncounted: str = ""
    unmarked: str = ""
    untold: str = ""
    recounted: tuple[Recount, ...] = ()


def run(desk: Desk, quotes: Quotes) -> Swept:
    """One run for one market. Raises Transient only where the tables do not answer at all."""
    at = desk.clock()
    crew.enlist(desk, at)
    counted, locks = recount.totals(desk), desk.leases.locks()
    recounted = recount.put_right(counted, locks, desk)
    swept, settled = _settled([lock for lock in locks if lock.instrument.market is desk.market], desk, at)
    swept, news = _compared(swept, desk, quotes)
    untold = deliver(desk.alerts, [*news, *_news(swept, settled, desk)]) or retell(desk)
    return msgspec.structs.replace(swept, untold=untold, recounted=recounted)


def _settled(found: Sequence[Lock], desk: Desk, at: Millis) -> tuple[Swept, strays.Settled]:
    """What dead owners left: intents, orders, positions, workers, names on locks."""
    orders = desk.ledger.open_orders(desk.market)
    left = [lock for lock in found if lock.intent]
    lapsed = [lock for lock in left if not ownership.running(lock, at)]
    resumed, faults = _resume(lapsed, desk)
    settled = strays.settle(orders, desk)
    adopted, freed, retired = _owners(_locks(desk) if lapsed else found, desk)
    tidied = [str(lock.instrument) for lock in found if _abandoned(lock, at) and desk.leases.tidy(lock, at)]
    swept = Swept(
        market=desk.market,
        at=at,
        waiting=len(left) - len(lapsed),
        resumed=tuple(resumed),
        strays=tuple(order.id for order, _ in settled.open),
        ended=tuple(order.id for order in settled.ended),
        adopted=tuple(adopted),
        freed=tuple(freed),
        retired=tuple(retired),
        tidied=tuple(tidied),
        silent=False,
        exits=(),
        faults=tuple(faults),
    )
    return swept, settled


def _compared(swept: Swept, desk: Desk, quotes: Quotes) -> tuple[Swept, tuple[Alert, ...]]:
    """What is held now: its exits where nobody watches them, the venue's own books, and what it is worth.

    The locks are read anew after whatever sold or changed something, for all of it is compared under their fences.
    """
    locks = _locks(desk)
    watched = vigil.keep(locks, desk, quotes)
    locks = _locks(desk) if watched.sold else locks
    acts = by_hand.remainders(locks, desk)
    locks = _locks(desk) if acts else locks
    counted = tally.compare(locks, desk, swept.at)
    settled = by_hand.settle(counted, desk)
    locks = _locks(desk) if settled else locks
    ownership.beat(desk.ledger.workers(desk.market), locks, {on for on, _ in watched.faults}, desk)
    swept = msgspec.structs.replace(
        swept,
        silent=watched.silent,
        exits=watched.sold,
        faults=(*swept.faults, *(Fault(instrument, why) for instrument, why in watched.faults)),
        acts=(*acts, *settled),
        differs=_left(counted.differences, settled),
        uncounted=counted.failure,
        unmarked=marks.mark(locks, desk, quotes),
    )
    return swept, watched.news


def _locks(desk: Desk) -> list[Lock]:
    return [lock for lock in desk.leases.locks() if lock.instrument.market is desk.market]


def _abandoned(lock: Lock, at: Millis) -> bool:
    """Someone's name is on it, its lease has ended, and nothing was left to finish."""
    return bool(lock.owner) and lock.intent is None and not ownership.running(lock, at)


def _owners(before: Sequence[Lock], desk: Desk) -> tuple[list[Adoption], list[str], list[str]]:
    """Adopted positions, workers that scan again, workers that retired. The order of the readings matters."""
    workers = desk.ledger.workers(desk.market)
    after = _locks(desk)
    adopted = ownership.adopt(before, workers, after, desk)
    freed = ownership.release(workers, _locks(desk) if adopted else after, desk)
    retired = crew.retire(desk) if crew.surplus(workers, desk) else []
    return adopted, freed, retired


def _left(differences: Sequence[Difference], acts: Sequence[Act]) -> tuple[Difference, ...]:
    settled = {act.instrument for act in acts}
    return tuple(each for each in differences if each.instrument not in settled)


def _resume(lapsed: Sequence[Lock], desk: Desk) -> tuple[list[Verdict], list[Fault]]:
    """Finish each; one that fails does not keep the others waiting."""
    verdicts, faults = [], []
    for lock in lapsed:
        try:
            verdicts.append(resume(lock, desk))
        except CoreError as trouble:
            faults.append(Fault(lock.instrument, str(trouble)))
    return verdicts, faults


def _news(swept: Swept, settled: strays.Settled, desk: Desk) -> list[Alert]:
    """F5: what was put right, and what is still open after this run."""
    at = swept.at
    open_ended = [verdict for verdict in swept.resumed if verdict.outcome in OPEN_ENDED | {Ending.UNCLEAR}]
    alerts = [act.news for act in swept.acts]
    alerts += [
        tidings.unresolved(
            verdict.instrument, verdict.order.id if verdict.order else verdict.signal, verdict.detail, desk, at
        )
        for verdict in open_ended
    ]
    alerts += [tidings.unresolved(order.instrument, order.id, why, desk, at) for order, why in settled.open]
    alerts += [
        tidings.unresolved(adoption.instrument, adoption.was, "no worker is free to own it", desk, at)
        for adoption in swept.adopted
        if not adoption.worker
    ]
    alerts += [tidings.unresolved(fault.instrument, "", fault.found, desk, at) for fault in swept.faults]
    alerts += [tidings.unresolved(each.instrument, "", _told(each, desk), desk, at) for each in swept.differs]
    return alerts


def _told(difference: Difference, desk: Desk) -> str:
    booked, found = tidings.plain(difference.booked), tidings.plain(difference.found)
    aside = f" besides {tidings.plain(difference.aside)} of nobody's position" if difference.aside else ""
    mode = desk.policy.sweep.by_hand.value
    doing = "nothing is done about it" if mode == "tell" else f"sweep.by_hand is {mode}: the next run acts if it lasts"
    return f"our books hold {booked}, the venue holds {found}{aside}: {doing}"
