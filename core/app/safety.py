"""The safety filter (A1-A4): load the listing, split safe from excluded, look after what is held, top up references."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from core.app.confirm import told
from core.app.leave import held, leave
from core.app.lookout import Lookout, Unanswered
from core.app.owed import owing, settle
from core.app.ports import Leases, Signals
from core.app.references import Topped, top_up
from core.domain import safety
from core.domain.errors import CoreError
from core.domain.events import Listing
from core.domain.levels import SafeSet, SafetyHealth
from core.domain.messages import Alert, Kind
from core.domain.policies import UniversePolicy, WhenHeld
from core.domain.positions import Position
from core.domain.sessions import awake
from core.domain.signals import Exit
from core.domain.specifications import told as told_of
from core.domain.values import Millis

RULE = "safety_filter"
UNLISTED = "not listed any more"


class Filtering(StrEnum):
    REFRESHED = "refreshed"
    KEPT = "kept"
    CLOSED = "market closed"


class Filtered(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `age_ms` is that of the safe set now in use, None where there is none at all.

    unsafe   held symbols that are excluded, with what excludes them; `sold` those for which a sell signal was sent
    owed     alerts that could not be sent, and wait for the next run
    """

    outcome: Filtering
    safe: int = 0
    excluded: int = 0
    unsafe: dict[str, tuple[str, ...]] = {}
    sold: tuple[str, ...] = ()
    age_ms: Millis | None = None
    references: Topped | None = None
    failure: str = ""
    owed: int = 0


def run(lookout: Lookout, leases: Leases, signals: Signals) -> Filtered:
    """Refresh the safe set. Where the venue does not answer, the last good one stays and people are told once (A3).

    Nothing is asked while the market is closed, but for its days, and for the hour before it opens (B6).
    """
    at = lookout.clock()
    lookout = msgspec.structs.replace(lookout, told=told(lookout))
    if not awake(at, lookout.days):
        return Filtered(outcome=Filtering.CLOSED)
    positions = held(leases, lookout.market)
    try:
        universe, ranked = with_busiest(lookout)
        listings = lookout.quotes.listing(asked_for(universe, ranked, positions))
        fresh = safety.split(listings, bounded(lookout, universe, ranked), lookout.policy.safety, at)
    except Unanswered as trouble:
        return _kept(lookout, trouble, at)
    unsafe = endangered(fresh, listings, positions)
    in_danger = [position for position in positions if position.instrument.symbol in unsafe]
    health = _noted(lookout, _turned(lookout, fresh, in_danger, unsafe), at)
    if (specifications := told_of(listings, lookout.market, at)) is not None:
        lookout.shelf.write(specifications)  # before the set: what may be bought can be ordered
    lookout.shelf.write(fresh)
    sold = _sold(lookout, signals, fresh, in_danger)
    health = settle(lookout, health)
    return Filtered(
        outcome=Filtering.REFRESHED,
        safe=len(fresh.safe),
        excluded=len(fresh.excluded),
        unsafe=unsafe,
        sold=sold,
        age_ms=Millis(0),
        references=top_up(lookout, fresh.safe, at),
        owed=len(health.owed),
    )


def with_busiest(lookout: Lookout) -> tuple[UniversePolicy, list[str]]:
    """The owner's universe with today's busiest symbols in it, where they are wanted, and which those are (A5)."""
    universe = lookout.policy.universe
    ranked = lookout.quotes.busiest(universe.busiest) if universe.busiest else []
    if not universe.codes:  # it is the venue's own list or the owner's file, which a code more would not widen
        return universe, ranked
    return msgspec.structs.replace(universe, codes=tuple(dict.fromkeys((*universe.codes, *ranked)))), ranked


def asked_for(universe: UniversePolicy, ranked: Sequence[str], positions: Sequence[Position]) -> UniversePolicy:
    """A venue that lists only what it is asked for must be asked for what is held, whatever the list says by now."""
    held = (position.instrument.symbol for position in positions)
    return msgspec.structs.replace(universe, always=tuple(dict.fromkeys((*universe.always, *ranked, *held))))


def bounded(lookout: Lookout, universe: UniversePolicy, ranked: Sequence[str]) -> UniversePolicy:
    """The universe with its symbols named, where they can be: what is asked for only because it is held is watched,
    and is not bought again."""
    named = lookout.venue.rest.named(universe)
    return msgspec.structs.replace(universe, codes=(*named, *ranked)) if named and not universe.codes else universe


