"""The levels that steer one market: read whole every few seconds, so that a lost event does no harm (D2)."""

from __future__ import annotations

from typing import Protocol

import msgspec

from core.app.ports import Leases, Ledger, Shelf
from core.domain.levels import OpenDays, References, SafeSet, ScanHealth, Targets, TopN
from core.domain.policies import MarketPolicy
from core.domain.positions import Position
from core.domain.tenure import Shard
from core.domain.values import Market, Millis
from core.domain.watchlist import Wanted, wanted

SLOW_MS = Millis(15_000)
"""The safe set and the references change once an hour and are large: they are read this often."""


class Sources(Protocol):
    """Where levels are read."""

    @property
    def shelf(self) -> Shelf: ...

    @property
    def leases(self) -> Leases: ...

    @property
    def ledger(self) -> Ledger: ...


class Levels(msgspec.Struct, kw_only=True):
    """What was read last; None where nobody has written it yet. `slow_at` is when the large ones were read.

    pending  symbols with an open order, or one about to be sent
    """

    targets: Targets | None = None
    top: TopN | None = None
    health: ScanHealth | None = None
    safe: SafeSet | None = None
    references: References | None = None
    positions: tuple[Position, ...] = ()
    pending: tuple[str, ...] = ()
    halted: str = ""
    told: OpenDays | None = None
    slow_at: Millis = Millis(-(2**40))


def read(sources: Sources, market: Market, last: Levels, at: Millis) -> Levels:
    """Read the levels of one market; blocking, for a thread. Raises Transient where the tables do not answer."""
    shelf = sources.shelf
    slow = at - last.slow_at >= SLOW_MS
    locks = [lock for lock in sources.leases.locks() if lock.instrument.market is market]
    return Levels(
        targets=shelf.read(Targets, market),
        top=shelf.read(TopN, market),
        health=shelf.read(ScanHealth, market),
        safe=shelf.read(SafeSet, market) if slow else last.safe,
        references=shelf.read(References, market) if slow else last.references,
        positions=tuple(lock.position for lock in locks if lock.position),
        pending=tuple(lock.instrument.symbol for lock in locks if lock.intent),
        halted=sources.ledger.halted(market),
        told=shelf.read(OpenDays, market) if slow else last.told,
        slow_at=at if slow else last.slow_at,
    )


def mine(levels: Levels, shard: Shard) -> Levels:
    """What is held and pending in other shards is watched by those."""
    if not shard.tag:
        return levels
    positions = tuple(position for position in levels.positions if shard.has(position.instrument.symbol))
    pending = tuple(symbol for symbol in levels.pending if shard.has(symbol))
    return msgspec.structs.replace(levels, positions=positions, pending=pending)


def buyable_from(levels: Levels, policy: MarketPolicy, at: Millis) -> frozenset[str] | None:
    """What may be bought, None for nothing: halted, in safe mode, or a safe set that is missing or too old (A3)."""
    safe = levels.safe
    if levels.halted or safe is None or (levels.health and levels.health.safe_mode):
        return None
    return None if at - safe.at > policy.safety.max_age_s * 1000 else frozenset(safe.safe)


def choose(
    levels: Levels, subscribed: tuple[str, ...], cooldowns: dict[str, Millis], policy: MarketPolicy, at: Millis
) -> Wanted:
    """What should be subscribed now, held positions first."""
    return wanted(
        held=[position.instrument.symbol for position in levels.positions],
        top=[member.symbol for member in levels.top.members] if levels.top else [],
        candidates=levels.targets.candidates if levels.targets else (),
        subscribed=subscribed,
        cooldowns=cooldowns,
        policy=policy.watch,
        at=at,
    )


def firm(levels: Levels) -> tuple[str, ...]:
    """Symbols that must be seen whatever it costs: held, or with an open order."""
    held = {position.instrument.symbol for position in levels.positions}
    return (*sorted(held), *sorted(set(levels.pending) - held))


def members(levels: Levels) -> frozenset[str]:
    return frozenset(member.symbol for member in levels.top.members) if levels.top else frozenset()


def left_the_top(before: frozenset[str] | None, levels: Levels) -> frozenset[str]:
    """Symbols that were of the Top N and are not any more (C4); nothing where one of the two is not known."""
    return frozenset() if before is None or levels.top is None else before - members(levels)
