"""What no single part can say of itself, looked at from outside once a minute: the figures that alarms stand on (F5).

A part that died counts nothing, so nobody may be asked about its own health. The sweep asks these questions, and an
alarm that misses the sweep's own figures fires as well (infra/README.md).
"""

from __future__ import annotations

import msgspec

from core.app.desk import Desk
from core.app.leave import held
from core.app.summary import FIRST, Started, finished_days
from core.domain.levels import DayReport, SafeSet
from core.domain.orders import Order
from core.domain.values import MINUTE, ZERO, Millis

LATE_REPORT = Millis(30 * MINUTE)
"""A day's results are written within minutes of its end; later than this nobody will."""

LONG_OPEN = Millis(20 * MINUTE)
"""Two runs of the sweep settle anything, and an auction is over: an order open for longer needs a person."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One market as seen from outside; every figure is 0 where all is well.

    overdue    finished days without results
    overnight  positions from before the last close, in a market whose days end flat (E6)
    unsettled  orders that have been open for longer than the sweep needs, resting ones among them
    lost       1 where the day's realised loss has reached its limit (E7)
    stale      1 where the safe set is too old to buy from (A3)
    """

    overdue: int = 0
    overnight: int = 0
    unsettled: int = 0
    lost: int = 0
    stale: int = 0


def look(desk: Desk) -> Watch:
    """Ask all of it. Raises Transient where the tables do not answer."""
    at = desk.clock()
    safe = desk.shelf.read(SafeSet, desk.market)
    return Watch(
        overdue=_overdue(desk, at),
        overnight=_overnight(desk, at),
        unsettled=sum(1 for order in desk.ledger.open_orders(desk.market) if _long_open(order, at)),
        lost=int(_lost(desk, at)),
        stale=int(safe is not None and at - safe.at > desk.policy.safety.max_age_s * 1000),
    )


def _overdue(desk: Desk, at: Millis) -> int:
    """Of the days that ended after results were first looked for; before that there was nobody to write them."""
    started = desk.shelf.read_tagged(Started, desk.market, FIRST)
    if started is None:
        return 0
    ended = [day for day, _, ends in finished_days(desk.days, at) if started.at < ends <= at - LATE_REPORT]
    return sum(1 for day in ended if desk.shelf.read_tagged(DayReport, desk.market, day) is None)


def _overnight(desk: Desk, at: Millis) -> int:
    if not desk.days.flat:
        return 0
    closed = desk.days.closed(at)
    return sum(1 for position in held(desk.leases, desk.market) if position.opened < closed)


def _long_open(order: Order, at: Millis) -> bool:
    return at - order.at > LONG_OPEN


def _lost(desk: Desk, at: Millis) -> bool:
    limit = desk.policy.risk.daily_loss
    realised = desk.ledger.account(desk.market, desk.days.day_of(at)).realised
    return ZERO < limit <= -realised
