"""`hoga scan` and `hoga rank`: one look, by the running system's function or directly at the public REST side."""

from __future__ import annotations

import random
import time
from typing import NamedTuple
from uuid import uuid4

import click

from core.adapters.http import HttpQuotes
from core.adapters.keyring import AppKey, ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.secrets import EnvSecrets
from core.adapters.token_file import FileVault
from core.app import scan as scanning
from core.app.lookout import Lookout
from core.app.ports import Quotes
from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.domain import safety
from core.domain.errors import Transient
from core.domain.levels import SafeSet, Scan, Snapshot, Targets
from core.domain.policies import MarketPolicy
from core.domain.specifications import told
from core.domain.values import Market, Millis
from core.local import register
from core.local.telling import figure
from core.settings import Settings
from core.venues.spec import Venue, environment, purse, venue

COLUMNS = ("symbol", "name", ">price", ">change", ">value 24 h (M)", ">spread")


class Look(NamedTuple):
    """What one look at a market found."""

    scan: Scan
    names: dict[str, str]
    targets: Targets | None


class NoPasses:
    """A single look asks for no second one."""

    def ask(self, market: Market, after_s: float, at: Millis) -> None:
        """Nothing to ask: this process ends after its look."""


@click.command()
@click.option("--top", default=20, show_default=True, type=click.IntRange(1), help="Rows shown of each market.")
@json_option
def scan(top: int, as_json: bool) -> None:
    """One look at the whole safe universe of each market."""
    looks = _looks()
    if as_json:
        markets = {look.scan.market.value: {"scan": look.scan, "targets": look.targets} for look in looks}
        say_json({**markets[looks[0].scan.market.value], "markets": markets})
        return
    for look in looks:
        _show(look, top)


def _show(look: Look, top: int) -> None:
    found = look.scan
    best = [candidate.symbol for candidate in look.targets.candidates] if look.targets else []
    rows = {row.symbol: row for row in found.snapshots}
    shown = [_row(rows[symbol], look.names) for symbol in best[:top] if symbol in rows]
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
    looks, settings = _looks(), place.settings()
    tops = [settings.markets[look.scan.market].rank.top_n for look in looks]
    ranked = [
        sorted(look.scan.snapshots, key=lambda row: -row.value_24h)[:top] for look, top in zip(looks, tops, strict=True)
    ]
    if as_json:
        answers = [
            {"market": look.scan.market, "at": look.scan.at, "of": "all scanned symbols", "members": members}
            for look, members in zip(looks, ranked, strict=True)
        ]
        say_json(
            {**answers[0], "markets": {look.scan.market.value: one for look, one in zip(looks, answers, strict=True)}}
        )
        return
    click.echo("no streamer runs here, so nothing is known of buy signals: this ranks all scanned symbols", err=True)
    for look, members, top in zip(looks, ranked, tops, strict=True):
        rows = [_row(row, look.names) for row in members]
        say_table(f"{look.scan.market.value}: top {top}", COLUMNS, rows, none="nothing to rank")


def _rank_of_site(as_json: bool) -> None:
    site = place.site()
    answer = site.cloud.invoke("Rank", {})
    views = site.views()
    if as_json:
        say_json({"answer": answer, "top": views[0].top, "markets": {view.market.value: view.top for view in views}})
        return
    for view in views:
        rows = [(member.symbol, f"{member.value_24h / 1e6:,.0f}") for member in (view.top.members if view.top else ())]
        title, none = f"{view.market.value}: top N of the buyable set", "nothing has a live buy signal now"
        say_table(title, ("symbol", ">value 24 h (M)"), rows, none=f"{view.market.value}: {none}")


def _looks() -> list[Look]:
    """The scans of the running system, taken now, or our own."""
    if not register.found(place.base()):
        settings = place.settings()
        return [direct(settings, market) for market in settings.enabled]
    site = place.site()
    site.cloud.invoke("BatchScan", {})
    looks = [Look(view.scan, view.names, view.targets) for view in site.views() if view.scan is not None]
    if not looks:
        raise Transient("the running system has not scanned yet")
    return looks


def direct(settings: Settings, market: Market) -> Look:
    """List, filter and scan with nothing but the venue's REST side. Raises Transient where it stays silent.

    A market that answers app keys only takes them from the environment (HOGA_SECRET_KIS_APP_KEY and the like).
    """
    return look(asker(settings, market), settings.markets[market], market, MemoryShelf(place.clock))


def asker(settings: Settings, market: Market) -> HttpQuotes:
    """The venue's REST side for this process alone."""
    policy, budget = settings.markets[market], MemoryBudget()
    spec = venue(market, policy)
    return HttpQuotes(
        spec.rest,
        policy.rest,
        budget,
        place.clock,
        time.sleep,
        random.random,
        sign=_signer(spec, policy, budget),
        purse=purse(environment(policy)),
    )


def look(quotes: Quotes, policy: MarketPolicy, market: Market, shelf: MemoryShelf) -> Look:
    """List, filter and scan; what was found is on the shelf. Raises Transient where the venue stays silent."""
    lookout = Lookout(
        market=market,
        policy=policy,
        venue=venue(market, policy),
        shelf=shelf,
        quotes=quotes,
        alerts=MemoryAlerts(),
        clock=place.clock,
        pause=time.sleep,
    )
    listed = quotes.listing(policy.universe)
    if (specified := told(listed, market, place.clock())) is not None:
        shelf.write(specified)
    shelf.write(safety.split(listed, policy.universe, policy.safety, place.clock()))
    done = scanning.run(lookout, NoPasses(), second=True)
    found, safe = shelf.read(Scan, market), shelf.read(SafeSet, market)
    if found is None or safe is None:
        raise Transient("the venue did not answer the scan", outcome=done.outcome.value, why=done.failure)
    return Look(found, safe.names, shelf.read(Targets, market))


def _signer(spec: Venue, policy: MarketPolicy, budget: MemoryBudget) -> AppKey | None:
    if spec.rest.keys is None:
        return None
    secrets, name = EnvSecrets(place.environment()), policy.keys[0].app_key
    vault = FileVault(place.credentials())
    keys = ring(spec.rest, policy, secrets, vault, budget, place.clock, time.sleep, random.random, lambda: uuid4().hex)
    return keys[name]


def _row(row: Snapshot, names: dict[str, str]) -> tuple[str, ...]:
    spread = f"{row.spread:.2%}" if row.spread is not None else "-"
    value = f"{row.value_24h / 1e6:,.0f}"
    return row.symbol, names.get(row.symbol, ""), figure(row.price), f"{row.change:+.2%}", value, spread


COMMANDS = (scan, rank)
