"""What a command finds around it: the folder, the settings, the clock, a running system."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from core.domain.errors import Refused
from core.domain.policies import MarketPolicy
from core.domain.values import Market, Millis
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
    market: Market
    policy: MarketPolicy
    books: Books

    def view(self, day: str = "") -> View:
        """Everything of the market; `day` names another day than the one under way."""
        return look(self.books, self.market, self.policy, day)


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
    market = chosen.enabled[0]
    books = books_of(cloud)
    return Site(
        standing=standing, cloud=cloud, settings=chosen, market=market, policy=chosen.markets[market], books=books
    )
