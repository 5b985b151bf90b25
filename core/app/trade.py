"""Carries one signal out: a buy or a sale, once, whatever dies on the way.

    engage (a buy), or grant -> note (a sale) -> the venue -> commit

Each of them is one write or one call, and whoever dies on one leaves an intent on the lock. The next to be granted the
symbol finds it there and goes on from the same place, with the same order id, before anything else is begun.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.app.checks import STALL_S, Objection, against, stale, unfit
from core.app.closing import settle, verdict
from core.app.desk import Desk, Ending, Verdict, declined
from core.app.engaging import engaged, proposed, reserved
from core.app.owed import deliver
from core.app.placing import denied, find, place
from core.app.ports import Reserved
from core.app.wishes import is_write_off, order_of, wish, written_off
from core.domain.errors import CoreError
from core.domain.leases import Answer, Ask, Barrier, Granted, Intent, Left, Lock, booked
from core.domain.orders import Order, State, moved
from core.domain.signals import Signal
from core.domain.values import ZERO, Instrument, Millis, Side

GUARD_S = 1.0
"""No order is sent in the last second of a lease: a Lambda function has ended by then, and its call with it."""


def handle(signal: Signal, desk: Desk) -> Verdict:
    """Act on one signal, however often it is delivered. Raises CoreError only from what is asked before the lock."""
    return _told(_handled(signal, desk), desk)


def resume(lock: Lock, desk: Desk) -> Verdict:
    """Finish what a dead owner left on the symbol; BUSY where its lease still runs."""
    return _told(_resumed(lock, desk), desk)


def _told(verdict: Verdict, desk: Desk) -> Verdict:
    """Tell people once all is written. That this fails fails nothing: the verdict keeps what nobody was told."""
    return verdict if deliver(desk.alerts, verdict.untold) else replace(verdict, untold=())


def _handled(signal: Signal, desk: Desk) -> Verdict:
    at = desk.clock()
    if at >= signal.expires:
        return _unasked(Ending.EXPIRED, signal, "expired", f"{(at - signal.expires) / 1000:.1f} s too late")
    wanted = wish(signal, desk, at)
    if isinstance(wanted, Objection):
        return _unasked(Ending.REFUSED, signal, wanted.limit, wanted.found)
    return _engaged(signal, wanted, desk) if wanted.side is Side.BUY else _granted(signal, wanted, desk)


def _engaged(signal: Signal, wanted: Intent, desk: Desk) -> Verdict:
    """A buy takes the symbol and all that it needs at once; what refuses it has left nothing behind.

    The venue is looked at before that, or after it where turns for it are to be taken with the symbol.
    """
    on, at = signal.instrument, desk.clock()
    looked = desk.turns.unasked(proposed(on, wanted, desk, at), at)
    if looked and (found := unfit(on.symbol, wanted, desk)):
        return _unasked(Ending.REFUSED, signal, found.limit, found.found)
    ask, until = _asked(on, wanted, desk)
    began = desk.monotonic_s()
    order, answer = engaged(ask, desk, looked=looked)
    match answer:
        case Granted() as held:
            desk.turns.took(held.turns)
            return _sent(held, order, against(held, began, desk, looked=looked), desk, until)
        case Left():
            return _behind(signal, wanted, desk, looked=looked)
        case Reserved(refused=Barrier.REPEATED, detail=detail):
            return _unasked(Ending.REPEATED, signal, Barrier.REPEATED, detail)
        case Reserved(refused=limit, detail=detail):
            return _unasked(Ending.REFUSED, signal, limit, detail)
        case refused:
            return declined(refused, signal.instrument, signal.id)


def _behind(signal: Signal, wanted: Intent, desk: Desk, *, looked: bool) -> Verdict:
    """Something was left on the symbol: that is finished first, unless the venue's own word is against this buy."""
    found = None if looked else unfit(signal.instrument.symbol, wanted, desk)
    return _unasked(Ending.REFUSED, signal, found.limit, found.found) if found else _granted(signal, wanted, desk)


def _granted(signal: Signal, wanted: Intent, desk: Desk) -> Verdict:
    """The symbol first, then what it takes: a sale, or a buy before which something is to be finished."""
    answer, until = _ask(signal.instrument, wanted, desk)
    match answer:
        case Granted(intent=found) as held if found == wanted:
            return begin(held, desk, until)
        case Granted(intent=found) as held:
            left = take_up(held, desk, until)
            return left if found.order == wanted.order else _after(left, signal)
        case refused:
            return declined(refused, signal.instrument, signal.id)


def _resumed(lock: Lock, desk: Desk) -> Verdict:
    if lock.intent is None:
        return Verdict(outcome=Ending.REPEATED, instrument=lock.instrument, signal="", detail="nothing was left")
    answer, until = _ask(lock.instrument, lock.intent, desk)
    match answer:
        case Granted() as held:
            return take_up(held, desk, until)
        case refused:
            return declined(refused, lock.instrument, lock.intent.signal)


def take_up(held: Granted, desk: Desk, until: float) -> Verdict:
    """Go on from where a dead owner stopped: the venue is asked first wherever it may have been asked before."""
    if not held.intent.reserved:
        found = stale(held, desk)
        return begin(held, desk, until) if found is None else _given_back(held, found, desk)
    order = desk.ledger.order(held.intent.order) or order_of(held, desk, desk.clock())
    seen = find(order, desk, until)
    if seen is not None:
        return _close(held, seen, desk, until)
    return _unsent(held, order, desk, until) if order.state is State.NOTED else _denied(held, order, desk, until)


