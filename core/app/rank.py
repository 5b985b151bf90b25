"""Top N of the buyable set by 24 h traded value (C1-C5): written as a level, published once when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from core.app.leave import held, leave
from core.app.lookout import Lookout, Unanswered, paged
from core.app.ports import Leases, News, Signals
from core.domain.events import Ticker
from core.domain.levels import Buyable, SafeSet, StreamHealth, TopN
from core.domain.policies import WhenRemoved
from core.domain.ranking import rank
from core.domain.signals import Exit
from core.domain.values import Millis


class Standing(StrEnum):
    CHANGED = "changed"
    SAME = "unchanged"
    SILENT = "streamer silent"
    CLOSED = "market closed"
    FAILED = "failed"


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `sold` are the held symbols that left and for which a sell signal was sent (C4)."""

    outcome: Standing
    version: int = 0
    buyable: int = 0
    members: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    sold: tuple[str, ...] = ()
    calls: int = 0
    failure: str = ""


def run(lookout: Lookout, leases: Leases, signals: Signals, news: News) -> Ranked:
    """Rank once. A streamer that says nothing proves nothing: its last buyable set is not taken for an empty one."""
    at = lookout.clock()
    if not lookout.days.is_open(at):
        return Ranked(outcome=Standing.CLOSED)
    buyable = lookout.shelf.read(Buyable, lookout.market)
    if buyable is None or _silent(lookout, buyable, at):
        return Ranked(outcome=Standing.SILENT)
    symbols = _ranked_symbols(lookout, leases, buyable)
    before = lookout.quotes.calls
    try:
        tickers = _tickers(lookout, symbols)
    except Unanswered as trouble:
        calls = lookout.quotes.calls - before
        return Ranked(outcome=Standing.FAILED, buyable=len(symbols), calls=calls, failure=str(trouble))
    ranked = _settled(lookout, leases, signals, news, tickers, at)
    return msgspec.structs.replace(ranked, buyable=len(symbols), calls=lookout.quotes.calls - before)


def _ranked_symbols(lookout: Lookout, leases: Leases, buyable: Buyable) -> list[str]:
    """The buyable set, and the members that are held.

    A symbol that was bought is not buyable any more; without this every position would be sold (C4) as soon as it
    had been held for the stability time. It leaves the Top N when others outrank it, not because it was bought.
    """
    top = lookout.shelf.read(TopN, lookout.market)
    members = {member.symbol for member in top.members} if top else set()
    owned = {position.instrument.symbol for position in held(leases, lookout.market)} if members else set()
    return sorted({signal.instrument.symbol for signal in buyable.signals} | (members & owned))


def _silent(lookout: Lookout, buyable: Buyable, at: Millis) -> bool:
    health = lookout.shelf.read(StreamHealth, lookout.market)
    heard = max(buyable.at, health.at if health else Millis(0))
    return at - heard > lookout.policy.sweep.silent_s * 1000


def _tickers(lookout: Lookout, symbols: Sequence[str]) -> list[Ticker]:
    """One call where the venue takes so many symbols, else one for each batch, a pause apart (C1, C5)."""
    quote, pause_s = lookout.policy.universe.quote, lookout.policy.rank.pause_s
    return paged(
        lambda batch: lookout.quotes.tickers(batch, quote),
        symbols,
        lookout.venue.rest.batch,
        lambda: lookout.pause(pause_s),
    )


def _settled(
    lookout: Lookout, leases: Leases, signals: Signals, news: News, tickers: Sequence[Ticker], at: Millis
) -> Ranked:
    """Sell first, write second, tell last: a run that dies on the way is done again, and no step harms twice."""
    previous = lookout.shelf.read(TopN, lookout.market)
    ranking = rank(previous, tickers, lookout.policy.rank, at, lookout.market)
    sold = _sold(lookout, leases, signals, ranking.removed, at)
    lookout.shelf.write(ranking.top)
    changed = bool(ranking.added or ranking.removed)
    if changed:
        news.publish(lookout.market, ranking.added, ranking.removed, ranking.top.version, at)
    return Ranked(
        outcome=Standing.CHANGED if changed else Standing.SAME,
        version=ranking.top.version,
        members=tuple(member.symbol for member in ranking.top.members),
        added=ranking.added,
        removed=ranking.removed,
        sold=sold,
    )


def _sold(lookout: Lookout, leases: Leases, signals: Signals, removed: Sequence[str], at: Millis) -> tuple[str, ...]:
    """C4. What left the Top N is sold where it is held, unless the owner wants to keep it until its own exit."""
    if not removed or lookout.policy.rank.when_removed is WhenRemoved.KEEP:
        return ()
    leaving = [position for position in held(leases, lookout.market) if position.instrument.symbol in set(removed)]
    safe = lookout.shelf.read(SafeSet, lookout.market) if leaving else None
    return leave(lookout, signals, leaving, Exit.REMOVED, safe.names if safe else {}, at)
