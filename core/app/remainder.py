"""What is due for a forced liquidation, what is left of it, and how people are told (E6)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from core.app import tidings
from core.app.desk import Desk, Verdict
from core.app.leave import held
from core.app.placing import WAITING
from core.app.wishes import dust
from core.domain.errors import Transient, UnknownOutcome
from core.domain.levels import Scan
from core.domain.messages import Alert, Kind
from core.domain.phases import AUCTIONS
from core.domain.positions import Position
from core.domain.sessions import liquidating
from core.domain.signals import Exit
from core.domain.values import MINUTE, ZERO, Instrument, Market, Millis, Side

CLOSED = "closed"
STAGES = (1, 2, 5, 10)
"""Minutes before the day's end at which an incomplete liquidation is told again, cooldown or not."""


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


def due_now(desk: Desk) -> list[Position]:
    return due(held(desk.leases, desk.market), desk.shelf.read(Scan, desk.market), desk, desk.clock())


def resting(desk: Desk) -> set[Instrument]:
    """Symbols whose sale waits in an auction, or for word of how it ended: a second one would be one too many."""
    at, days = desk.clock(), desk.days
    if days.is_open(at) and days.phase(at) not in AUCTIONS:
        return set()
    sales = (order for order in desk.ledger.open_orders(desk.market) if order.side is Side.SELL)
    return {order.instrument for order in sales if order.state in WAITING}


def left_over(desk: Desk, *, full: bool, closes: Millis) -> dict[str, Decimal]:
    """Units that are still due by our books, and, in the full window, what the venue holds of anything traded today.

    Coins and shares that this system never traded are their owner's own and nobody's business here, and what it wrote
    off today cannot be sold.
    """
    positions = held(desk.leases, desk.market) if full else due_now(desk)
    left = {position.instrument.symbol: position.quantity for position in positions}
    if not full:
        return left
    today = desk.ledger.orders(desk.market, _day(desk, closes))
    ours = {order.instrument.symbol for order in today} | left.keys()
    try:
        holdings = desk.broker.holdings(desk.market)
    except (Transient, UnknownOutcome):
        return left
    gone = dust(today)
    found = {symbol: units - gone.get(symbol, ZERO) for symbol, units in holdings.items() if symbol in ours}
    return left | {symbol: units for symbol, units in found.items() if units}


def _day(desk: Desk, closes: Millis) -> str:
    """The day that ends with this close."""
    return desk.days.day_of(Millis(closes - 1))


def tell(desk: Desk, left: dict[str, Decimal], closes: Millis, verdicts: Sequence[Verdict]) -> None:
    """What could not be sold, or that all of it was. What still waits in an auction is told by a run after its end."""
    at, waiting = desk.clock(), {instrument.symbol for instrument in resting(desk)}
    failed = {symbol: units for symbol, units in left.items() if symbol not in waiting}
    if waiting and at >= closes:
        return
    if failed:
        desk.alerts.send([_unsold(desk, failed, closes, at, verdicts)])
    elif not left and (at >= closes or liquidating(at, desk.policy.day, desk.days)):
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
