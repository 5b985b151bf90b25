"""All markets' finished days as one (G2). Currencies are never summed blindly: by the owner's rate, or side by side."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

import msgspec

from core.domain.levels import DayReport
from core.domain.policies import ResultsPolicy
from core.domain.reports import DayTotals, Total
from core.domain.results import EXACT
from core.domain.summary import drawdown, mean
from core.domain.values import ZERO, Market, Millis

ONE = Decimal(1)


def totals(market: Market, day: str, at: Millis, reports: Sequence[DayReport], policy: ResultsPolicy) -> DayTotals:
    """One total for each currency, and one for all where the owner's rates allow it and there is more than one.

    market  where it is kept; `reports` one for each market, all of the day called `day`
    """
    currencies = dict.fromkeys(report.currency for report in reports)
    each = tuple(_total(name, [one for one in reports if one.currency == name]) for name in currencies)
    return DayTotals(market=market, day=day, at=at, totals=each, converted=_converted(reports, currencies, policy))


def _converted(reports: Sequence[DayReport], currencies: Iterable[str], policy: ResultsPolicy) -> Total | None:
    rates = {name: Decimal(str(rate)) for name, rate in policy.rates.items()} | {policy.currency: ONE}
    names = set(currencies)
    if not policy.currency or len(names) < 2 or not names <= rates.keys():
        return None
    return _total(policy.currency, [exchanged(report, rates[report.currency], policy.currency) for report in reports])


def exchanged(report: DayReport, rate: Decimal, currency: str) -> DayReport:
    """The report's sums in another currency, exactly; `rate` is how much of it one unit of the report's own is."""
    with localcontext(EXACT):
        return msgspec.structs.replace(
            report,
            currency=currency,
            pnl=report.pnl * rate,
            fees=report.fees * rate,
            taxes=report.taxes * rate,
            worst=report.worst * rate,
            slippage=report.slippage * rate,
            liquidation_cost=report.liquidation_cost * rate,
            curve=tuple((at, total * rate) for at, total in report.curve),
        )


def _total(currency: str, reports: Sequence[DayReport]) -> Total:
    points = merged([report.curve for report in reports])
    with localcontext(EXACT):
        pnl = sum((report.pnl for report in reports), ZERO)
        trades = sum(report.trades for report in reports)
        return Total(
            currency=currency,
            markets=tuple(report.market for report in reports),
            trades=trades,
            wins=sum(report.wins for report in reports),
            pnl=pnl,
            fees=sum((report.fees for report in reports), ZERO),
            taxes=sum((report.taxes for report in reports), ZERO),
            average=mean(pnl, trades),
            worst=min(report.worst for report in reports),
            drawdown=drawdown(total for _, total in points),
            slippage=sum((report.slippage for report in reports), ZERO),
            liquidation_cost=sum((report.liquidation_cost for report in reports), ZERO),
            curve=points,
        )


def merged(curves: Sequence[Sequence[tuple[Millis, Decimal]]]) -> tuple[tuple[Millis, Decimal], ...]:
    """Several running totals as one: at each sale's time, what all of them had come to.

    >>> merged([[(Millis(1), Decimal(5)), (Millis(3), Decimal(2))], [(Millis(2), Decimal(-1))]])
    ((1, Decimal('5')), (2, Decimal('4')), (3, Decimal('1')))
    """
    every = ((at, which, total) for which, curve in enumerate(curves) for at, total in curve)
    steps = sorted(every, key=lambda step: step[0])
    newest: dict[int, Decimal] = {}
    points: list[tuple[Millis, Decimal]] = []
    with localcontext(EXACT):
        for at, which, total in steps:
            newest[which] = total
            points.append((at, sum(newest.values(), ZERO)))
    return tuple(points)
