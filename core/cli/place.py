"""What a command finds around it: the folder, the settings, the clock, a running system."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import click
import msgspec

from core.cli import deployed
from core.domain.errors import Misconfigured, Refused
from core.domain.levels import SafeSet
from core.domain.values import Instrument, Market, Millis
from core.local import register
from core.local.cloud import Cloud
from core.local.look import Books, View, books_of, look
from core.local.processes import unproxied
from core.local.template import ROOT
from core.settings import Settings, load

NAME = "settings.yaml"


class NoSuchSymbol(Misconfigured):
    remedy = "`hoga positions`, `hoga locks list` and `hoga scan` show symbols as they are written."


class NothingRuns(Refused):
    remedy = "Start one here with `hoga run --feed sim` or `hoga run --feed upbit`, then ask again."


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A running system, ready to be asked."""

    standing: register.Standing
    cloud: Cloud
    settings: Settings
    books: Books

    @property
    def markets(self) -> list[Market]:
        return self.settings.enabled

    def views(self, day: str = "") -> list[View]:
        """Everything of each market; `day` names another day than the one under way."""
        return [look(self.books, market, self.settings.markets[market], day) for market in self.markets]

    def instrument(self, symbol: str) -> Instrument:
        """A symbol as people type it: `krx:005930`, `005930`, `krw-btc`, `btc`.

        Raises:
            NoSuchSymbol: no market knows it, or several do; the text has what comes near.
        """
        prefix, colon, rest = symbol.strip().partition(":")
        named = [market for market in self.markets if colon and market.value == prefix.lower()]
        wanted = (rest if named else symbol.strip()).upper()
        asked = named or self.markets
        found = [Instrument(market, each) for market in asked for each in self._spelt(market, wanted, asked)]
        if len(found) == 1:
            return found[0]
        if found:
            like = ", ".join(map(str, found))
            raise NoSuchSymbol("several markets know this symbol: say which", symbol=symbol, like=like)
        near = self._near(wanted, named or self.markets)
        raise NoSuchSymbol("no market here knows this symbol", symbol=symbol, **({"like": near} if near else {}))

    def _spelt(self, market: Market, wanted: str, asked: list[Market]) -> list[str]:
        """The market's own spelling of it; what is typed where only this market is meant and has no list yet."""
        known = self._known(market)
        spellings = (wanted, f"{self.settings.markets[market].universe.quote}-{wanted}")
        if not known and len(asked) == 1:
            return [wanted]
        return [spelling for spelling in spellings if spelling in known][:1]

    def _near(self, wanted: str, markets: list[Market]) -> str:
        known = {symbol: market for market in markets for symbol in self._known(market)}
        tails = {symbol.rpartition("-")[2]: symbol for symbol in known}
        close = get_close_matches(wanted, [*known, *tails], n=3)
        symbols = dict.fromkeys(tails.get(each, each) for each in close)
        return ", ".join(f"{known[symbol].value}:{symbol}" for symbol in symbols)

    def _known(self, market: Market) -> set[str]:
        """Listed, or locked or halted once: what has left the list must still be freed."""
        safe = self.books.shelf.read(SafeSet, market)
        listed = {*safe.safe, *(one.symbol for one in safe.excluded)} if safe else set()
        locked = {lock.instrument.symbol for lock in self.books.leases.locks() if lock.instrument.market is market}
        scopes = [scope.partition(":") for scope in self.books.ledger.halts()]
        return listed | locked | {symbol for name, _, symbol in scopes if symbol and name == market.value}


def clock() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def environment() -> Mapping[str, str]:
    return os.environ


def spare_loopback() -> None:
    """Let no proxy of the caller stand between this process and the system on its own machine."""
    os.environ.update(unproxied(os.environ))


def base() -> Path:
    """The folder that runs of this directory write to."""
    return Path.cwd() / register.FOLDER


def credentials() -> Path:
    """Where commands that run by themselves keep what a venue gave out: the owner's own folder, whatever the directory.

    A venue gives one token a minute to an app key, and each token is told to its owner's phone.
    """
    return Path.home() / register.FOLDER / "credentials.json"


def settings_path() -> Path:
    """HOGA_SETTINGS, else settings.yaml here, else the one that came with the project."""
    named = os.environ.get("HOGA_SETTINGS")
    if named:
        return Path(named)
    here = Path.cwd() / NAME
    return here if here.exists() else ROOT / NAME


def settings() -> Settings:
    """The owner's settings with the environment's overrides. Raises Misconfigured."""
    return load(settings_path(), os.environ)


def site() -> Site:
    """The stack that was asked for, else what runs in this folder, the newest of several. Raises NothingRuns."""
    if name := deployed.chosen():
        standing, cloud = deployed.find(name, settings_path(), os.environ)
        return Site(standing=standing, cloud=cloud, settings=settings(), books=books_of(cloud))
    found = register.found(base())
    if not found:
        raise NothingRuns("no system runs in this folder")
    if len(found) > 1:
        click.echo(f"{len(found)} systems run here; this is the newest, of process {found[0].pid}", err=True)
    return _site(found[0])


def _site(standing: register.Standing) -> Site:
    cloud = standing.cloud()
    chosen = load(cloud.settings, {})
    return Site(standing=standing, cloud=cloud, settings=chosen, books=books_of(cloud))
