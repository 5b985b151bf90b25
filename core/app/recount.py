"""What is counted against the limits on money and positions, counted anew from the locks themselves (E7).

Every write that takes or gives back moves these totals in its own transaction, so they do not drift; but what an older
version, a restored table or a hand in the console left is put right here, for a total that is too high keeps the owner
from buying and one that is too low lets him buy too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

import msgspec

from core.app.desk import Desk
from core.app.ports import Total
from core.domain.leases import Lock
from core.domain.results import EXACT
from core.domain.values import ZERO, Market, Millis, Side

Scope = Market | str
"""A market, or a currency by its name."""


class Drifts(msgspec.Struct, frozen=True, kw_only=True):
    """Level: by how much money and how many positions the totals were off in the last run, by their names."""

    market: Market
    at: Millis
    off: dict[str, tuple[Decimal, int]] = {}


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """A total that was put right."""

    of: str
    was: Total
    exposure: Decimal
    positions: int


def totals(desk: Desk) -> dict[Scope, Total]:
    """As they are counted now. To be read before the locks that they are held against."""
    scopes: list[Scope] = [desk.market]
    if desk.paid_alike is not None:
        scopes.append(desk.policy.universe.quote)
    return {scope: desk.ledger.total(scope) for scope in scopes}


def put_right(before: Mapping[Scope, Total], locks: Iterable[Lock], desk: Desk) -> tuple[Recount, ...]:
    """Correct what is off by the same as in the run before, or was never counted; returns what was corrected.

    The store refuses it where anything moved since the totals were read. Seen once is not enough: a transaction that
    is being written may show in a total a moment before it shows in its lock.
    """
    locks = list(locks)
    known = desk.shelf.read(Drifts, desk.market)
    seen = known.off if known else {}
    off: dict[str, tuple[Decimal, int]] = {}
    done = []
    for scope, total in before.items():
        exposure, positions = _taken(locks, _markets(scope, desk))
        positions = positions if isinstance(scope, Market) else 0
        drift = (total.exposure - exposure, total.positions - positions)
        if not any(drift):
            continue
        if (not total.moves or seen.get(scope) == drift) and desk.ledger.correct(scope, total, exposure, positions):
            done.append(Recount(of=str(scope), was=total, exposure=exposure, positions=positions))
        else:
            off[str(scope)] = drift
    if off != seen:
        desk.shelf.write(Drifts(market=desk.market, at=desk.clock(), off=off))
    return tuple(done)


def _markets(scope: Scope, desk: Desk) -> frozenset[Market]:
    return frozenset({scope}) if isinstance(scope, Market) else desk.paid_alike or frozenset()


def _taken(locks: Iterable[Lock], markets: frozenset[Market]) -> tuple[Decimal, int]:
    """What positions cost with their fees, and what buys under way have reserved."""
    mine = [lock for lock in locks if lock.instrument.market in markets]
    with localcontext(EXACT):
        taken = [each for lock in mine if (each := _of(lock)) is not None]
        return sum(taken, ZERO), len(taken)


def _of(lock: Lock) -> Decimal | None:
    if lock.position is not None:
        return lock.position.cost + lock.position.fees
    buying = lock.intent is not None and lock.intent.side is Side.BUY and lock.intent.reserved
    return lock.intent.cost if buying and lock.intent else None
