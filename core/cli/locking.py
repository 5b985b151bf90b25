"""`hoga locks`: who holds which symbol, until when, and ending a lease by hand."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.cli import place
from core.cli.answers import json_option, say, say_json, say_table
from core.domain.errors import Refused
from core.domain.leases import Lock
from core.local.day import clock_of
from core.local.telling import units


class NotLocked(Refused):
    remedy = "`hoga locks list` shows who holds what."


@click.group()
def locks() -> None:
    """Symbol locks: who holds what, until when."""


@locks.command("list")
@json_option
def list_locks(as_json: bool) -> None:
    """Every symbol lock: holder, fence, lease end."""
    found = [lock for view in place.site().views() for lock in view.locks]
    if as_json:
        say_json(found)
        return
    columns = ("market", "symbol", "holder", ">fence", "lease ends", "intent", "position")
    rows = [_lock(lock) for lock in sorted(found, key=lambda lock: str(lock.instrument))]
    say_table("locks", columns, rows, none="no symbol has ever been locked")


def _lock(lock: Lock) -> Sequence[object]:
    intent = f"{lock.intent.side.value} for {lock.intent.worker}" if lock.intent else "-"
    position = f"{units(lock.position.quantity)} of {lock.position.worker}" if lock.position else "flat"
    ends = clock_of(lock.ends) if lock.owner else "-"
    market, symbol = lock.instrument.market.value, lock.instrument.symbol
    return market, symbol, lock.owner or "free", lock.fence, ends, intent, position


@locks.command("release")
@click.argument("symbol")
@json_option
def release(symbol: str, as_json: bool) -> None:
    """End SYMBOL's lease now and fence its owner off; a position stays with its worker."""
    site = place.site()
    instrument = site.instrument(symbol)
    lock = site.books.leases.lock(instrument)
    if lock is None or not lock.owner:
        raise NotLocked("this symbol is not locked", symbol=str(instrument))
    if not site.books.leases.evict(lock):
        raise NotLocked("the lock changed hands meanwhile", symbol=str(instrument), holder=lock.owner)
    known = instrument.symbol
    say(as_json, {"released": known, "holder": lock.owner}, f"{known}: the lease of {lock.owner} is over")


COMMANDS = (locks,)
