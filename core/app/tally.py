"""Our books against the venue's: units held by position, what is nobody's position, and what the venue says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from core.app.desk import Desk
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.levels import Hands, SafeSet
from core.domain.policies import ByHand
from core.domain.values import MINUTE, ZERO, Instrument, Millis

EVERY = 10
"""While nothing is held and people are only told, the venue is asked in one minute of so many."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Units by our books and by the venue's, without those that are nobody's position.

    lock     the symbol's item as it was compared; `aside` is what lies at the venue besides, dust first
    settled  the same was found in the run before: no fill is merely late
    """

    instrument: Instrument
    booked: Decimal
    found: Decimal
    lock: Lock
    aside: Decimal = ZERO
    settled: bool = False


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """`failure`: the venue did not say what it holds, and why. `dust`: less of it is there, symbol by symbol."""

    differences: tuple[Difference, ...] = ()
    dust: tuple[tuple[Lock, Decimal], ...] = ()
    failure: str = ""


def compare(locks: Sequence[Lock], desk: Desk, at: Millis) -> Tally:
    """Symbols that our books and the venue tell differently; `locks` were read before the venue is asked.

    Only what is held or was traded today, and, where units bought by hand are adopted, whatever is safe to trade:
    all else is its owner's own, and is remembered as that. Nothing is asked while the market is closed.
    """
    known = desk.shelf.read(Hands, desk.market)
    held = any(lock.position for lock in locks)
    watching = known is None or bool(known.suspects) or desk.policy.sweep.by_hand is not ByHand.TELL
    looking = held or watching or at // MINUTE % EVERY == 0
    if not desk.days.is_open(at) or not looking:
        return Tally()
    try:
        holdings = desk.broker.holdings(desk.market)
        today = desk.ledger.orders(desk.market, desk.days.day_of(at)) if holdings else ()
    except CoreError as trouble:
        return Tally(failure=str(trouble))
    ours = {order.instrument.symbol for order in today} | {each.instrument.symbol for each in locks if each.position}
    return _compared(locks, holdings, ours, known, desk, at)


def owned(hands: Hands | None, symbol: str) -> Decimal:
    """Units of the owner's own, as far as they are known."""
    return hands.own.get(symbol, ZERO) if hands else ZERO


def aside(locks: Sequence[Lock], desk: Desk) -> dict[str, Decimal]:
    """Units at the venue that are nobody's position: written off, or their owner's own."""
    hands = desk.shelf.read(Hands, desk.market)
    dust = {lock.instrument.symbol: lock.dust for lock in locks if lock.instrument.market is desk.market}
    symbols = dust.keys() | (hands.own.keys() if hands else ())
    return {symbol: dust.get(symbol, ZERO) + owned(hands, symbol) for symbol in symbols}


def _compared(
    locks: Sequence[Lock], holdings: Mapping[str, Decimal], ours: set[str], known: Hands | None, desk: Desk, at: Millis
) -> Tally:
    items = {lock.instrument.symbol: lock for lock in locks}
    own: dict[str, Decimal] = {}
    differences, dust = [], []
    wanted = _adoptable(known, desk)
    for symbol in sorted(items.keys() | holdings.keys()):
        lock = items.get(symbol) or Lock(instrument=Instrument(desk.market, symbol), fence=0)
        found, kept = holdings.get(symbol, ZERO), owned(known, symbol)
        gone = extra = ZERO
        if lock.intent is None:  # else what the venue holds is under way
            kept, gone, extra = _shared(lock, found, kept, ours=symbol in ours, wanted=symbol in wanted)
        if kept:
            own[symbol] = kept
        if not (gone or extra) or not _at_rest(lock, desk):
            continue
        if gone:
            dust.append((lock, lock.dust - gone))
        if extra:
            differences.append(_difference(lock, extra, lock.dust - gone + kept, known))
    _remember(own, differences, known, desk, at)
    return Tally(differences=tuple(differences), dust=tuple(dust))


def _shared(lock: Lock, found: Decimal, kept: Decimal, *, ours: bool, wanted: bool) -> tuple[Decimal, Decimal, Decimal]:
    """Units of the owner's own, dust that is gone, and what is left to explain (less than zero: units are missing).

    What is missing is taken to be the owner's own first, for it is his to sell; then dust, then our position.
    """
    beside = found - _booked(lock) - lock.dust
    extra = beside - kept
    if not ours and not (wanted and extra > 0):
        kept, extra = max(ZERO, beside), min(ZERO, beside)
    missing = max(ZERO, -extra)
    his = min(kept, missing)
    gone = min(lock.dust, missing - his)
    return kept - his, gone, extra + his + gone


def _difference(lock: Lock, extra: Decimal, aside: Decimal, known: Hands | None) -> Difference:
    booked, symbol = _booked(lock), lock.instrument.symbol
    found = booked + extra or ZERO
    before = known.suspects.get(symbol) if known else None
    settled = before == (booked, found)
    return Difference(instrument=lock.instrument, booked=booked, found=found, lock=lock, aside=aside, settled=settled)


def _adoptable(known: Hands | None, desk: Desk) -> frozenset[str]:
    """Symbols that become ours when a person buys them; none on the first look, which finds what was there before."""
    if known is None or desk.policy.sweep.by_hand is not ByHand.ADOPT:
        return frozenset()
    safe = desk.shelf.read(SafeSet, desk.market)
    return frozenset(safe.safe) if safe else frozenset()


def _remember(
    own: dict[str, Decimal], differences: Sequence[Difference], known: Hands | None, desk: Desk, at: Millis
) -> None:
    """Written where anything changed: the next run compares with it."""
    suspects = {each.instrument.symbol: (each.booked, each.found) for each in differences}
    if known is None or (own, suspects) != (known.own, known.suspects):
        desk.shelf.write(Hands(market=desk.market, at=at, own=own, suspects=suspects))


def _booked(lock: Lock) -> Decimal:
    return lock.position.quantity if lock.position else ZERO


def _at_rest(lock: Lock, desk: Desk) -> bool:
    """Did nobody act on the symbol before, while or since the venue was asked? Then the difference is real."""
    now = desk.leases.lock(lock.instrument)
    if now is None:
        return lock.fence == 0
    return lock.intent is None and now.intent is None and now.fence == lock.fence
