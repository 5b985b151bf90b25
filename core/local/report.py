"""What a run did, counted from what it left behind: metric lines, tables, chat messages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from core.domain.levels import DayReport
from core.domain.orders import Order
from core.domain.positions import RoundTrip
from core.domain.signals import Exit
from core.domain.values import Instrument, Market, Side
from core.local.look import View
from core.local.tally import Tally


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report is made of.

    views     each market's day as the tables tell it
    venue     the paper venue's own orders by client order id; `held` its holdings that are not zero
    chat      messages by chat service, as the services count them
    letters   messages in dead-letter queues, by queue
    """

    views: dict[Market, View]
    venue: dict[str, Order]
    held: dict[Instrument, Decimal]
    chat: dict[str, int]
    letters: dict[str, int]
    seconds: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The closed days of all markets together. Money is None where they are in several currencies: it has no sum."""

    trades: int
    wins: int
    pnl: Decimal | None
    fees: Decimal | None
    taxes: Decimal | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in one market or in all.

    sells        by reason; `bought` counts buys by symbol and rule, as in "247540 surge"
    differences  empty where our ledger equals the venue's own log
    """

    scans: int
    targets_changed: int
    subscribed: int
    unsubscribed: int
    reconnects: int
    signals: int
    locks_granted: int
    locks_refused: int
    buys: int
    bought: dict[str, int]
    sells: dict[str, int]
    alerts_sent: int
    alerts_suppressed: int
    liquidated: int
    open_positions: int
    differences: list[str]
    orders_unknown: int


class MarketReport(Figures, frozen=True, kw_only=True):
    """One market's figures; `summary` is its closed day."""

    summary: DayReport | None


class Report(Figures, frozen=True, kw_only=True):
    """The figures of one run: sums, and each market's own."""

    summary: Result | None
    markets: dict[Market, MarketReport]
    chat: dict[str, int]
    dead_letters: dict[str, int]
    seconds: float


STEPS: tuple[tuple[str, str], ...] = (
    ("scans", "batch scan"),
    ("targets_changed", "targets changed"),
    ("subscribed", "stream subscribed"),
    ("unsubscribed", "stream unsubscribed"),
    ("reconnects", "stream lost and back"),
    ("signals", "signals raised"),
    ("locks_granted", "locks granted"),
    ("locks_refused", "locks refused"),
    ("buys", "paper buys"),
    ("sells", "exits by reason"),
    ("alerts_sent", "alerts sent"),
    ("alerts_suppressed", "alerts kept back by the cooldown"),
    ("liquidated", "sold by the forced liquidation"),
    ("summary", "daily summary"),
)
"""The steps that a demo must show, in their order: figure of the report, and what people call it."""


IN_EACH = frozenset(field for field, _ in STEPS) - {"unsubscribed", "locks_refused", "alerts_sent", "alerts_suppressed"}
"""Those that every market must show; the others once in all."""


def report(tally: Tally, tallies: Mapping[Market, Tally], evidence: Evidence) -> Report:
    """Trades come from the ledger, the rest from what the parts counted themselves."""
    markets = {market: _market(tallies[market], view, evidence) for market, view in evidence.views.items()}
    trips = [trip for view in evidence.views.values() for trip in view.trips]
    orders = [order for view in evidence.views.values() for order in view.orders]
    found = _figures(tally, orders, trips, sum(len(view.positions) for view in evidence.views.values()))
    return Report(
        **found,
        differences=differences(orders, evidence.venue, evidence.held),
        summary=_sum([one.summary for one in markets.values()]),
        markets=markets,
        chat=evidence.chat,
        dead_letters=evidence.letters,
        seconds=round(evidence.seconds, 1),
    )


def _market(tally: Tally, view: View, evidence: Evidence) -> MarketReport:
    venue = {id: order for id, order in evidence.venue.items() if order.instrument.market is view.market}
    held = {instrument: units for instrument, units in evidence.held.items() if instrument.market is view.market}
    return MarketReport(
        **_figures(tally, view.orders, view.trips, len(view.positions)),
        differences=differences(view.orders, venue, held),
        summary=view.summary,
    )


