"""What a command finds around it: the folder, the settings, the clock, a running system."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from core.domain.errors import Refused
from core.domain.levels import SafeSet
from core.domain.values import Instrument, Market, Millis
from core.local import register
from core.local.cloud import Cloud
from core.local.look import Books, View, books_of, look
from core.local.processes import unproxied
from core.local.template import ROOT
from core.settings import Settings, load

NAME = "settings.yaml"


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
        """A symbol as people type it: `krx:005930`, or `005930` where one market alone knows it. Raises Refused."""
        market, _, rest = symbol.partition(":")
        if rest and market in [one.value for one in self.markets]:
            return Instrument(Market(market), rest)
        if len(self.markets) == 1:
            return Instrument(self.markets[0], symbol)
        known = [market for market in self.markets if symbol in self._listed(market)]
        if len(known) != 1:
            raise Refused(
                "say which market this symbol is of",
                symbol=symbol,
                like=", ".join(f"{one.value}:{symbol}" for one in known or self.markets),
            )
        return Instrument(known[0], symbol)

    def _listed(self, market: Market) -> set[str]:
        safe = self.books.shelf.read(SafeSet, market)
        return {*safe.safe, *(one.symbol for one in safe.excluded)} if safe else set()


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
    """The system that runs in this folder, the newest where there are several. Raises NothingRuns."""
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
