"""What a trade tells people: the figures of a fill, and what went wrong with an order."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.app.desk import Desk
from core.domain.errors import CoreError
from core.domain.messages import Alert, Kind
from core.domain.orders import Order
from core.domain.positions import Position, RoundTrip
from core.domain.values import Instrument, Millis


def bought(order: Order, position: Position, desk: Desk) -> Alert:
    """E3. The memo holds quantity, average price, what was paid, the fees, and the worker that owns it."""
    memo = (
        f"{plain(position.quantity)} x {shown(position.price)} = {shown(position.cost)}"
        f" · fee {shown(position.fees)} · {position.worker}"
    )
    return _fact(order, Kind.BOUGHT, memo, desk, order.fills[-1].at, float(position.price))


def sold(order: Order, trip: RoundTrip, desk: Desk) -> Alert:
    """E5, G1. The memo holds the profit or loss, what it is of the cost, and what it is made of."""
    share = float(trip.pnl / trip.cost) if trip.cost else 0.0
    memo = (
        f"PnL {shown(trip.pnl, sign='+')} ({share:+.2%}) · {plain(trip.quantity)} x {shown(trip.sold)}"
        f" · fee {shown(trip.fees)} · tax {shown(trip.taxes)} · {trip.worker}"
    )
    return _fact(order, Kind.SOLD, memo, desk, trip.closed, float(trip.sold))


def dust(order: Order, trip: RoundTrip, desk: Desk) -> Alert:
    """What was left is too little for any order: it is written off, and lies at the venue for a person to clear."""
    least = float(desk.rules.minimum(order.instrument.symbol))
    memo = f"{plain(trip.quantity)} written off · PnL {shown(trip.pnl, sign='+')} · {trip.worker}"
    fact = _fact(order, Kind.UNSOLD, memo, desk, trip.closed, float(trip.cost))
    return msgspec.structs.replace(fact, condition="value < minimum order", threshold=least)


def unsold(order: Order, left: Decimal, desk: Desk, at: Millis) -> Alert:
    """A sale that sold nothing."""
    memo = f"{plain(left)} left · {order.note or order.state.value}"
    return _lasting(order.instrument, Kind.UNSOLD, order.reason, memo, desk, at, order.id)


def unresolved(instrument: Instrument, order: str, memo: str, desk: Desk, at: Millis) -> Alert:
    """F5: an order whose outcome nobody knows."""
    return _lasting(instrument, Kind.UNRESOLVED, "", memo, desk, at, order)


def named(symbol: str, desk: Desk) -> str:
    """What people call it. A name is not worth failing for."""
    try:
        return desk.name(symbol)
    except CoreError:
        return ""


def silent(since: Millis | None, desk: Desk, at: Millis) -> Alert:
    """F5: no sign of the streamer, so the sweep watches the exits."""
    about = f"{(at - since) / 1000:.0f} s" if since is not None else "never seen"
    return Alert(
        id=f"{desk.market.value}:{Kind.STREAMER_SILENT.value}:{at // 60_000}",
        kind=Kind.STREAMER_SILENT,
        at=at,
        market=desk.market,
        condition=f"silence > {desk.policy.sweep.silent_s:g} s",
        value=(at - since) / 1000 if since is not None else None,
        threshold=desk.policy.sweep.silent_s,
        memo=about,
    )


def plain(number: Decimal) -> str:
    """
    >>> plain(Decimal("0.50")), plain(Decimal("1E+3"))
    ('0.5', '1,000')
    """
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(money: Decimal, *, sign: str = "-") -> str:
    """Money for people: whole units where it is large, two decimals where it is not; `sign` "+" shows both signs.

    >>> shown(Decimal("1234.5")), shown(Decimal("0.5"), sign="+")
    ('1,234', '+0.50')
    """
    return format(money, f"{sign},.0f" if abs(money) >= 100 else f"{sign},.2f")


def _fact(order: Order, kind: Kind, memo: str, desk: Desk, at: Millis, price: float) -> Alert:
    return Alert(
        id=f"{order.id}:{kind.value}",
        kind=kind,
        at=at,
        market=desk.market,
        instrument=order.instrument,
        name=desk.name(order.instrument.symbol),
        rule=order.reason,
        condition=order.reason,
        value=price,
        threshold=float(order.reference),
        memo=memo,
        link=desk.rules.link(order.instrument.symbol),
        lasting=False,
    )


def _lasting(instrument: Instrument, kind: Kind, rule: str, memo: str, desk: Desk, at: Millis, order: str) -> Alert:
    return Alert(
        id=f"{order}:{kind.value}:{at // 60_000}",
        kind=kind,
        at=at,
        market=desk.market,
        instrument=instrument,
        name=desk.name(instrument.symbol),
        rule=rule,
        memo=f"{memo} · {order}",
        link=desk.rules.link(instrument.symbol),
    )
