"""Before the market's day ends, everything is sold whatever its profit (E6); what trades thinly, earlier.

Each run is one of many: it cancels open buys, sells every position that is due, looks again, and repeats while its own
time lasts. What is left when it ends is told, ever more urgently, and the next run goes on. Nothing is bought
meanwhile: `core/app/checks.py` refuses every buy from the moment the thin symbols are due.

Where the market has a close, sales of its last auction rest until then. The runs just after it ask what became of
them, and tell what was not sold and is held on.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from core.app import tidings
from core.app.desk import Desk, Ending, Verdict
from core.app.leave import held
from core.app.placing import WAITING
from core.app.trade import GUARD_S, handle, resume
from core.domain.errors import CoreError, OrderExecutionError, Transient, UnknownOutcome
from core.domain.levels import Scan
from core.domain.messages import Alert, Kind
from core.domain.orders import State
from core.domain.phases import AUCTIONS
from core.domain.positions import Position
from core.domain.sessions import liquidating, settling, thin_liquidating
from core.domain.signals import Exit, Signal, Urgency, signal_id
from core.domain.values import MINUTE, ZERO, Instrument, Market, Millis, Side

SPARE_S = 4.0
"""A round is not begun with less time than this: a sale takes three writes and a call."""

PAUSE_S, LONGEST_PAUSE_S = 1.0, 8.0
"""Between two rounds: the book needs time to fill again, and more of it each time that nothing could be sold."""

ROUNDS = 30

CLOSED = "closed"
STAGES = (1, 2, 5, 10)
"""Minutes before the day's end at which an incomplete liquidation is told again, cooldown or not."""


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


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """Level, by day: the market was found flat before this day's end, and people were told."""

    market: Market
    day: str
    at: Millis


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
    left = _left(desk, full=liquidating(at, desk.policy.day, days), closes=closes)
    _tell(desk, left, closes, verdicts)
    sold = sum(1 for verdict in verdicts if verdict.outcome is Ending.SOLD)
    outcome = Liquidating.LEFT if left else Liquidating.FLAT
    return Liquidated(outcome=outcome, cancelled=cancelled, sold=sold, left=left, verdicts=tuple(verdicts))


def _settled(desk: Desk, closed: Millis) -> Liquidated:
    """After a close nothing can be sold: what rested is finished, and what is left is told."""
    verdicts = [ended for lock in desk.leases.locks() if (ended := _settle(lock.instrument, desk)) is not None]
    left = _left(desk, full=True, closes=closed)
    _tell(desk, left, closed, verdicts)
    sold = sum(1 for verdict in verdicts if verdict.outcome is Ending.SOLD)
    outcome = Liquidating.LEFT if left else Liquidating.FLAT
    return Liquidated(outcome=outcome, sold=sold, left=left, verdicts=tuple(verdicts))


def due(positions: Sequence[Position], scan: Scan | None, desk: Desk, at: Millis) -> list[Position]:
    """Positions to sell now, the thinnest first; before the full window only the thin ones.

    A symbol that the last scan does not know counts as thin: nobody says that it trades.
    """
    values = {snapshot.symbol: snapshot.value_24h for snapshot in scan.snapshots} if scan else {}
    thinnest_first = sorted(positions, key=lambda position: values.get(position.instrument.symbol, 0.0))
    if liquidating(at, desk.policy.day, desk.days):
        return thinnest_first
    thin = desk.policy.day.thin_value
    return [each for each in thinnest_first if values.get(each.instrument.symbol, 0.0) < thin]


def _due_now(desk: Desk) -> list[Position]:
    return due(held(desk.leases, desk.market), desk.shelf.read(Scan, desk.market), desk, desk.clock())


def _resting(desk: Desk) -> set[Instrument]:
    """Symbols whose sale waits in an auction: a second one would be refused, and asking sooner changes nothing."""
    if desk.days.phase(desk.clock()) not in AUCTIONS:
        return set()
    sales = (order for order in desk.ledger.open_orders(desk.market) if order.side is Side.SELL)
    return {order.instrument for order in sales if order.state in WAITING}


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
        done_with = hopeless | _resting(desk)
        positions = [position for position in _due_now(desk) if position.instrument not in done_with]
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


