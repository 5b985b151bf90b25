"""One look at the whole safe universe (B1-B7): multi-symbol calls, snapshots, pre-filter, targets, approach alerts.

A failing venue doubles the interval up to its maximum and stops buying (safe mode); the first good scan restores both.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from core.app import scan_health
from core.app.lookout import Lookout, Unanswered, paged
from core.app.owed import deliver, settle
from core.app.ports import Passes
from core.domain import snapshots, watchlist
from core.domain.approach import Approach, approaching
from core.domain.errors import CoreError, Misconfigured
from core.domain.events import Book, Ticker
from core.domain.fates import sieved
from core.domain.levels import References, SafeSet, Scan, ScanHealth, Snapshot, Targets
from core.domain.messages import Alert, Kind
from core.domain.reports import Sieved
from core.domain.values import Instrument, Millis
from core.feed.pace import round_s, slowest
from core.venues.spec import environment


class Scanning(StrEnum):
    SCANNED = "scanned"
    NOT_DUE = "not due"
    CLOSED = "market closed"
    NO_UNIVERSE = "no safe set yet"
    FAILED = "failed"


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. `removed` counts what each pre-filter took away; `kept` is what is left of `snapshots`.

    untold  why the approach alerts could not be sent; `owed` alerts that wait for the next run
    """

    outcome: Scanning
    calls: int = 0
    snapshots: int = 0
    kept: int = 0
    removed: dict[str, int] = {}
    targets_changed: bool = False
    approaching: int = 0
    safe_mode: bool = False
    warning: str = ""
    failure: str = ""
    untold: str = ""
    owed: int = 0


def run(lookout: Lookout, passes: Passes, *, second: bool) -> Scanned:
    """Scan if it is time to. `second` says that this is the pass that an earlier one asked for (mode B)."""
    at = lookout.clock()
    if not lookout.days.is_open(at):
        return Scanned(outcome=Scanning.CLOSED)
    health = lookout.shelf.read(ScanHealth, lookout.market)
    if health and at < health.due:
        waiting = len(settle(lookout, health).owed)
        return Scanned(outcome=Scanning.NOT_DUE, safe_mode=health.safe_mode, owed=waiting)
    if lookout.policy.scan.second_pass_s and not second:
        passes.ask(lookout.market, lookout.policy.scan.second_pass_s, at)
    universe = lookout.shelf.read(SafeSet, lookout.market)
    if universe is None:
        waiting = len(scan_health.blind(lookout, health, at).owed)
        return Scanned(outcome=Scanning.NO_UNIVERSE, safe_mode=True, owed=waiting)
    return _scan(lookout, health, universe, at)


def _scan(lookout: Lookout, health: ScanHealth | None, universe: SafeSet, at: Millis) -> Scanned:
    before, (size, warning) = lookout.quotes.calls, batch_size(lookout)
    possible(lookout, len(universe.safe), size)
    try:
        tickers, books = _asked(lookout, universe.safe, size)
    except Unanswered as trouble:
        return _failed(lookout, health, trouble, lookout.quotes.calls - before, at)
    seen = _snapshots(lookout, tickers, books, at)
    kept, removed = snapshots.prefilter(seen, lookout.policy.scan)
    calls = lookout.quotes.calls - before
    near = list(approaching(kept, lookout.policy.rules, lookout.policy.scan.near))
    changed = _targets(lookout, kept, at)
    lookout.shelf.write(Scan(market=lookout.market, at=at, calls=calls, snapshots=tuple(seen), removed=removed))
    _sieve(lookout, seen, at)
    after = scan_health.good(lookout, health, universe, removed, at)
    untold = _tell(lookout, universe, near, at)
    return Scanned(
        outcome=Scanning.SCANNED,
        calls=calls,
        snapshots=len(seen),
        kept=len(kept),
        removed=removed,
        targets_changed=changed,
        approaching=len(near),
        safe_mode=after.safe_mode,
        warning=warning,
        untold=untold,
        owed=len(after.owed),
    )


def batch_size(lookout: Lookout) -> tuple[int, str]:
    """Symbols for each call, capped at what the venue takes, and the one warning that says so (B1)."""
    wanted, most = lookout.policy.scan.batch_size, lookout.venue.rest.batch
    if wanted <= most:
        return wanted, ""
    return most, f"scan.batch_size {wanted} is more than {lookout.market.value} takes: {most} is used"


