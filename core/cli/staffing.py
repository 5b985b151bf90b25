"""`hoga workers`: each worker's life, and stopping or starting one by hand."""

from __future__ import annotations

import click

from core.app import crew
from core.cli import place
from core.cli.answers import json_option, say, say_json, say_table
from core.domain.errors import Misconfigured
from core.domain.values import Market, Millis
from core.domain.workers import Worker
from core.local.telling import money


class WhichMarket(Misconfigured):
    remedy = "Write it before the worker's name: `hoga workers stop upbit:w-01`."


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def workers(context: click.Context, as_json: bool) -> None:
    """Each worker's state, capital and last sign of life; `stop` and `start` one by hand."""
    if context.invoked_subcommand is not None:
        return
    site = place.site()
    found = [one for view in site.views() for one in view.workers]
    if as_json:
        say_json(found)
        return
    at = place.clock()
    columns = ("market", "worker", "state", "symbol", ">capital", ">seen", "note")
    say_table("workers", columns, [_row(one, at) for one in found], none="no worker has started yet")


def _row(one: Worker, at: Millis) -> tuple[str, ...]:
    seen = f"{max(0, at - one.heartbeat) / 1000:.0f} s ago"
    market, state = one.market.value, one.status.value
    return market, one.id, state, one.symbol or "-", money(one.capital), seen, one.note or "-"


@workers.command("stop")
@click.argument("worker")
@json_option
def stop(worker: str, as_json: bool) -> None:
    """Stop WORKER (`w-01`, `krx:w-01`): it buys no more, and what it holds goes to a free one."""
    site = place.site()
    market, name = _named(worker, site.markets)
    heir = crew.stop(name, _staff(site, market))
    sentence = f"{market.value} {name} has stopped" + (f"; {heir} owns its position now" if heir else "")
    say(as_json, {"stopped": name, "market": market.value, "heir": heir}, sentence)


@workers.command("start")
@click.argument("worker")
@json_option
def start(worker: str, as_json: bool) -> None:
    """Put a stopped WORKER to work again."""
    site = place.site()
    market, name = _named(worker, site.markets)
    started = crew.start(name, _staff(site, market))
    sentence = f"{market.value} {name} scans again" if started else f"{market.value} {name} is at work already"
    say(as_json, {"started": started, "worker": name, "market": market.value}, sentence)


def _named(text: str, markets: list[Market]) -> tuple[Market, str]:
    """`market:name`, or the name alone where there is one market. Raises WhichMarket."""
    prefix, colon, name = text.strip().lower().rpartition(":")
    wanted = [market for market in markets if not colon or market.value == prefix]
    if len(wanted) == 1:
        return wanted[0], name
    raise WhichMarket("each market has its own workers: say whose", worker=text, markets=", ".join(markets))


def _staff(site: place.Site, market: Market) -> crew.Staff:
    books, policy = site.books, site.settings.markets[market].workers
    return crew.Staff(market=market, policy=policy, leases=books.leases, ledger=books.ledger, clock=place.clock)


COMMANDS = (workers,)
