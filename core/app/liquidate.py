"""Before the market's day ends, everything is sold whatever its profit (E6); what trades thinly, earlier.

Each run is one of many: it cancels open buys, sells every position that is due, looks again, and repeats while its own
time lasts. What is left when it ends is told, ever more urgently, and the next run goes on. Nothing is bought
meanwhile: `core/app/checks.py` refuses every buy from the moment the thin symbols are due.

Where the market has a close, sales of its last auction rest until then. The runs just after it ask what became of
them, and tell what was not sold and is held on.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.app.desk import Desk, Ending, Verdict
from core.app.remainder import due_now, left_over, resting, tell
from core.app.trade import GUARD_S, handle, resume
from core.domain.errors import CoreError, OrderExecutionError, Transient, UnknownOutcome
from core.domain.orders import State
from core.domain.positions import Position
from core.domain.sessions import liquidating, settling, thin_liquidating
from core.domain.signals import Exit, Signal, Urgency, signal_id
from core.domain.values import MINUTE, Instrument, Millis, Side

SPARE_S = 4.0
"""A round is not begun with less time than this: a sale takes three writes and a call."""

PAUSE_S, LONGEST_PAUSE_S = 1.0, 8.0
"""Between two rounds: the book needs time to fill again, and more of it each time that nothing could be sold."""

ROUNDS = 30


class Liquidating(StrEnum):
    NOT_DUE = "not due"
    FLAT = "flat"
    LEFT = "left"


class Liquidated(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `left` is units by symbol that are due and not sold; `verdicts` one for each attempt."""

    outcome: Liquidating
    cancelled: int = 0
    sold: int = 0
    left: dict[str, Decimal] = {}
    verdicts: tuple[Verdict, ...] = ()


def run(desk: Desk) -> Liquidated:
    """Sell what is due, for as long as this run lasts; outside the window nothing is done or read."""
    at, days = desk.clock(), desk.days
    if settling(at, days):
        return _settled(desk, days.closed(at))
    if not days.is_open(at) or not thin_liquidating(at, desk.policy.day, days):
        return Liquidated(outcome=Liquidating.NOT_DUE)
    closes = days.closes(at)
    stop = desk.monotonic_s() + desk.deadline_ms / 1000 - GUARD_S - SPARE_S
    cancelled = _cancel_buys(desk)
    verdicts = _sell(desk, stop, closes)
    left = left_over(desk, full=liquidating(at, desk.policy.day, days), closes=closes)
    tell(desk, left, closes, verdicts)
    sold = sum(1 for verdict in verdicts if verdict.outcome is Ending.SOLD)
    outcome = Liquidating.LEFT if left else Liquidating.FLAT
    return Liquidated(outcome=outcome, cancelled=cancelled, sold=sold, left=left, verdicts=tuple(verdicts))


def _settled(desk: Desk, closed: Millis) -> Liquidated:
    """After a close nothing can be sold: what rested is finished, and what is left is told."""
    verdicts = [ended for lock in desk.leases.locks() if (ended := _settle(lock.instrument, desk)) is not None]
    left = left_over(desk, full=True, closes=closed)
    tell(desk, left, closed, verdicts)
    sold = sum(1 for verdict in verdicts if verdict.outcome is Ending.SOLD)
    outcome = Liquidating.LEFT if left else Liquidating.FLAT
    return Liquidated(outcome=outcome, sold=sold, left=left, verdicts=tuple(verdicts))


def _cancel_buys(desk: Desk) -> int:
    """Take open buys back at the venue and settle what they left on their locks; returns how many there were."""
    orders = [order for order in desk.ledger.open_orders(desk.market) if order.side is Side.BUY]
    for order in orders:
        try:
            desk.broker.cancel(order, desk.clock())
        except (OrderExecutionError, Transient, UnknownOutcome):
            continue  # never sent, or finished: settling it below asks the venue either way
    for order in orders:
        _settle(order.instrument, desk)
    return len(orders)


def _settle(instrument: Instrument, desk: Desk) -> Verdict | None:
    """Finish what is open on the symbol's lock. What does not answer now is the sweep's, or the next run's."""
    if instrument.market is not desk.market:
        return None
    try:
        lock = desk.leases.lock(instrument)
        return resume(lock, desk) if lock is not None and lock.intent is not None else None
    except CoreError:
        return None


def _sell(desk: Desk, stop: float, closes: Millis) -> list[Verdict]:
    """Rounds over everything that is due, until nothing is, or the run's time or the day is over.

    What the venue rejects (dust under its minimum, a halted share) would be rejected again: it waits for the next
    run. In an auction one sale of each rests until its end, and a run has nothing more to do once all of them do.
    """
    verdicts: list[Verdict] = []
    pause_s = PAUSE_S
    for attempt in range(ROUNDS):
        hopeless = {v.instrument for v in verdicts if v.order is not None and v.order.state is State.REJECTED}
        done_with = hopeless | resting(desk)
        positions = [position for position in due_now(desk) if position.instrument not in done_with]
        before = len(verdicts)
        for position in positions:
            if desk.monotonic_s() >= stop or desk.clock() >= closes:
                return verdicts
            verdicts.append(_attempt(position, attempt, desk, stop))
        if not positions:
            break
        moving = any(verdict.outcome is Ending.SOLD for verdict in verdicts[before:])
        pause_s = PAUSE_S if moving else min(2 * pause_s, LONGEST_PAUSE_S)
        desk.pause(min(pause_s, max(0.0, stop - desk.monotonic_s())))
    return verdicts


def _attempt(position: Position, attempt: int, desk: Desk, stop: float) -> Verdict:
    """One sale of one position, under a lease that ends with this run. One that fails leaves the others their turn."""
    signal = _signal(position, attempt, desk)
    lease_s = stop + SPARE_S + GUARD_S - desk.monotonic_s()
    try:
        return handle(signal, msgspec.structs.replace(desk, deadline_ms=Millis(round(lease_s * 1000))))
    except CoreError as trouble:
        return Verdict(outcome=Ending.UNCLEAR, instrument=position.instrument, signal=signal.id, detail=str(trouble))


def _signal(position: Position, attempt: int, desk: Desk) -> Signal:
    """A decision of its own for each attempt: an earlier one is settled, with whatever it could sell."""
    at, symbol = desk.clock(), position.instrument.symbol
    price = _price(position, desk)
    return Signal(
        id=f"{signal_id(position.instrument, Side.SELL, Exit.LIQUIDATION.value, at)}:{attempt}",
        instrument=position.instrument,
        side=Side.SELL,
        rule=Exit.LIQUIDATION.value,
        price=price,
        value=price,
        threshold=float(position.price),
        at=at,
        seen=at,
        expires=Millis(at + MINUTE),
        urgency=Urgency.HIGH,
        name=desk.name(symbol),
    )


def _price(position: Position, desk: Desk) -> float:
    """The newest price; the entry's where nobody knows one, for a sale does not wait for that."""
    try:
        return desk.last_price(position.instrument.symbol) or float(position.price)
    except CoreError:
        return float(position.price)
