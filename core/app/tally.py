"""Our books against the venue's: units held by position and as the venue says. A difference is told, never acted on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from core.app.desk import Desk
from core.app.wishes import dust
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.values import MINUTE, ZERO, Instrument, Millis

EVERY = 10
"""While nothing is held, the venue is asked in one minute of so many: it may know of units that we do not."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Units by our books and by the venue's."""

    instrument: Instrument
    booked: Decimal
    found: Decimal


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """`failure`: the venue did not say what it holds, and why."""

    differences: tuple[Difference, ...] = ()
    failure: str = ""


def compare(locks: Sequence[Lock], desk: Desk, at: Millis) -> Tally:
    """Symbols that our books and the venue tell differently; `locks` were read before the venue is asked.

    Only what is held or was traded today: coins and shares that this system never traded are their owner's own, and
    what it wrote off today lies at the venue for a person to clear.
    Nothing is asked while the market is closed.
    """
    held = any(lock.position for lock in locks)
    if not desk.days.is_open(at) or not (held or at // MINUTE % EVERY == 0):
        return Tally()
    try:
        holdings = desk.broker.holdings(desk.market)
        today = desk.ledger.orders(desk.market, desk.days.day_of(at)) if holdings else ()
    except CoreError as trouble:
        return Tally(failure=str(trouble))
    traded = {order.instrument.symbol for order in today}
    ours = [lock for lock in locks if lock.position or lock.instrument.symbol in traded]
    gone = dust(today)
    found = ((lock, _less(holdings, lock.instrument.symbol, gone)) for lock in ours)
    return Tally(
        differences=tuple(
            Difference(instrument=lock.instrument, booked=_booked(lock), found=units)
            for lock, units in found
            if units != _booked(lock) and _at_rest(lock, desk)
        )
    )


def _booked(lock: Lock) -> Decimal:
    return lock.position.quantity if lock.position else ZERO


def _less(holdings: dict[str, Decimal], symbol: str, gone: dict[str, Decimal]) -> Decimal:
    return holdings.get(symbol, ZERO) - gone.get(symbol, ZERO)


def _at_rest(lock: Lock, desk: Desk) -> bool:
    """Did nobody act on the symbol before, while or since the venue was asked? Then the difference is real."""
    now = desk.leases.lock(lock.instrument)
    return lock.intent is None and now is not None and now.intent is None and now.fence == lock.fence
