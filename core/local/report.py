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
from core.domain.values import Side
from core.local.look import View
from core.local.tally import Tally


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report is made of.

    view      the market's day as the tables tell it
    venue     the paper venue's own orders by client order id; `held` its holdings that are not zero
    chat      messages by chat service, as the services count them
    letters   messages in dead-letter queues, by queue
    """

    view: View
    venue: dict[str, Order]
    held: dict[str, Decimal]
    chat: dict[str, int]
    letters: dict[str, int]
    seconds: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run.

    sells        by reason; `bought` counts buys by symbol
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
    summary: DayReport | None
    open_positions: int
    differences: list[str]
    chat: dict[str, int]
    dead_letters: dict[str, int]
    orders_unknown: int
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


def report(tally: Tally, evidence: Evidence) -> Report:
    """Trades come from the ledger, the rest from what the parts counted themselves."""
    view = evidence.view
    sells = by_reason(view.trips)
    bought = [order.instrument.symbol for order in view.orders if order.side is Side.BUY and order.filled]
    return Report(
        scans=tally["Scans"],
        targets_changed=tally["TargetsChanged"],
        subscribed=tally["Subscribed"],
        unsubscribed=tally["Unsubscribed"],
        reconnects=tally["Reconnects"],
        signals=tally["Signals"],
        locks_granted=tally["LocksGranted"],
        locks_refused=tally["LocksRefused"],
        buys=len(bought),
        bought=dict(Counter(bought)),
        sells=sells,
        alerts_sent=tally["AlertsSent"],
        alerts_suppressed=tally["AlertsSuppressed"],
        liquidated=sells.get(Exit.LIQUIDATION.value, 0),
        summary=view.summary,
        open_positions=len(view.positions),
        differences=differences(view.orders, evidence.venue, evidence.held),
        chat=evidence.chat,
        dead_letters=evidence.letters,
        orders_unknown=tally["OrdersUnknown"],
        seconds=round(evidence.seconds, 1),
    )


def by_reason(trips: list[RoundTrip]) -> dict[str, int]:
    """Sales by exit reason, the most frequent first."""
    return dict(Counter(trip.exit for trip in trips).most_common())


def differences(ours: list[Order], venue: Mapping[str, Order], held: Mapping[str, Decimal]) -> list[str]:
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
    return found + [f"{symbol}: the venue still holds {quantity}" for symbol, quantity in held.items()]


def missing(done: Report) -> list[str]:
    """The steps that did not happen and the promises that were not kept, in words; empty for a good run."""
    found = [f"{name}: none" for field, name in STEPS if not getattr(done, field)]
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
    found: dict[str, Any] = msgspec.to_builtins(done)
    return found


def _traded(order: Order | None) -> tuple[str, str, str] | None:
    """Side, units and value of what was filled; None for an order that traded nothing."""
    if order is None or not order.filled:
        return None
    return order.side.value, f"{order.filled.normalize():f}", f"{order.value.normalize():f}"