def _figures(tally: Tally, orders: list[Order], trips: list[RoundTrip], open_positions: int) -> dict[str, Any]:
    sells = by_reason(trips)
    bought = [f"{each.instrument.symbol} {each.reason}" for each in orders if each.side is Side.BUY and each.filled]
    return {
        **{field: tally[metric] for field, metric in COUNTED.items()},
        "buys": len(bought),
        "bought": dict(Counter(bought)),
        "sells": sells,
        "liquidated": sells.get(Exit.LIQUIDATION.value, 0),
        "open_positions": open_positions,
    }


COUNTED = {
    "scans": "Scans",
    "targets_changed": "TargetsChanged",
    "subscribed": "Subscribed",
    "unsubscribed": "Unsubscribed",
    "reconnects": "Reconnects",
    "signals": "Signals",
    "locks_granted": "LocksGranted",
    "locks_refused": "LocksRefused",
    "alerts_sent": "AlertsSent",
    "alerts_suppressed": "AlertsSuppressed",
    "orders_unknown": "OrdersUnknown",
}
"""Figure of the report, and the metric that counts it."""


def _sum(days: list[DayReport | None]) -> Result | None:
    """None unless every market's day is closed."""
    closed = [day for day in days if day is not None]
    if not closed or len(closed) < len(days):
        return None
    one = len({day.currency for day in closed}) == 1
    return Result(
        trades=sum(day.trades for day in closed),
        wins=sum(day.wins for day in closed),
        pnl=sum((day.pnl for day in closed), Decimal(0)) if one else None,
        fees=sum((day.fees for day in closed), Decimal(0)) if one else None,
        taxes=sum((day.taxes for day in closed), Decimal(0)) if one else None,
    )


def by_reason(trips: list[RoundTrip]) -> dict[str, int]:
    """Sales by exit reason, the most frequent first."""
    return dict(Counter(trip.exit for trip in trips).most_common())


def differences(ours: list[Order], venue: Mapping[str, Order], held: Mapping[Instrument, Decimal]) -> list[str]:
    """Every point where our ledger and the venue's own log do not say the same."""
    known = {order.id: order for order in ours}
    found = [
        f"{order.id}: ours says {_traded(order)}, the venue {_traded(venue.get(order.id))}"
        for order in ours
        if _traded(order) != _traded(venue.get(order.id))
    ]
    found += [
        f"{id}: the venue filled an order that we do not know"
        for id, order in venue.items()
        if id not in known and order.filled
    ]
    return found + [f"{instrument}: the venue still holds {quantity}" for instrument, quantity in held.items()]


def missing(done: Report) -> list[str]:
    """The steps that did not happen and the promises that were not kept, in words; empty for a good run."""
    found = [f"{name}: none" for field, name in STEPS if not getattr(done, field)]
    found += [
        f"{name}: none in {market.value}"
        for market, own in done.markets.items()
        for field, name in STEPS
        if field in IN_EACH and getattr(done, field) and not getattr(own, field)
    ]
    exits = {Exit.STOP_LOSS.value, Exit.TAKE_PROFIT.value} - done.sells.keys()
    found += [f"no exit by {reason.replace('_', ' ')}" for reason in sorted(exits)]
    if done.open_positions:
        found.append(f"{done.open_positions} positions are still open after the day's end")
    found += [f"ledger and venue differ: {difference}" for difference in done.differences]
    found += [f"{count} dead letters in {queue}" for queue, count in done.dead_letters.items() if count]
    found += [f"no message reached {service}" for service, count in done.chat.items() if not count]
    return found


def plain(done: Report) -> dict[str, Any]:
    """The report as JSON values; money stays exact as text."""
    found: dict[str, Any] = msgspec.to_builtins(done, str_keys=True)
    return found


def _traded(order: Order | None) -> tuple[str, str, str] | None:
    """Side, units and value of what was filled; None for an order that traded nothing."""
    if order is None or not order.filled:
        return None
    return order.side.value, f"{order.filled.normalize():f}", f"{order.value.normalize():f}"
