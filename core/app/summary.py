"""The daily summary (G2, G3): every finished day once, however often this runs and whenever it last did.

Level before edge: a run looks back over the last days and reports those that have no report yet. A report is told first
and written after, so a crash between the two tells it again, which the alert's id stops; never does it go untold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from core.app.ports import Alerts, Ledger, Shelf
from core.domain import summary, totals
from core.domain.bulletin import bulletin, together
from core.domain.fates import fates
from core.domain.levels import DayReport, ScanHealth
from core.domain.messages import Alert, Kind
from core.domain.policies import MarketPolicy, ResultsPolicy
from core.domain.reports import DayTotals, Sieved
from core.domain.sessions import Calendar
from core.domain.values import Market, Millis

LOOK_BACK = 3
"""Finished days that a run looks at; older ones that were missed stay unreported."""

POINTS = 120
"""Most points of the curve in an alert: a queue message has a size."""

FIRST = "first"


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """Level, once: when results were first looked for. A day before it that saw no order is not worth a report."""

    market: Market
    at: Millis


def run(
    market: Market,
    policy: MarketPolicy,
    *,
    days: Calendar,
    shelf: Shelf,
    ledger: Ledger,
    alerts: Alerts,
    language: str,
    at: Millis,
) -> list[DayReport]:
    """Report every finished day that has no report; returns those that were written now, oldest first."""
    shelf.write_once(Started(market=market, at=at), FIRST)
    started = shelf.read_tagged(Started, market, FIRST)
    written: list[DayReport] = []
    for day, begins, ends in finished_days(days, at):
        if shelf.read_tagged(DayReport, market, day) is not None:
            continue
        quote = policy.universe.quote
        report = so_far(market, day, begins, currency=quote, shelf=shelf, ledger=ledger, at=at)
        if report is None and (started is None or ends <= started.at):
            continue
        report = report or summary.report(market, day, at, trips=(), orders=(), removed={}, currency=quote)
        alerts.send([told(report, quote, language, at)])
        if shelf.write_once(report, day):
            written.append(report)
    return written


def finished_days(days: Calendar, at: Millis) -> Iterator[tuple[str, Millis, Millis]]:
    """(name, first millisecond, end) of the last LOOK_BACK finished days, oldest first."""
    ends, found = days.day_start(at), []
    for _ in range(LOOK_BACK):
        inside = Millis(ends - 1)
        begins = days.day_start(inside)
        found.append((days.day_of(inside), begins, ends))
        ends = begins
    return iter(reversed(found))


def overall(
    markets: Mapping[Market, Calendar],
    policy: ResultsPolicy,
    *,
    shelf: Shelf,
    alerts: Alerts,
    language: str,
    at: Millis,
) -> list[DayTotals]:
    """Sum up every day that all markets have behind them and that was not summed up yet; told first, as a day is.

    One market is its own total. A market that had no such day (a holiday) is not waited for.
    """
    if len(markets) < 2:
        return []
    first, written = next(iter(markets)), []
    for day in _over_everywhere(markets, at):
        reports = [found for market in markets if (found := shelf.read_tagged(DayReport, market, day))]
        if len(reports) < 2 or shelf.read_tagged(DayTotals, first, day) is not None:
            continue
        summed = totals.totals(first, day, at, reports, policy)
        alerts.send([told_of_all(summed, language, at)])
        if shelf.write_once(summed, day):
            written.append(summed)
    return written


def _over_everywhere(markets: Mapping[Market, Calendar], at: Millis) -> list[str]:
    """Names of the last finished days that run nowhere any more, oldest first."""
    days = sorted({day for calendar in markets.values() for day, _, _ in finished_days(calendar, at)})
    return [day for day in days if all(day < calendar.day_of(at) for calendar in markets.values())]


def told_of_all(summed: DayTotals, language: str, at: Millis) -> Alert:
    """All markets' day as an alert; its curve is that of everything in one currency, else of the first currency."""
    shown = summed.converted or summed.totals[0]
    return Alert(
        id=f"{Kind.SUMMARY.value}:all:{summed.day}",
        kind=Kind.SUMMARY,
        at=at,
        rule=summed.day,
        memo=together(summed, language),
        chart=thinned([total for _, total in shown.curve]),
        lasting=False,
    )


def told(report: DayReport, quote: str, language: str, at: Millis) -> Alert:
    """The report as an alert: its lines as the memo, its curve as the picture."""
    return Alert(
        id=f"{Kind.SUMMARY.value}:{report.market.value}:{report.day}",
        kind=Kind.SUMMARY,
        at=at,
        market=report.market,
        rule=report.day,
        memo=bulletin(report, quote, language),
        chart=thinned([total for _, total in report.curve]),
        lasting=False,
    )


def thinned(totals: Sequence[Decimal]) -> tuple[float, ...]:
    """At most POINTS of the totals, evenly apart, the last one always among them."""
    step = -(-len(totals) // POINTS) or 1
    return tuple(float(total) for total in totals[::-1][::step][::-1])


def so_far(
    market: Market, day: str, begins: Millis, *, currency: str, shelf: Shelf, ledger: Ledger, at: Millis
) -> DayReport | None:
    """The report of a day as far as it has come, None where nothing at all is known of it; `begins` is its start."""
    trips, orders = ledger.trips(market, day), ledger.orders(market, day)
    removed, sieve = _removed(market, day, begins, shelf), _sieved(market, day, begins, shelf)
    if not (trips or orders or removed):
        return None
    return summary.report(
        market, day, at, trips=trips, orders=orders, removed=removed, fates=fates(sieve), currency=currency
    )


def _sieved(market: Market, day: str, begins: Millis, shelf: Shelf) -> Sieved:
    """What became of each symbol of that day: kept when the next day's first scan came, else the newest."""
    kept = shelf.read_tagged(Sieved, market, day) or shelf.read(Sieved, market)
    return kept if kept is not None and kept.day == begins else Sieved(market=market, day=begins, at=begins, rows=())


def _removed(market: Market, day: str, begins: Millis, shelf: Shelf) -> dict[str, int]:
    """What the pre-filters removed that day: of the day's last scan, kept when the next day's first one came."""
    kept = shelf.read_tagged(ScanHealth, market, day) or shelf.read(ScanHealth, market)
    return kept.removed if kept is not None and kept.day == begins else {}
