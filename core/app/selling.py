"""Rounds of sales until nothing is due, or time is over: what the day's end and the kill switch have in common.

It needs neither the streamer nor the queue: each sale is carried out here, under the symbol's lock as any other.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from core.app import ladder
from core.app.desk import LATER, OPEN_ENDED, Desk, Ending, Verdict
from core.app.placing import WAITING
from core.app.trade import GUARD_S, handle, resume
from core.domain.errors import CoreError
from core.domain.orders import State
from core.domain.phases import AUCTIONS
from core.domain.positions import Position
from core.domain.signals import Exit, Signal, Urgency, signal_id
from core.domain.values import MINUTE, Instrument, Millis, Side

SPARE_S = 4.0
"""A round is not begun with less time than this: a sale takes three writes and a call."""

PAUSE_S, LONGEST_PAUSE_S = 1.0, 8.0
"""Between two rounds: the book needs time to fill again, and more of it each time that nothing could be sold."""

ROUNDS = 30


class Due(msgspec.Struct, frozen=True):
    """What must be sold now, and for how long that has been so."""

    position: Position
    waited: Millis = Millis(0)


class Turn(msgspec.Struct, frozen=True):
    """Seconds of our own clock: when no round is begun any more, and when the call is over and its leases with it."""

    stop: float
    over: float


def turn(desk: Desk, others: int) -> Turn:
    """This market's part of the call, as long as that of each of the `others` that come after it."""
    at, left_s = desk.monotonic_s(), desk.deadline_ms / 1000
    return Turn(at + left_s / (1 + others) - GUARD_S - SPARE_S, at + left_s)


def cancel_buys(desk: Desk, within: Callable[[Instrument], bool] = lambda instrument: True) -> int:
    """Take open buys back at the venue and settle what they left on their locks; returns how many there were."""
    orders = [order for order in desk.ledger.open_orders(desk.market) if order.side is Side.BUY]
    orders = [order for order in orders if within(order.instrument)]
    for order in orders:
        try:
            desk.broker.cancel(order, desk.clock())
        except CoreError:
            continue  # never sent, or finished: settling it below asks the venue either way
    for order in orders:
        finish(order.instrument, desk)
    return len(orders)


def finish(instrument: Instrument, desk: Desk) -> Verdict | None:
    """Finish what is open on the symbol's lock. What does not answer now is the next round's, or the sweep's."""
    if instrument.market is not desk.market:
        return None
    try:
        lock = desk.leases.lock(instrument)
        if lock is None or lock.intent is None:
            return None
        verdict = resume(lock, desk)
    except CoreError:
        return None
    _let_go(verdict, desk)
    return verdict


def resting(desk: Desk) -> set[Instrument]:
    """Symbols whose sale waits in an auction (of all, or of this symbol alone: a VI), or for word of how it ended: a
    second one would be one too many."""
    at, shut = desk.clock(), not desk.days.is_open(desk.clock())
    orders = desk.ledger.open_orders(desk.market)
    waiting = {order.instrument for order in orders if order.side is Side.SELL and order.state in WAITING}
    return {instrument for instrument in waiting if shut or desk.phase(instrument, at) in AUCTIONS}


def sell_out(desk: Desk, due: Callable[[], list[Due]], reason: Exit, turn: Turn, closes: Millis) -> list[Verdict]:
    """Rounds over everything that is due, until nothing is, or the run's time or the day is over.

    What the venue rejects (dust under its minimum, a halted share) would be rejected again: it waits for the next
    run. Only a market order is followed by one at the day's lowest price, for not every share takes one always (KIS:
    APBK1943). In an auction one sale of each rests until its end, and a run has nothing more to do once all of them do.
    """
    verdicts, stop = _looked_after(desk, turn.stop), turn.stop
    pause_s = PAUSE_S
    for attempt in range(ROUNDS):
        refused = {v.instrument: v.order for v in verdicts if v.order is not None and v.order.state is State.REJECTED}
        lowest = {on: None if order.limit else ladder.lowest(on, desk) for on, order in refused.items()}
        done_with = {on for on, price in lowest.items() if price is None} | resting(desk)
        wanted = [each for each in due() if each.position.instrument not in done_with]
        before = len(verdicts)
        for each in wanted:
            if desk.monotonic_s() >= stop or desk.clock() >= closes:
                return verdicts
            verdicts.append(_attempt(each, attempt, reason, desk, turn, lowest.get(each.position.instrument)))
        if not wanted:
            break
        moving = any(verdict.outcome is Ending.SOLD for verdict in verdicts[before:])
        pause_s = PAUSE_S if moving else min(2 * pause_s, LONGEST_PAUSE_S)
        desk.pause(min(pause_s, max(0.0, stop - desk.monotonic_s())))
    return verdicts


def _looked_after(desk: Desk, stop: float) -> list[Verdict]:
    """Ask what became of sales that rest; those that do no more. One that is gone (taken back at the venue by whoever,
    or by us, with the answer late) sells nothing at the auction's end, so another is due."""
    ended = [finish(instrument, desk) for instrument in sorted(resting(desk), key=str) if desk.monotonic_s() < stop]
    return [verdict for verdict in ended if verdict is not None and verdict.outcome is not Ending.RESTING]


def _attempt(due: Due, attempt: int, reason: Exit, desk: Desk, turn: Turn, lowest: float | None) -> Verdict:
    """One sale of one position, under a lease that ends with this call. One that fails leaves the others their turn."""
    signal = _signal(due, attempt, reason, desk, lowest)
    lease_s = turn.over - desk.monotonic_s()
    try:
        verdict = handle(signal, msgspec.structs.replace(desk, deadline_ms=Millis(round(lease_s * 1000))))
    except CoreError as trouble:
        on = due.position.instrument
        verdict = Verdict(outcome=Ending.UNCLEAR, instrument=on, signal=signal.id, detail=str(trouble))
    _let_go(verdict, desk)
    return verdict


def _let_go(verdict: Verdict, desk: Desk) -> None:
    """End our own lease of what stayed open, now that nobody acts under it: the next round asks the venue and goes on.

    Else the symbol would wait for the end of this run, in the last minutes that there are to sell it. The fence grows,
    so nothing is written under the old lease any more.
    """
    if verdict.outcome not in OPEN_ENDED | LATER:
        return
    try:
        lock = desk.leases.lock(verdict.instrument)
        if lock is not None and lock.owner == desk.owner:
            desk.leases.evict(lock)
    except CoreError:
        return  # then the lease ends by itself


def _signal(due: Due, attempt: int, reason: Exit, desk: Desk, lowest: float | None) -> Signal:
    """A decision of its own for each attempt: an earlier one is settled, with whatever it could sell."""
    at, position = desk.clock(), due.position
    symbol, entry = position.instrument.symbol, float(position.price)
    newest = _newest(symbol, desk)
    price = newest or entry  # a sale does not wait for a price
    return Signal(
        id=f"{signal_id(position.instrument, Side.SELL, reason.value, at)}:{attempt}",
        instrument=position.instrument,
        side=Side.SELL,
        rule=reason.value,
        price=price,
        value=price,
        threshold=entry,
        at=at,
        seen=at,
        expires=Millis(at + MINUTE),
        urgency=Urgency.HIGH,
        name=desk.name(symbol),
        worst=lowest or ladder.worst(position.instrument, newest, due.waited, attempt, desk),
    )


def _newest(symbol: str, desk: Desk) -> float:
    try:
        return desk.last_price(symbol) or 0.0
    except CoreError:
        return 0.0