def possible(lookout: Lookout, symbols: int, size: int) -> None:
    """Raises Misconfigured where a scan would take longer than the time between two of them, whoever else calls."""
    policy, rest = lookout.policy, lookout.venue.rest
    needs_s = round_s(symbols, size, slowest(rest.limits, policy.rest.limits, policy.rest.headroom))
    if needs_s > policy.scan.interval_s:
        raise Misconfigured(
            "one scan takes longer than scan.interval_s at the calls that this key's environment allows",
            symbols=symbols,
            calls=-(-symbols // size),
            needs_s=round(needs_s),
            interval_s=policy.scan.interval_s,
            environment=environment(policy).value,
        )


def _asked(lookout: Lookout, symbols: Sequence[str], size: int) -> tuple[list[Ticker], list[Book]]:
    """Tickers of all symbols, then the books of those whose ticker does not carry the best bid and ask.

    A venue that tells one book a call is not asked for any: a scan never makes one call per symbol (B1).
    """
    quote = lookout.policy.universe.quote

    def pause() -> None:
        lookout.pause(lookout.policy.scan.pause_s)

    tickers = paged(lambda batch: lookout.quotes.tickers(batch, quote), symbols, size, pause)
    most = lookout.venue.rest.books_batch or size
    bare = [
        ticker.instrument.symbol for ticker in tickers if ticker.bid is None and lookout.venue.rest.books_batch != 1
    ]
    if bare:
        pause()
    return tickers, paged(lambda batch: lookout.quotes.books(batch, 1), bare, min(size, most), pause)


def _snapshots(lookout: Lookout, tickers: Sequence[Ticker], books: Sequence[Book], at: Millis) -> list[Snapshot]:
    """One for each ticker, with yesterday's figures where those of this very day are loaded already."""
    by_symbol = {book.instrument.symbol: book for book in books}
    kept = lookout.shelf.read(References, lookout.market)
    rows = kept.rows if kept and kept.day == lookout.venue.rest.day_began(at) else {}
    symbols = [ticker.instrument.symbol for ticker in tickers]
    return [
        snapshots.build(ticker, by_symbol.get(symbol), rows.get(symbol))
        for ticker, symbol in zip(tickers, symbols, strict=True)
    ]


def _targets(lookout: Lookout, kept: Sequence[Snapshot], at: Millis) -> bool:
    """Write what is worth watching, best first; True where the set of symbols is another one than before."""
    previous = lookout.shelf.read(Targets, lookout.market)
    targets = watchlist.targets(previous, kept, lookout.policy, at, lookout.market)
    lookout.shelf.write(targets)
    return previous is None or previous.version != targets.version


def _sieve(lookout: Lookout, seen: Sequence[Snapshot], at: Millis) -> None:
    """Note what each filter did to whom, and where the prices are now; a day that is over is kept for its summary."""
    before, day = lookout.shelf.read(Sieved, lookout.market), lookout.days.day_start(at)
    if before is not None and before.day != day:
        lookout.shelf.write_once(before, lookout.days.day_of(before.day))
    lookout.shelf.write(sieved(before, seen, lookout.policy.scan, lookout.market, day, at))


def _failed(lookout: Lookout, health: ScanHealth | None, trouble: CoreError, calls: int, at: Millis) -> Scanned:
    waiting = len(scan_health.failed(lookout, health, trouble, at).owed)
    return Scanned(outcome=Scanning.FAILED, calls=calls, safe_mode=True, failure=str(trouble), owed=waiting)


def _tell(lookout: Lookout, universe: SafeSet, near: Sequence[Approach], at: Millis) -> str:
    """Last of all, and only once: what approaches now is told by the next scan, if it still does."""
    if not lookout.policy.scan.approach_alerts:
        return ""
    return deliver(lookout.alerts, [_alert(lookout, universe, found, at) for found in near])


def _alert(lookout: Lookout, universe: SafeSet, found: Approach, at: Millis) -> Alert:
    return Alert(
        id=f"approaching:{lookout.market.value}:{found.symbol}:{found.rule}:{at}",
        kind=Kind.APPROACHING,
        at=at,
        market=lookout.market,
        instrument=Instrument(lookout.market, found.symbol),
        name=universe.names.get(found.symbol, ""),
        rule=found.rule,
        condition=found.condition,
        value=found.value,
        threshold=found.threshold,
        link=lookout.venue.rules.link(found.symbol),
    )
