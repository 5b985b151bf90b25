"""`hoga summary`: what a day came to, market by market and all together, closed or so far (G1-G3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import click
import msgspec

from core.app.summary import so_far
from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.domain import summary as figures
from core.domain import totals as together
from core.domain.errors import Misconfigured
from core.domain.levels import DayReport
from core.domain.phrases import EXITS, FILTERS, said
from core.domain.positions import RoundTrip
from core.domain.reports import Fate, Record, Total
from core.domain.sessions import Calendar, of_day
from core.domain.values import DAY, KST, Market, Millis
from core.domain.wording import money
from core.local.day import clock_of
from core.local.look import View
from core.local.telling import figure, units
from core.venues.spec import venue

NAMES = {"rule": "rule", "exit": "exit", "symbol": "symbol", "hour": "hour (KST)"}
SALES = ("time", "symbol", "rule", "exit", ">units", ">bought", ">sold", ">fees", ">taxes", ">slippage", ">PnL")


class Sheet(msgspec.Struct, frozen=True):
    """One market's day: what was sold, and its figures. `closed` says whether they are final."""

    market: Market
    day: str
    trips: list[RoundTrip]
    figures: DayReport
    closed: bool


@click.command()
@click.option(
    "--date",
    "--day",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    metavar="YYYY-MM-DD",
    help="Another day than the one under way.",
)
@click.option("--market", "name", default="", metavar="MARKET", help="One market only; without it, all of them.")
@json_option
def summary(day: datetime | None, name: str, as_json: bool) -> None:
    """The day's results: PnL, costs, what each rule and filter was worth; so far, or closed."""
    site = place.site()
    markets = _chosen(name, site.markets)
    views = [view for view in site.views(f"{day:%Y-%m-%d}" if day else "") if view.market in markets]
    sheets = [_sheet(site, view) for view in views]
    reports = [sheet.figures for sheet in sheets]
    summed = together.totals(markets[0], sheets[0].day, views[0].at, reports, site.settings.results)
    if as_json:
        shown = {sheet.market.value: _as_json(sheet) for sheet in sheets}
        say_json({**_as_json(sheets[0]), "markets": shown, "totals": summed.totals, "converted": summed.converted})
        return
    for sheet in sheets:
        _show(sheet)
    if len(sheets) > 1:
        _show_totals([*summed.totals, *([summed.converted] if summed.converted else [])], bool(summed.converted))


def _chosen(name: str, markets: Sequence[Market]) -> list[Market]:
    found = [market for market in markets if name.lower() in ("", market.value)]
    if not found:
        allowed = ", ".join(market.value for market in markets)
        raise Misconfigured("no such market is enabled here", market=name, allowed=allowed)
    return found


def _sheet(site: place.Site, view: View) -> Sheet:
    """The report as it was written, else what it would say now."""
    if view.summary:
        return Sheet(view.market, view.day, view.trips, view.summary, True)
    policy = site.settings.markets[view.market]
    begins, quote = begin_of(view.day, venue(view.market).rules.calendar(policy.day)), policy.universe.quote
    books = site.books
    now = so_far(
        view.market, view.day, begins, currency=quote, shelf=books.shelf, ledger=books.ledger, at=view.at
    ) or figures.report(view.market, view.day, view.at, trips=(), orders=(), removed={}, currency=quote)
    return Sheet(view.market, view.day, view.trips, now, False)


def begin_of(day: str, days: Calendar) -> Millis:
    """First millisecond of the market's day of that name; midnight in Korea where the market has no such day."""
    midnight = Millis(int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1000 - KST)
    tried = (Millis(midnight + offset) for offset in (of_day("12:00"), of_day("12:00") - 1, of_day("00:00"), DAY - 1))
    return next((days.day_start(at) for at in tried if days.day_of(at) == day), midnight)


def _as_json(sheet: Sheet) -> dict[str, object]:
    report = sheet.figures if sheet.closed else None
    return {"day": sheet.day, "closed": sheet.closed, "report": report, "figures": sheet.figures, "trips": sheet.trips}


