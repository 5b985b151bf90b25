"""Commands that only look at a running system."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.domain.orders import Order
from core.domain.positions import Position
from core.domain.sessions import date_of
from core.local.day import clock_of
from core.local.evidence import depth
from core.local.look import View, stream_words
from core.local.register import Standing
from core.local.telling import few, figure, money, units

QUEUES = ("SignalsQueue", "AlertsQueue", "SignalsDeadLetters", "AlertsDeadLetters", "JobsDeadLetters")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Is it alive: scan age, safe mode, stream, queues."""
    site = place.site()
    views, queues = site.views(), {queue: depth(site.cloud, queue) for queue in QUEUES}
    halts = site.books.ledger.halts()
    if as_json:
        markets = {view.market.value: _figures(view) for view in views}
        say_json({"run": site.standing, "queues": queues, "halts": halts, **_figures(views[0]), "markets": markets})
        return
    rows = [_where(site.standing)]
    rows += [(queue, str(count)) for queue, count in queues.items()]
    rows += [(f"buying of {scope}", f"halted: {reason}") for scope, reason in sorted(halts.items())]
    say_table("system", ("what", "found"), rows, none="")
    for view in views:
        say_table(f"{view.market.value} at {clock_of(view.at)} KST", ("what", "found"), _in_words(view), none="")


def _where(standing: Standing) -> tuple[str, str]:
    """What is being looked at: a process of this machine, or a stack."""
    if not standing.pid:
        return "stack", f"{standing.endpoint}, stage {standing.stage}, deployed {date_of(standing.since)}"
    return "process", f"{standing.pid}, feed {standing.feed}, since {clock_of(standing.since)} KST"


def _figures(view: View) -> dict[str, object]:
    return {
        "at": view.at,
        "scan_age_s": (view.at - view.scan.at) / 1000 if view.scan else None,
        "safe": len(view.safe.safe) if view.safe else 0,
        "excluded": len(view.safe.excluded) if view.safe else 0,
        "health": view.health,
        "stream": view.stream,
        "figures": view.figures,
        "top": [member.symbol for member in view.top.members] if view.top else [],
        "positions": len(view.positions),
        "halted": view.halted,
    }


def _in_words(view: View) -> Sequence[tuple[str, str]]:
    scan = f"{(view.at - view.scan.at) / 1000:.0f} s ago" if view.scan else "none yet"
    safe = f"{len(view.safe.safe)} safe, {len(view.safe.excluded)} excluded" if view.safe else "no list yet"
    mode = f"on: {view.health.reason}" if view.health and view.health.safe_mode else "off"
    stream = "has not reported"
    if view.stream:
        age = (view.at - view.stream.at) / 1000
        state = "connected" if view.stream.connected else "lost"
        stream = f"{state}, {len(view.stream.subscribed)} symbols, said so {age:.0f} s ago"
        stream += f"; {stream_words(view.figures)}" if view.figures else ""
    top = few([member.symbol for member in view.top.members]) if view.top else ""
    return (
        ("scan", scan),
        ("universe", safe),
        ("safe mode", mode),
        ("stream", stream),
        ("top N", top or "empty"),
        ("positions", str(len(view.positions))),
        ("buying", f"halted: {view.halted}" if view.halted else "allowed"),
    )


@click.command()
@json_option
def positions(as_json: bool) -> None:
    """What is held, by which worker, at what price."""
    found = [(view, held) for view in place.site().views() for held in view.positions]
    if as_json:
        say_json([{"position": held, "unrealised": view.unrealised(held)} for view, held in found])
        return
    columns = ("market", "symbol", "name", "worker", ">units", ">entry", ">cost", ">PnL", "rule", "since (KST)")
    say_table("positions", columns, [_position(*one) for one in found], none="nothing is held")


def _position(view: View, held: Position) -> Sequence[object]:
    pnl = view.unrealised(held)
    shown = f"{pnl:+,.0f}" if pnl is not None else "-"
    entry, cost = figure(held.price), money(held.cost)
    symbol = held.instrument.symbol
    return (
        view.market.value,
        symbol,
        view.names.get(symbol, ""),
        held.worker,
        units(held.quantity),
        entry,
        cost,
        shown,
        held.rule,
        clock_of(held.opened),
    )


@click.command()
@json_option
def orders(as_json: bool) -> None:
    """The day's orders and their state."""
    views = place.site().views()
    found = sorted((order for view in views for order in view.orders), key=lambda order: order.at)
    if as_json:
        say_json(found)
        return
    columns = ("time", "market", "symbol", "side", "state", ">units", ">filled", ">price", "reason", "id")
    days = _days(views)
    say_table(f"orders of {days}", columns, [_order(order) for order in found], none=f"no orders on {days}")


def _days(views: Sequence[View]) -> str:
    """The day under way, once where all markets have the same."""
    days = dict.fromkeys(view.day for view in views)
    return " and ".join(days)


def _order(order: Order) -> Sequence[object]:
    price = figure(order.value / order.filled) if order.filled else "-"
    return (
        clock_of(order.at),
        order.instrument.market.value,
        order.instrument.symbol,
        order.side.value,
        order.state.value,
        units(order.quantity),
        units(order.filled),
        price,
        order.reason,
        order.id,
    )


COMMANDS = (status, positions, orders)
