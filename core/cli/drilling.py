"""`hoga drill liquidation`: the forced liquidation rehearsed on paper, beside the owner's books and never in them."""

from __future__ import annotations

import time
from itertools import count
from typing import NamedTuple
from uuid import uuid4

import click
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.paper import PaperBroker
from core.adapters.rough import RoughBroker, ThinBooks
from core.adapters.specifications import Listed
from core.adapters.wiring import Wiring
from core.app import drill as rehearsing
from core.app.desk import Desk
from core.app.drill import Drilled
from core.app.ports import Quotes
from core.cli import once, place
from core.cli.answers import json_option, say_json, say_table
from core.domain.errors import Misconfigured, Transient
from core.domain.levels import References, SafeSet, Scan
from core.domain.policies import MarketPolicy, RiskPolicy
from core.domain.specifications import Specifications
from core.domain.values import Market, Millis
from core.local import register
from core.local.telling import figure, units
from core.venues.spec import venue

PASSED, FAILED = 0, 1
RUN_S = 12.0
"""Length of one run of the use case; in the cloud it is what is left of a minute."""

THIN = 0.2
"""Share of the book that a rough rehearsal finds."""


class NoSuchMarket(Misconfigured):
    remedy = "`hoga check` shows the markets that are switched on."


class Ground(NamedTuple):
    """Where a rehearsal takes its prices from, and what is known of the market. Nothing of it is ever written to."""

    quotes: Quotes
    levels: MemoryShelf
    policy: MarketPolicy


@click.group()
def drill() -> None:
    """Rehearsals: the real thing on paper, and a verdict."""


@drill.command("liquidation")
@click.option("--market", default="", help="The market to rehearse on; the first that is switched on.")
@click.option("--positions", default=3, show_default=True, type=click.IntRange(1, 50), help="How many to sell.")
@click.option(
    "--window", default=60.0, show_default=True, type=click.FloatRange(5, 900), help="Seconds until the close."
)
@click.option("--rough", is_flag=True, help="The venue loses its first answers, and its books are thin.")
@json_option
@click.pass_context
def liquidation(context: click.Context, market: str, positions: int, window: float, rough: bool, as_json: bool) -> None:
    """Buy paper positions at today's quotes in an account of their own, and sell them out before a close.

    The quotes are the running system's, or else the venue's public ones. Exit code 0: the paper venue holds nothing
    at the end. 1: something is left, or nothing could be bought.
    """
    chosen = _market(market)
    ground = _ground(chosen)
    desk = _desk(chosen, ground, positions, rough)
    if not as_json:
        click.echo(
            f"{chosen.value}: {positions} paper positions, {window:g} s to the close, in an account of their own"
        )
    done = rehearsing.run(desk, _liquid(ground, chosen, positions), window)
    if as_json:
        say_json(done)
    else:
        _tell(chosen, done)
    context.exit(PASSED if done.passed else FAILED)


def _market(name: str) -> Market:
    settings = place.site().settings if register.found(place.base()) else place.settings()
    known = settings.enabled
    wanted = name or known[0].value
    if wanted not in {market.value for market in known}:
        raise NoSuchMarket("this market is not switched on", market=wanted, allowed=", ".join(known))
    return Market(wanted)


def _ground(market: Market) -> Ground:
    """Of the system that runs here, with its keys; else of the settings and the venue's public side."""
    levels = MemoryShelf(place.clock)
    if register.found(place.base()):
        site = place.site()
        for kind in (SafeSet, Scan, References, Specifications):
            if (found := site.books.shelf.read(kind, market)) is not None:
                levels.write(found)
        quotes: Quotes = Wiring(site.cloud.environment()).quick_quotes(market)
        policy = site.settings.markets[market]
    else:
        settings = place.settings()
        quotes, policy = once.asker(settings, market), settings.markets[market]
        once.look(quotes, policy, market, levels)
    if levels.read(Scan, market) is None or levels.read(SafeSet, market) is None:
        raise Transient("the market has not been scanned yet", market=market.value)
    return Ground(quotes, levels, policy)


def _desk(market: Market, ground: Ground, positions: int, rough: bool) -> Desk:
    """Books in this process, a paper account in this process: the owner's tables are not within its reach."""
    books, levels = MemoryBooks(), ground.levels
    policy = _wide(ground.policy, positions)
    rules = venue(market, policy, Listed(levels, market, place.clock)).rules
    source = ThinBooks(ground.quotes, THIN) if rough else ground.quotes
    paper = PaperBroker(source, rules, MemoryPaperStore(), place.clock)
    safe, serial = levels.read(SafeSet, market), count(1)
    return Desk(
        market=market,
        policy=policy,
        rules=rules,
        shelf=levels,
        leases=books.leases,
        ledger=books.ledger,
        broker=RoughBroker(paper) if rough else paper,
        alerts=MemoryAlerts(),
        clock=place.clock,
        monotonic_s=time.monotonic,
        pause=time.sleep,
        owner=f"drill/{uuid4().hex[:8]}",
        nonce=lambda: f"drill-{next(serial)}",
        deadline_ms=Millis(round(RUN_S * 1000)),
        name=lambda symbol: safe.names.get(symbol, "") if safe else "",
        last_price=lambda symbol: _last(ground, symbol),
    )


def _wide(policy: MarketPolicy, positions: int) -> MarketPolicy:
    """The owner's capital for each position; limits that a rehearsal does not rehearse stand out of its way."""
    capital = policy.workers.capital
    most = capital * positions * 2
    risk = RiskPolicy(
        daily_loss=most, per_symbol=capital, total_exposure=most, max_positions=positions,
        max_slippage=max(policy.risk.max_slippage, 0.02),
    )  # fmt: skip
    return replace(policy, workers=replace(policy.workers, count=positions), risk=risk)


def _liquid(ground: Ground, market: Market, positions: int) -> list[str]:
    """The symbols that trade most, among the safe ones."""
    scan, safe = ground.levels.read(Scan, market), ground.levels.read(SafeSet, market)
    allowed = set(safe.safe) if safe else set()
    rows = [row for row in scan.snapshots if row.symbol in allowed] if scan else []
    return [row.symbol for row in sorted(rows, key=lambda row: -row.value_24h)[:positions]]


def _last(ground: Ground, symbol: str) -> float | None:
    rows = ground.quotes.tickers([symbol], ground.policy.universe.quote)
    return (rows[0].price or None) if rows else None


def _tell(market: Market, done: Drilled) -> None:
    rows = [
        (
            line.symbol,
            units(line.units),
            figure(line.bought),
            figure(line.sold) if line.sold else "-",
            f"{line.pnl:+,.2f}",
            units(line.left),
            ", ".join(line.steps) or "-",
            line.trouble or "-",
        )
        for line in done.lines
    ]
    columns = ("symbol", ">units", ">bought", ">sold", ">PnL", ">left", "tried at", "trouble on the way")
    say_table(f"{market.value}: rehearsed in {done.runs} runs", columns, rows, none=f"{market.value}: nothing was held")
    for symbol, why in done.failed:
        click.echo(f"{symbol} could not be bought: {why}")
    click.echo(("passed: " if done.passed else "FAILED: ") + done.verdict)


COMMANDS = (drill,)