def _show(sheet: Sheet) -> None:
    market, report = sheet.market.value, sheet.figures
    state = f"(closed at {clock_of(report.at)} KST)" if sheet.closed else "(so far)"
    rows = [_sale(trip, report.currency) for trip in sorted(sheet.trips, key=lambda trip: trip.closed)]
    title = f"{market}: results of {sheet.day} in {report.currency} {state}"
    say_table(title, SALES, rows, none=f"{market}: nothing was sold on {sheet.day} {state if sheet.closed else 'yet'}")
    if report.trades:
        click.echo()
        say_table(f"{market}: figures", ("figure", f">{report.currency}"), _figures(report), none="")
        click.echo()
        columns = ("by", "name", ">trades", ">won", ">hit rate", ">slippage", ">PnL")
        say_table(f"{market}: what paid", columns, list(_records(report)), none="")
    if report.removed or set(report.fates) - {""}:
        click.echo()
        sieve = ("filter", ">times removed", ">symbols", ">rose since", ">mean change since")
        say_table(f"{market}: what the filters removed, and how it went on", sieve, list(_filters(report)), none="")
    click.echo()


def _sale(trip: RoundTrip, currency: str) -> Sequence[str]:
    return (
        clock_of(trip.closed),
        trip.instrument.symbol,
        trip.rule,
        trip.exit,
        units(trip.quantity),
        figure(trip.bought),
        figure(trip.sold),
        amount(trip.fees, currency),
        amount(trip.taxes, currency),
        amount(trip.slippage, currency, signed=True),
        amount(trip.pnl, currency, signed=True),
    )


def _figures(report: DayReport) -> Sequence[tuple[str, str]]:
    money_of = {
        "average of a trade": report.average,
        "largest loss": report.worst,
        "largest drawdown": report.drawdown,
        "fees": report.fees,
        "taxes": report.taxes,
        "slippage against the signals' prices": report.slippage,
        "lost in forced liquidation": report.liquidation_cost,
        "slippage of forced liquidation": report.liquidation_slippage,
    }
    won = f"{report.wins / report.trades:.1%} ({report.wins} of {report.trades})"
    first = [("PnL", amount(report.pnl, report.currency, signed=True)), ("win rate", won)]
    return [*first, *((name, amount(value, report.currency)) for name, value in money_of.items())]


def _records(report: DayReport) -> Iterator[Sequence[str]]:
    for by, records in report.records.items():
        for number, (name, record) in enumerate(records.items()):
            yield ("" if number else NAMES[by], said(EXITS, name, "en"), *_record(record, report.currency))


def _record(record: Record, currency: str) -> Sequence[str]:
    hit = f"{record.wins / record.trades:.0%}"
    slipped = amount(record.slippage, currency, signed=True)
    return str(record.trades), str(record.wins), hit, slipped, amount(record.pnl, currency, signed=True)


def _filters(report: DayReport) -> Iterator[Sequence[str]]:
    for name in sorted({*report.removed, *report.fates} - {""}):
        yield said(FILTERS, name, "en"), f"{report.removed.get(name, 0):,}", *_fate(report.fates.get(name))
    if kept := report.fates.get(""):
        yield "none (kept)", "-", *_fate(kept)


def _fate(fate: Fate | None) -> Sequence[str]:
    return (f"{fate.symbols:,}", f"{fate.risen:,}", f"{fate.change:+.2%}") if fate else ("-", "-", "-")


def _show_totals(totals: Sequence[Total], converted: bool) -> None:
    columns = (
        "currency", "markets", ">trades", ">won", ">PnL", ">average", ">largest loss", ">drawdown", ">fees", ">taxes",
    )  # fmt: skip
    rows = [_total(total, last=converted and total is totals[-1]) for total in totals]
    say_table("all markets", columns, rows, none="")
    if not converted and len(totals) > 1:
        click.echo("currencies are not summed: `results.currency` and `results.rates` in the settings convert them")


def _total(total: Total, *, last: bool) -> Sequence[str]:
    sums = (total.average, total.worst, total.drawdown, total.fees, total.taxes)
    return (
        f"{total.currency} (converted)" if last else total.currency,
        ", ".join(market.value for market in total.markets),
        str(total.trades),
        str(total.wins),
        amount(total.pnl, total.currency, signed=True),
        *(amount(each, total.currency) for each in sums),
    )


def amount(value: Decimal, currency: str, *, signed: bool = False) -> str:
    """Money as people write it in that currency, without its name.

    >>> amount(Decimal("-1234.5"), "KRW"), amount(Decimal("1.5"), "USDT", signed=True)
    ('-1,235', '+1.50')
    """
    return money(value, currency, "en", signed=signed).removesuffix(f" {currency}")


COMMANDS = (summary,)
