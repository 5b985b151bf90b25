"""A finished day in figures (G2, G3): pure sums over its round trips and orders.

A *trade* is one position, from buy to flat: the sales that closed it in parts count together, once.
Money is in the market's quote currency; sums are exact, the average is rounded to 8 decimals.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, localcontext
from types import MappingProxyType

from core.domain.levels import DayReport
from core.domain.orders import Order
from core.domain.positions import RoundTrip
from core.domain.reports import Fate, Record
from core.domain.results import EXACT
from core.domain.signals import Exit
from core.domain.values import KST, ZERO, Market, Millis, Side

STEP = Decimal("1e-8")
NOTHING: Mapping[str, Fate] = MappingProxyType({})
GROUPS: Mapping[str, Callable[[RoundTrip], str]] = MappingProxyType(
    {
        "rule": lambda trip: trip.rule,
        "exit": lambda trip: trip.exit,
        "symbol": lambda trip: trip.instrument.symbol,
        "hour": lambda trip: hour(trip.closed),
    }
)
"""What a day is split by, and how a sale finds its group."""


def report(
    market: Market,
    day: str,
    at: Millis,
    *,
    trips: Sequence[RoundTrip],
    orders: Iterable[Order],
    removed: Mapping[str, int],
    fates: Mapping[str, Fate] = NOTHING,
    currency: str = "",
) -> DayReport:
    """The day's figures.

    trips    what was sold that day, any order; `orders` every order of the day, for what the fills lost
    removed  symbols that each pre-filter took out of the scans (B5); `fates` how those went on afterwards

    worst             the largest loss of one trade as a figure below zero; 0 where nothing lost
    slippage          what all fills lost against the prices they were decided at (below zero: gained)
    liquidation_cost  losses that forced liquidation made final, as a figure above zero; `liquidation_slippage` what
                      its fills lost against the prices that they were decided at
    """
    orders = tuple(orders)
    with localcontext(EXACT):
        trades = _by(trips, _trade).values()
        pnl = sum((trip.pnl for trip in trips), ZERO)
        points = curve(trips)
        return DayReport(
            market=market,
            day=day,
            at=at,
            trades=len(trades),
            wins=sum(1 for earned in trades if earned > 0),
            pnl=pnl,
            fees=sum((trip.fees for trip in trips), ZERO),
            taxes=sum((trip.taxes for trip in trips), ZERO),
            average=mean(pnl, len(trades)),
            worst=min([ZERO, *trades]),
            drawdown=drawdown([total for _, total in points]),
            curve=points,
            by_rule=_by(trips, GROUPS["rule"]),
            by_exit=_by(trips, GROUPS["exit"]),
            by_symbol=_by(trips, GROUPS["symbol"]),
            by_hour=_by(trips, GROUPS["hour"]),
            slippage=sum((slippage(order) for order in orders), ZERO),
            liquidation_cost=liquidation_cost(trips),
            removed=dict(removed),
            currency=currency,
            liquidation_slippage=sum((slippage(order) for order in orders if _forced(order)), ZERO),
            records={name: records(trips, key) for name, key in GROUPS.items()},
            fates=dict(fates),
        )


def records(trips: Iterable[RoundTrip], key: Callable[[RoundTrip], str]) -> dict[str, Record]:
    """What each group came to, the one that earned most first."""
    groups: defaultdict[str, list[RoundTrip]] = defaultdict(list)
    for trip in trips:
        groups[key(trip)].append(trip)
    with localcontext(EXACT):
        found = {name: _record(group) for name, group in groups.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].pnl, item[0])))


def curve(trips: Iterable[RoundTrip]) -> tuple[tuple[Millis, Decimal], ...]:
    """(time, profit and loss so far) after each sale, in the order they closed; shape (trips,)."""
    points: list[tuple[Millis, Decimal]] = []
    total = ZERO
    with localcontext(EXACT):
        for trip in sorted(trips, key=lambda trip: (trip.closed, trip.id)):
            total += trip.pnl
            points.append((trip.closed, total))
    return tuple(points)


def drawdown(totals: Iterable[Decimal]) -> Decimal:
    """The deepest fall of a running total from any earlier top, the day's start (0) included; never below zero.

    >>> drawdown([Decimal(5), Decimal(2), Decimal(9), Decimal(1)])
    Decimal('8')
    """
    top, deepest = ZERO, ZERO
    with localcontext(EXACT):
        for total in totals:
            top = max(top, total)
            deepest = max(deepest, top - total)
    return deepest


def slippage(order: Order) -> Decimal:
    """What an order's fills lost against the price it was decided at, quote currency; below zero where they gained."""
    with localcontext(EXACT):
        dearer = order.value - order.reference * order.filled
        return dearer if order.side is Side.BUY else -dearer


def liquidation_cost(trips: Iterable[RoundTrip]) -> Decimal:
    """Losses that forced liquidation made final, quote currency, zero or more."""
    with localcontext(EXACT):
        return sum((-trip.pnl for trip in trips if trip.exit == Exit.LIQUIDATION and trip.pnl < 0), ZERO)


def hour(at: Millis) -> str:
    """Hour of the day in Korea, two digits."""
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%H")


def _record(group: Sequence[RoundTrip]) -> Record:
    trades = _by(group, _trade).values()
    slipped = sum((trip.slippage for trip in group), ZERO)
    return Record(len(trades), sum(1 for earned in trades if earned > 0), sum(trades, ZERO), slipped)


def _forced(order: Order) -> bool:
    return order.side is Side.SELL and order.reason == Exit.LIQUIDATION


def _trade(trip: RoundTrip) -> str:
    return f"{trip.instrument}#{trip.worker}#{trip.opened}"


def _by(trips: Iterable[RoundTrip], key: Callable[[RoundTrip], str]) -> dict[str, Decimal]:
    """Profit and loss by key, best first."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for trip in trips:
        sums[key(trip)] += trip.pnl
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def mean(pnl: Decimal, trades: int) -> Decimal:
    """Profit and loss of one trade, rounded to STEP; 0 where there was none."""
    return (Context(prec=40).divide(pnl, Decimal(trades))).quantize(STEP, context=Context(prec=40)) if trades else ZERO