def endangered(
    fresh: SafeSet, listings: Sequence[Listing], positions: Sequence[Position]
) -> dict[str, tuple[str, ...]]:
    """Held symbols that are not safe, with the reasons. One that is no longer listed is the least safe of all.

    That the owner looks at another universe now (quote, codes) makes nothing unsafe.
    """
    reasons = {
        exclusion.symbol: exclusion.reasons
        for exclusion in fresh.excluded
        if not {safety.QUOTE, safety.CODES}.issuperset(exclusion.reasons)
    }
    listed = {listing.instrument.symbol for listing in listings}
    symbols = [position.instrument.symbol for position in positions]
    gone = {symbol: (UNLISTED,) for symbol in symbols if symbol not in listed}
    return gone | {symbol: reasons[symbol] for symbol in symbols if symbol in reasons}


def _turned(
    lookout: Lookout, fresh: SafeSet, in_danger: Sequence[Position], unsafe: dict[str, tuple[str, ...]]
) -> list[Alert]:
    """A4. What people are told of held symbols that have just turned unsafe."""
    before = lookout.shelf.read(SafeSet, lookout.market)
    turned = [p for p in in_danger if before is None or p.instrument.symbol in before.safe]
    return [_unsafe(lookout, fresh, position, unsafe) for position in turned]


def _sold(lookout: Lookout, signals: Signals, fresh: SafeSet, in_danger: Sequence[Position]) -> tuple[str, ...]:
    """A4. The sell goes out on every run until nothing is held any more."""
    if lookout.policy.safety.when_held is WhenHeld.HOLD:
        return ()
    return leave(lookout, signals, in_danger, Exit.UNSAFE, fresh.names, fresh.at)


def _unsafe(lookout: Lookout, fresh: SafeSet, position: Position, unsafe: dict[str, tuple[str, ...]]) -> Alert:
    symbol = position.instrument.symbol
    return Alert(
        id=f"unsafe:{position.instrument}:{fresh.at}",
        kind=Kind.UNSAFE,
        at=fresh.at,
        market=lookout.market,
        instrument=position.instrument,
        name=fresh.names.get(symbol, ""),
        rule=RULE,
        condition=", ".join(unsafe[symbol]),
        memo=f"held: {lookout.policy.safety.when_held.value}",
        link=lookout.venue.rules.link(symbol),
    )


def _kept(lookout: Lookout, trouble: CoreError, at: Millis) -> Filtered:
    """A3. The last good set stays in use; its age is what stops buying, not this failure."""
    good = lookout.shelf.read(SafeSet, lookout.market)
    health = lookout.shelf.read(SafetyHealth, lookout.market)
    failures = (health.failures if health else 0) + 1
    age = Millis(at - good.at) if good else None
    news = [_failing(lookout, trouble, age, at)] if failures == 1 else []
    now = SafetyHealth(market=lookout.market, at=at, failures=failures, reason=str(trouble), owed=owing(health, news))
    lookout.shelf.write(now)
    owed = len(settle(lookout, now).owed)
    safe, excluded = (len(good.safe), len(good.excluded)) if good else (0, 0)
    return Filtered(outcome=Filtering.KEPT, safe=safe, excluded=excluded, age_ms=age, failure=str(trouble), owed=owed)


def _failing(lookout: Lookout, trouble: CoreError, age: Millis | None, at: Millis) -> Alert:
    kept = "there is no earlier list" if age is None else f"the list in use is {age // 60_000} min old"
    return Alert(
        id=f"safety_failing:{lookout.market.value}:{at}",
        kind=Kind.SCAN_FAILING,
        at=at,
        market=lookout.market,
        rule=RULE,
        condition=trouble.found,
        value=None if age is None else age / 1000,
        threshold=lookout.policy.safety.max_age_s,
        memo=kept,
    )


def _noted(lookout: Lookout, news: Sequence[Alert], at: Millis) -> SafetyHealth:
    """The filter works: written with what people are owed before the set itself, so that no crash swallows that."""
    before = lookout.shelf.read(SafetyHealth, lookout.market)
    if before is not None and before.failures:
        news = [*news, _recovered(lookout, before, at)]
    after = SafetyHealth(market=lookout.market, at=at, owed=owing(before, news))
    if news:
        lookout.shelf.write(after)
    return after


def _recovered(lookout: Lookout, before: SafetyHealth, at: Millis) -> Alert:
    return Alert(
        id=f"safety_recovered:{lookout.market.value}:{at}",
        kind=Kind.RECOVERED,
        at=at,
        market=lookout.market,
        rule=RULE,
        memo=f"after {before.failures} failed runs",
        lasting=False,
    )
