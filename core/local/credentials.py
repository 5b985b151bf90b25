"""Tokens that a local run finds at its start and leaves behind: it buys none that the owner's file still has (E12).

A venue gives one token a minute to an app key and tells its owner's phone of each, so commands and runs share them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from core.adapters.keyring import row_of
from core.adapters.token_file import FileVault
from core.app.tokens import CALL, LATE, Vault
from core.domain.errors import Transient
from core.domain.values import Millis
from core.local.system import Plan
from core.settings import Settings
from core.venues.spec import Issued


@contextmanager
def shared(plan: Plan, settings: Settings, own: Vault) -> Iterator[None]:
    """Tokens of the owner's file go into the run's vault, and what the run bought goes back at its end.

    Raises Transient where the file cannot be read at the start. What cannot be left behind is bought again.
    """
    if plan.credentials is None:
        yield
        return
    kept, names = FileVault(plan.credentials), list(rows(plan, settings))
    for name in names:
        carry(name, kept, own, plan.clock())
    try:
        yield
    finally:
        with suppress(Transient):
            for name in names:
                carry(name, own, kept, plan.clock())


def rows(plan: Plan, settings: Settings) -> Iterator[str]:
    """Where the vaults keep the tokens of every app key that the environment has."""
    for market in settings.enabled:
        for key in settings.markets[market].keys:
            if text := plan.host.get(f"HOGA_SECRET_{key.app_key.upper()}"):
                yield row_of(market, key.environment, text, "token")


def carry(row: str, source: Vault, target: Vault, at: Millis) -> None:
    """Give the target what the source has, where that holds for longer. Raises Transient where one does not answer."""
    found, there = source.read(row), target.read(row)
    if not found.text or found.ends <= max(there.ends, at + LATE):
        return
    owner = uuid4().hex
    if target.claim(row, owner, there, at, Millis(at + CALL)):
        target.finish(row, owner, Issued(found.text, found.ends), max(found.due, there.due))