def _left(desk: Desk, *, full: bool, closes: Millis) -> dict[str, Decimal]:
    """Units that are still due by our books, and, in the full window, what the venue holds of anything traded today.

    Coins and shares that this system never traded are their owner's own and nobody's business here.
    """
    positions = held(desk.leases, desk.market) if full else _due_now(desk)
    left = {position.instrument.symbol: position.quantity for position in positions}
    if not full:
        return left
    today = desk.ledger.orders(desk.market, _day(desk, closes))
    ours = {order.instrument.symbol for order in today} | left.keys()
    try:
        holdings = desk.broker.holdings(desk.market)
    except (Transient, UnknownOutcome):
        return left
    return left | {symbol: units for symbol, units in holdings.items() if symbol in ours and units}


def _day(desk: Desk, closes: Millis) -> str:
    """The day that ends with this close."""
    return desk.days.day_of(Millis(closes - 1))


def _tell(desk: Desk, left: dict[str, Decimal], closes: Millis, verdicts: Sequence[Verdict]) -> None:
    at = desk.clock()
    resting = {instrument.symbol for instrument in _resting(desk)}
    failed = {symbol: units for symbol, units in left.items() if symbol not in resting}
    if failed:
        desk.alerts.send([_unsold(desk, failed, closes, at, verdicts)])
    elif left:
        return  # all of it waits in the closing auction, whose end will tell
    elif at >= closes or liquidating(at, desk.policy.day, desk.days):
        _tell_flat(desk, at, _day(desk, closes))


def _unsold(desk: Desk, left: dict[str, Decimal], closes: Millis, at: Millis, verdicts: Sequence[Verdict]) -> Alert:
    """The stage is part of the topic, so that each new one is told even while the one before is cooling down."""
    minutes = max(0.0, (closes - at) / MINUTE)
    stage = CLOSED if at >= closes else next((f"{stage}m" for stage in STAGES if minutes <= stage), "")
    why = {verdict.instrument.symbol: _why(verdict) for verdict in verdicts}
    shown = [
        f"{desk.name(symbol)} {symbol} {tidings.plain(units)}{why.get(symbol, '')}".strip()
        for symbol, units in sorted(left.items())
    ]
    when = "after the close" if at >= closes else f"{minutes:.0f} min to the end of the day"
    return Alert(
        id=f"{desk.market.value}:{Kind.UNSOLD.value}:{closes}:{at // MINUTE}",
        kind=Kind.UNSOLD,
        at=at,
        market=desk.market,
        rule=f"{Exit.LIQUIDATION.value} {stage}".strip(),
        condition="positions > 0",
        value=float(len(left)),
        threshold=0.0,
        memo=f"{when} · {', '.join(shown)}",
    )


def _why(verdict: Verdict) -> str:
    """What the venue said of the last attempt: a halt is told as one."""
    note = verdict.order.note if verdict.order else ""
    return f" ({note})" if note else ""


def _tell_flat(desk: Desk, at: Millis, day: str) -> None:
    """Once a day. Told first and noted after: a crash between tells again, and the cooldown stops that."""
    if desk.shelf.read_tagged(Flattened, desk.market, day) is not None:
        return
    trips = [trip for trip in desk.ledger.trips(desk.market, day) if trip.exit == Exit.LIQUIDATION]
    pnl = sum((trip.pnl for trip in trips), ZERO)
    symbols = sorted({trip.instrument.symbol for trip in trips})
    memo = f"PnL {tidings.shown(pnl, sign='+')} · {', '.join(symbols)}" if trips else "nothing was held"
    alert = Alert(
        id=f"{desk.market.value}:{Kind.LIQUIDATION.value}:{day}",
        kind=Kind.LIQUIDATION,
        at=at,
        market=desk.market,
        rule=Exit.LIQUIDATION.value,
        memo=memo,
        lasting=False,
    )
    desk.alerts.send([alert])
    desk.shelf.write_once(Flattened(market=desk.market, day=day, at=at), day)