def _unsent(held: Granted, order: Order, desk: Desk, until: float) -> Verdict:
    """The order row is there and the venue has nothing: it is sent, where nothing has come up against it since."""
    return _sent(held, order, stale(held, desk), desk, until)


def _sent(held: Granted, order: Order, why: Objection | None, desk: Desk, until: float) -> Verdict:
    """It goes out; or it never does, and all that it took is given back."""
    if why is None:
        return _carry(held, order, desk, until)
    over = moved(order, State.REJECTED, note=f"never sent: {why.limit}, {why.found}")
    ended = _close(held, over, desk, until)
    return replace(ended, limit=why.limit) if ended.outcome is Ending.REFUSED else ended


def _denied(held: Granted, order: Order, desk: Desk, until: float) -> Verdict:
    """It may have been sent, and the venue is shown never to have had it."""
    at = desk.clock()
    if over := denied(order, at):
        return _close(held, over, desk, until)
    return _carry(held, replace(order, again=(*order.again, at)), desk, until)


def begin(held: Granted, desk: Desk, until: float) -> Verdict:
    """Write the order and what it takes, then send it."""
    if is_write_off(held.intent):
        return _close(held, written_off(held, desk, desk.clock()), desk, until)
    order, taken = order_of(held, desk, desk.clock()), desk.monotonic_s()
    if order.side is Side.BUY:
        order, answer = reserved(held, order, desk)
    elif held.position and held.intent.position not in ("", held.position.signal):
        return _given_back(held, Objection("position", "it is not the position that was to be sold"), desk)
    else:
        answer = desk.leases.note(held, order, desk.clock())
    if answer.lost:
        return verdict(Ending.LOST, held, None, detail="the lock was taken over before the order was written")
    if answer.refused:
        return _given_back(held, Objection(answer.refused, answer.detail), desk)
    cost = held.intent.cost if order.side is Side.BUY else ZERO
    held = replace(held, intent=booked(held.intent, order.worker, order.quantity, cost))
    stalled = order.side is Side.BUY and desk.monotonic_s() - taken > STALL_S
    return _unsent(held, order, desk, until) if stalled else _carry(held, order, desk, until)


def _ask(instrument: Instrument, intent: Intent, desk: Desk) -> tuple[Answer, float]:
    """The answer, and until when we may send."""
    ask, until = _asked(instrument, intent, desk)
    return desk.leases.grant(ask, ask.at), until


def _asked(instrument: Instrument, intent: Intent, desk: Desk) -> tuple[Ask, float]:
    """What is asked, and until when we may send by our own clock, which runs from before the first attempt."""
    until = desk.monotonic_s() + desk.deadline_ms / 1000 - GUARD_S
    at = desk.clock()
    ask = Ask(
        instrument=instrument,
        owner=desk.owner,
        nonce=desk.nonce(),
        intent=intent,
        at=at,
        ends=Millis(at + desk.deadline_ms),
        cooled=_cooled(intent, desk, at),
    )
    return ask, until


def _cooled(intent: Intent, desk: Desk, at: Millis) -> Millis:
    """A buy asks for a symbol that was not lost lately (E7); 0 where the owner does not care."""
    pause_s = desk.policy.risk.symbol_cooldown_s
    return Millis(max(1, at - round(pause_s * 1000))) if pause_s and intent.side is Side.BUY else Millis(0)


def _carry(held: Granted, order: Order, desk: Desk, until: float) -> Verdict:
    if desk.monotonic_s() >= until:
        return verdict(Ending.LOST, held, order, detail="the lease ended before the order was sent; the sweep goes on")
    return _close(held, place(order, desk, until), desk, until)


def _close(held: Granted, order: Order, desk: Desk, until: float) -> Verdict:
    """Write the order's end, and sell the rest of a holding while there is time."""
    ended, rest = settle(held, order, desk)
    if rest is None:
        return ended
    try:
        further = begin(rest, desk, until)
    except CoreError as trouble:  # its intent is on the lock, and what was done before it is still to be told
        further = verdict(Ending.UNCLEAR, rest, None, detail=str(trouble))
    news = (*ended.untold, *further.untold)
    if further.outcome is Ending.SOLD and not is_write_off(rest.intent):
        return replace(further, untold=news)
    detail = f"{ended.detail}; the rest: {further.outcome.value}, {further.detail}"
    return replace(ended, detail=detail, untold=news)


def _given_back(held: Granted, why: Objection, desk: Desk) -> Verdict:
    """End an intent for which nothing was taken: the lock goes back, and the signal counts as settled."""
    endings = {"expired": Ending.EXPIRED, Barrier.REPEATED.value: Ending.REPEATED, "position": Ending.FLAT}
    kept = desk.leases.release(held, desk.clock())
    outcome = endings.get(why.limit, Ending.REFUSED) if kept else Ending.LOST
    return verdict(outcome, held, None, limit=why.limit, detail=why.found)


def _unasked(outcome: Ending, signal: Signal, limit: str, detail: str) -> Verdict:
    return Verdict(outcome=outcome, instrument=signal.instrument, signal=signal.id, limit=limit, detail=detail)


def _after(left: Verdict, signal: Signal) -> Verdict:
    """Ours waits: the time of this call went into what a dead owner had left."""
    detail = f"first finished {left.signal}: {left.outcome.value}"
    return replace(left, outcome=Ending.BUSY, signal=signal.id, detail=detail, limit="", order=None, trip=None)
