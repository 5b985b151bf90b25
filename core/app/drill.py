"""A rehearsal of the forced liquidation (E6): the real use case, on books and a paper account that are nobody's.

The desk that is given must be one of a rehearsal: memory books, a paper venue of its own. Its positions are bought by
the same use case as any other; then its market is told to close soon, and what runs every minute before a real close
runs here, until the paper venue itself holds nothing or the close has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from core.app import liquidate
from core.app.desk import Desk, Ending
from core.app.liquidate import Liquidated, Liquidating
from core.app.trade import handle
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import DayPolicy
from core.domain.positions import Position
from core.domain.sessions import TOLD, Calendar, always_open
from core.domain.signals import Signal, signal_id
from core.domain.values import DAY, MINUTE, SECOND, ZERO, Instrument, Millis, Side

RULE = "drill"
SETTLED = frozenset({Ending.SOLD, Ending.FLAT})
PAUSE_S = 1.0
"""Between two runs: on the real clock a minute passes, and the venue is the same."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One rehearsed position. `orders` are the sales that were tried; `steps` how each was pushed."""

    symbol: str
    units: Decimal
    bought: Decimal
    sold: Decimal
    left: Decimal
    pnl: Decimal
    steps: tuple[str, ...]
    trouble: str = ""


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """What the rehearsal came to.

    seconds   from the first sale until flat, or until the close
    failed    symbols that could not even be bought, with the reason
    verdict   in words; `passed` is it as the last run proved it: nothing booked, nothing at the venue
    """

    passed: bool
    verdict: str
    seconds: float
    runs: int
    lines: tuple[Line, ...]
    failed: tuple[tuple[str, str], ...]


def run(desk: Desk, symbols: Sequence[str], window_s: float) -> Drilled:
    """Buy, close, sell out. Raises CoreError where the rehearsal's own parts do not answer."""
    began = replace(desk, rules=replace(desk.rules, calendar=_calendar(lambda: Millis(desk.clock() + DAY), flat=False)))
    failed = [(symbol, why) for symbol in symbols if (why := _open(symbol, began))]
    start, closes = desk.monotonic_s(), Millis(desk.clock() + round(window_s * SECOND))
    day = _shrunk(desk.policy.day, window_s)
    closing = replace(
        desk,
        rules=replace(desk.rules, calendar=_calendar(lambda: closes, flat=True)),
        policy=replace(desk.policy, day=day),
    )
    held = {lock.instrument.symbol: lock.position for lock in desk.leases.locks() if lock.position}
    runs = _runs(closing, closes)
    last = runs[-1]
    verdicts = [verdict for done in runs for verdict in done.verdicts]
    trouble = {each.instrument.symbol: each.detail for each in reversed(verdicts) if each.outcome not in SETTLED}
    lines = tuple(_line(position, last, trouble.get(symbol, ""), closing) for symbol, position in held.items())
    seconds = desk.monotonic_s() - start
    passed, words = _judged(last, bool(held), seconds, window_s)
    return Drilled(passed=passed, verdict=words, seconds=seconds, runs=len(runs), lines=lines, failed=tuple(failed))


def _shrunk(day: DayPolicy, window_s: float) -> DayPolicy:
    """The owner's ladder in the rehearsal's window: it must be at any price well before the close."""
    step_s = min(day.liquidate_step_s, window_s / (2 + 2 * len(day.liquidate_depths)))
    return replace(day, liquidate=True, liquidate_before_s=window_s, thin_before_s=window_s, liquidate_step_s=step_s)


def _runs(desk: Desk, closes: Millis) -> list[Liquidated]:
    """Runs of the use case as the schedule would make them, only sooner after each other."""
    runs = [liquidate.run(desk)]
    while runs[-1].outcome is not Liquidating.FLAT and desk.clock() < closes:
        desk.pause(PAUSE_S)
        runs.append(liquidate.run(desk))
    return [done for done in runs if done.outcome is not Liquidating.NOT_DUE] or runs


def _open(symbol: str, desk: Desk) -> str:
    """Buy one position as a signal would; returns why that did not work, "" where it did."""
    price, at = desk.last_price(symbol), desk.clock()
    if not price:
        return "nobody knows its price"
    on = Instrument(desk.market, symbol)
    verdict = handle(
        Signal(
            id=signal_id(on, Side.BUY, RULE, at),
            instrument=on,
            side=Side.BUY,
            rule=RULE,
            price=price,
            value=price,
            threshold=price,
            at=at,
            seen=at,
            expires=Millis(at + MINUTE),
            name=desk.name(symbol),
        ),
        desk,
    )
    return "" if verdict.outcome is Ending.BOUGHT else f"{verdict.outcome.value}: {verdict.limit} {verdict.detail}"


def _calendar(closes: Callable[[], Millis], *, flat: bool) -> Callable[[DayPolicy, Mapping[str, bool]], Calendar]:
    """A market that is open in continuous trading until `closes`, whatever its own hours are."""

    def made(policy: DayPolicy, told: Mapping[str, bool] = TOLD) -> Calendar:
        plain = always_open(policy)
        return replace(
            plain,
            is_open=lambda at: at < closes(),
            closes=lambda at: closes(),
            closed=lambda at: closes() if at >= closes() else Millis(closes() - DAY),
            phase=lambda at: Phase.REGULAR if at < closes() else Phase.CLOSED,
            flat=flat,
        )

    return made


def _line(position: Position, last: Liquidated, trouble: str, desk: Desk) -> Line:
    """As the rehearsal's own ledger has it: a sale whose answer was lost is in no verdict, and in there."""
    on, day = position.instrument, desk.days.day_of(desk.clock())
    trips = [trip for trip in desk.ledger.trips(desk.market, day) if trip.instrument == on]
    orders = [order for order in desk.ledger.orders(desk.market, day) if order.instrument == on]
    quantity = sum((trip.quantity for trip in trips), ZERO)
    proceeds = sum((trip.proceeds for trip in trips), ZERO)
    return Line(
        symbol=on.symbol,
        units=position.quantity,
        bought=position.price,
        sold=proceeds / quantity if quantity else ZERO,
        left=last.left.get(on.symbol, ZERO),
        pnl=sum((trip.pnl for trip in trips), ZERO),
        steps=tuple(step(order) for order in orders if order.side is Side.SELL),
        trouble=trouble,
    )


def step(order: Order) -> str:
    """How an order was pushed: at a limit under the price that it was decided at, or at any price."""
    if order.limit is None:
        return "any price"
    return f"{float(order.limit / order.reference) - 1.0:+.2%}" if order.reference else f"{order.limit:f}"


def _judged(last: Liquidated, anything: bool, seconds: float, window_s: float) -> tuple[bool, str]:
    if not anything:
        return False, "nothing was rehearsed: no position could be opened"
    match last.outcome:
        case Liquidating.FLAT:
            return True, f"flat after {seconds:.1f} s of {window_s:g}: the paper venue itself holds nothing"
        case Liquidating.UNPROVEN:
            return False, f"not proven: {last.unproven}"
        case _:
            left = ", ".join(f"{symbol} {units:f}" for symbol, units in sorted(last.left.items()))
            return False, f"not flat at the close: {left or 'what is left is not known'}"
