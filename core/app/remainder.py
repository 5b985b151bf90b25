"""What is due for a forced liquidation, what is left of it, and how people are told (E6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from core.app import tidings
from core.app.desk import Desk, Verdict
from core.app.leave import held
from core.app.ports import Leases
from core.app.selling import Due, resting
from core.app.tally import aside
from core.domain.errors import CoreError
from core.domain.levels import Scan
from core.domain.messages import Alert, Kind
from core.domain.positions import Position
from core.domain.sessions import liquidating
from core.domain.signals import Exit
from core.domain.values import MINUTE, ZERO, Instrument, Market, Millis

CLOSED = "closed"
STAGES = (1, 2, 5, 10)
"""Minutes before the day's end at which an incomplete liquidation is told again, cooldown or not."""


class Remainder(msgspec.Struct, frozen=True):
    """Units by symbol still to be sold; `unproven`: why the venue did not say what it holds, "" where it did."""

    units: dict[str, Decimal]
    unproven: str = ""


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """Level, by day: the market was found flat before this day's end, and people were told."""

    market: Market
    day: str
    at: Millis


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


def due_now(desk: Desk) -> list[Due]:
    """What is due at this moment, each with how long it has been so."""
    at, day = desk.clock(), desk.policy.day
    before_s = day.liquidate_before_s if liquidating(at, day, desk.days) else day.thin_before_s
    waited = Millis(max(0, at - (desk.days.closes(at) - round(before_s * 1000))))
    positions = due(held(desk.leases, desk.market), desk.shelf.read(Scan, desk.market), desk, at)
    return [Due(position, waited) for position in positions]


def left_over(desk: Desk, *, full: bool, closes: Millis) -> Remainder:
    """What is still due by our books, and, in the full window, what the venue holds of anything traded today."""
    if full:
        return proven(desk, lambda instrument: True, _day(desk, closes))
    left = {each.position.instrument.symbol: each.position.quantity for each in due_now(desk)}
    return Remainder(left)


def proven(desk: Desk, within: Callable[[Instrument], bool], day: str) -> Remainder:
    """Our books' zero and the venue's own, for these symbols.

    Coins and shares that this system never traded are their owner's own and nobody's business here, and what it wrote
    off cannot be sold.
    """
    locks = [lock for lock in desk.leases.locks() if lock.instrument.market is desk.market and within(lock.instrument)]
    left = {lock.instrument.symbol: lock.position.quantity for lock in locks if lock.position}
    try:
        traded = {order.instrument for order in desk.ledger.orders(desk.market, day)}
        ours = {instrument.symbol for instrument in traded if within(instrument)} | left.keys()
        holdings, gone = desk.broker.holdings(desk.market), aside(locks, desk)
    except CoreError as silence:
        return Remainder(left, f"the venue did not say what it holds: {silence.found}")
    found = {symbol: units - gone.get(symbol, ZERO) for symbol, units in holdings.items() if symbol in ours}
    return Remainder(left | {symbol: units for symbol, units in found.items() if units > 0})


def booked(leases: Leases) -> list[tuple[Instrument, Decimal]]:
    """Every open position of every market, by our books alone."""
    return [(lock.instrument, lock.position.quantity) for lock in leases.locks() if lock.position]


def _day(desk: Desk, closes: Millis) -> str:
    """The day that ends with this close."""
    return desk.days.day_of(Millis(closes - 1))


def tell(desk: Desk, left: Remainder, closes: Millis, verdicts: Sequence[Verdict]) -> None:
    """What could not be sold, or that all of it was. What still waits in an auction is told by a run after its end.

    That all is sold is told only once the venue itself says so.
    """
    at, waiting = desk.clock(), {instrument.symbol for instrument in resting(desk)}
    failed = {symbol: units for symbol, units in left.units.items() if symbol not in waiting}
    if waiting and at >= closes:
        return
    if failed or (left.unproven and not waiting):
        desk.alerts.send([_unsold(desk, failed, closes, at, verdicts, left.unproven)])
    elif not left.units and (at >= closes or liquidating(at, desk.policy.day, desk.days)):
        _tell_flat(desk, at, _day(desk, closes))


def _unsold(
    desk: Desk, left: dict[str, Decimal], closes: Millis, at: Millis, verdicts: Sequence[Verdict], unproven: str
) -> Alert:
    """The stage is part of the topic, so that each new one is told even while the one before is cooling down."""
    minutes = max(0.0, (closes - at) / MINUTE)
    stage = CLOSED if at >= closes else next((f"{stage}m" for stage in STAGES if minutes <= stage), "")
    why = {verdict.instrument.symbol: _why(verdict) for verdict in verdicts}
    shown = [
        f"{desk.name(symbol)} {symbol} {tidings.plain(units)}{why.get(symbol, '')}".strip()
        for symbol, units in sorted(left.items())
    ]
    shown += [unproven] if unproven else []
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
