"""`hoga scan` and `hoga rank`: one look, by the running system's function or directly at the public REST side."""

from __future__ import annotations

import random
import time

import click

from core.adapters.http import HttpQuotes
from core.adapters.keyring import AppKey, ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.app import scan as scanning
from core.app.lookout import Lookout
from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.domain import safety
from core.domain.errors import Transient
from core.domain.levels import SafeSet, Scan, Snapshot, Targets
from core.domain.policies import MarketPolicy
from core.domain.values import Market, Millis
from core.local import register
from core.local.telling import figure
from core.settings import Settings
from core.venues.spec import Venue, environment, purse, venue

COLUMNS = ("symbol", "name", ">price", ">change", ">value 24 h (M)", ">spread")


class NoPasses:
    """A single look asks for no second one."""

    def ask(self, market: Market, after_s: float, at: Millis) -> None:
        """Nothing to ask: this process ends after its look."""


@click.command()
@click.option("--top", default=20, show_default=True, type=click.IntRange(1), help="Rows shown.")
@json_option
def scan(top: int, as_json: bool) -> None:
    """One look at the whole safe universe."""
    found, names, targets = _look()
    if as_json:
        say_json({"scan": found, "targets": targets})
        return
    best = [candidate.symbol for candidate in targets.candidates] if targets else []
    rows = {row.symbol: row for row in found.snapshots}
    shown = [_row(rows[symbol], names) for symbol in best[:top] if symbol in rows]
    removed = ", ".join(f"{count} by {why}" for why, count in found.removed.items() if count) or "none"
    title = f"{found.market.value}: {len(found.snapshots)} symbols in {found.calls} calls, removed {removed}"
    say_table(title, COLUMNS, shown, none=f"{title}; none left to watch")


@click.command()
@json_option
def rank(as_json: bool) -> None:
    """The Top N by 24 h traded value."""
    if register.found(place.base()):
        _rank_of_site(as_json)
        return
    found, names, _ = _look()
    settings = place.settings()
    top = settings.markets[found.market].rank.top_n
    ranked = sorted(found.snapshots, key=lambda row: -row.value_24h)[:top]
    if as_json:
        say_json({"market": found.market, "at": found.at, "of": "all scanned symbols", "members": ranked})
        return
    click.echo("no streamer runs here, so nothing is known of buy signals: this ranks all scanned symbols", err=True)
    say_table(f"{found.market.value}: top {top}", COLUMNS, [_row(row, names) for row in ranked], none="nothing to rank")


def _rank_of_site(as_json: bool) -> None:
    site = place.site()
    answer = site.cloud.invoke("Rank", {})
    view = site.view()
    if as_json:
        say_json({"answer": answer, "top": view.top})
        return
    rows = [(member.symbol, f"{member.value_24h / 1e6:,.0f}") for member in (view.top.members if view.top else ())]
    say_table("top N of the buyable set", ("symbol", ">value 24 h (M)"), rows, none="nothing has a live buy signal now")


def _look() -> tuple[Scan, dict[str, str], Targets | None]:
    """The scan of the running system, taken now, or our own."""
    if register.found(place.base()):
        site = place.site()
        site.cloud.invoke("BatchScan", {})
        view = site.view()
        if view.scan is None:
            raise Transient("the running system has not scanned yet")
        return view.scan, view.names, view.targets
    settings = place.settings()
    return direct(settings, settings.enabled[0])


def direct(settings: Settings, market: Market) -> tuple[Scan, dict[str, str], Targets | None]:
    """List, filter and scan with nothing but the venue's public REST side. Raises Transient where it stays silent."""
    policy, spec, shelf = settings.markets[market], venue(market, settings.markets[market]), MemoryShelf(place.clock)
    budget = MemoryBudget()
    quotes = HttpQuotes(
        spec.rest,
        policy.rest,
        budget,
        place.clock,
        time.sleep,
        random.random,
        sign=_signer(spec, policy, budget),
        purse=purse(environment(policy)),
    )
    lookout = Lookout(
        market=market,
        policy=policy,
        venue=spec,
        shelf=shelf,
        quotes=quotes,
        alerts=MemoryAlerts(),
        clock=place.clock,
        pause=time.sleep,
    )
    listed = quotes.listing(policy.universe)
    shelf.write(safety.split(listed, policy.universe, policy.safety, place.clock()))
    done = scanning.run(lookout, NoPasses(), second=True)
    found, safe = shelf.read(Scan, market), shelf.read(SafeSet, market)
    if found is None or safe is None:
        raise Transient("the venue did not answer the scan", outcome=done.outcome.value, why=done.failure)
    return found, safe.names, shelf.read(Targets, market)


def _signer(spec: Venue, policy: MarketPolicy, budget: MemoryBudget) -> AppKey | None:
    """The market's first key, its secrets from this shell (HOGA_SECRET_...); its token is this process's alone."""
    if spec.rest.keys is None:
        return None
    keys = ring(
        spec.rest,
        policy,
        EnvSecrets(place.environment()),
        MemoryVault(),
        budget,
        place.clock,
        time.sleep,
        random.random,
        lambda: "hoga",
    )
    return keys[policy.keys[0].app_key]


def _row(row: Snapshot, names: dict[str, str]) -> tuple[str, ...]:
    spread = f"{row.spread:.2%}" if row.spread is not None else "-"
    value = f"{row.value_24h / 1e6:,.0f}"
    return row.symbol, names.get(row.symbol, ""), figure(row.price), f"{row.change:+.2%}", value, spread


COMMANDS = (scan, rank)
