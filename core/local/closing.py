"""The demo's last page: each step, how often it happened, and one real row that shows it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from core.domain.orders import Order
from core.domain.positions import RoundTrip
from core.domain.signals import Exit
from core.domain.values import Side
from core.local.day import clock_of
from core.local.look import View
from core.local.report import STEPS, MarketReport, Report
from core.local.telling import few, figure, money, units


def closing(done: Report, view: View) -> Table:
    """A table with one row for each step of one market's day."""
    own = done.markets[view.market]
    table = Table(
        title=f"{view.market.value}: the day {view.day} in {done.seconds:.0f} s", title_justify="left", show_lines=False
    )
    table.add_column("step", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("for example")
    for name, count, example in _levels(view):
        table.add_row(name, count, example)
    for field, name in STEPS:
        table.add_row(name, _count(own, field), _example(done, view, field))
    return table


def _levels(view: View) -> Iterator[tuple[str, str, str]]:
    """What the hourly filter and the ranking left behind: levels, not counts of what happened."""
    if view.safe is not None:
        excluded = ", ".join(f"{row.symbol} ({row.reasons[0]})" for row in view.safe.excluded[:3])
        yield "symbols safe to trade", str(len(view.safe.safe)), f"excluded {excluded or 'none'}"
    if view.top is not None:
        members = [member.symbol for member in view.top.members]
        yield "Top N by traded value", str(len(members)), few(members) if members else ""


def _count(done: MarketReport, field: str) -> str:
    value = getattr(done, field)
    match value:
        case dict():
            return ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in value.items()) or "0"
        case int():
            return str(value)
        case _:
            return "1" if value is not None else "0"


def _example(done: Report, view: View, field: str) -> str:
    match field:
        case "scans" if view.scan:
            removed = ", ".join(f"{count} by {why}" for why, count in view.scan.removed.items() if count)
            return f"{len(view.scan.snapshots)} symbols in {view.scan.calls} calls, removed {removed or 'none'}"
        case "targets_changed" if view.targets:
            return few([candidate.symbol for candidate in view.targets.candidates])
        case "subscribed" if view.stream:
            return few(list(view.stream.subscribed))
        case "reconnects" if view.stream:
            return f"{view.stream.gaps} gaps, {view.stream.messages} messages, p99 {view.stream.latency_p99_ms:.0f} ms"
        case "locks_granted":
            return _locks(view)
        case "signals":
            return next((order.signal for order in view.orders if order.side is Side.BUY), "")
        case "buys":
            return next((_order(order) for order in view.orders if order.side is Side.BUY and order.filled), "")
        case "sells":
            return next((_trip(trip) for trip in view.trips if trip.exit != Exit.LIQUIDATION.value), "")
        case "liquidated":
            return next((_trip(trip) for trip in view.trips if trip.exit == Exit.LIQUIDATION.value), "")
        case "alerts_sent":
            return ", ".join(f"{count} by {service}" for service, count in done.chat.items())
        case "summary" if view.summary:
            found = view.summary
            return f"{found.trades} trades, {found.wins} won, PnL {money(found.pnl)}, fees {money(found.fees)}"
        case _:
            return ""


def _locks(view: View) -> str:
    fences = sorted(view.locks, key=lambda lock: -lock.fence)[:3]
    return ", ".join(f"{lock.instrument.symbol} fence {lock.fence}" for lock in fences)


def _order(order: Order) -> str:
    price = order.value / order.filled
    return f"{clock_of(order.at)} {order.instrument.symbol} {units(order.filled)} at {figure(price)} ({order.reason})"


def _trip(trip: RoundTrip) -> str:
    prices = f"{figure(trip.bought)} -> {figure(trip.sold)}"
    return f"{clock_of(trip.closed)} {trip.instrument.symbol} {prices}, PnL {money(trip.pnl)} ({trip.exit})"
