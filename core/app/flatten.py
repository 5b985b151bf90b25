"""The kill switch that sells (E10): what is held within a halt's scope goes, and the order stands until all of it has.

The order is a row in the ledger, so whoever dies on it is followed by the next run. Buys stay halted afterwards.
"""

from __future__ import annotations

import msgspec

from core.app import tidings
from core.app.desk import Desk, Verdict
from core.app.leave import held
from core.app.liquidate import Liquidated, Liquidating, outcome_of
from core.app.owed import deliver
from core.app.remainder import Remainder, proven
from core.app.selling import Due, cancel_buys, sell_out, turn
from core.domain.messages import Alert, Kind
from core.domain.signals import Exit
from core.domain.values import MINUTE, Instrument, Market, Millis

ALL = "all"


class Flattening(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did for one scope. `waiting` says until when nothing can be sold, "" where it can."""

    scope: str
    done: Liquidated
    waiting: str = ""
    untold: str = ""


def run(desk: Desk, others: int = 0) -> list[Flattening]:
    """Go on with every scope that concerns this market; nothing is read but the halts where there is none.

    others  as in `liquidate.run`
    """
    scopes = [scope for scope in sorted(desk.ledger.flattening()) if concerns(scope, desk.market)]
    return [_flatten(scope, desk, others) for scope in scopes]


def concerns(scope: str, market: Market) -> bool:
    """
    >>> concerns("all", Market.UPBIT), concerns("krx:005930", Market.UPBIT), concerns("upbit:KRW-BTC", Market.UPBIT)
    (True, False, True)
    """
    return scope == ALL or scope.partition(":")[0] == market.value


def within(scope: str, instrument: Instrument) -> bool:
    return scope in (ALL, instrument.market.value, str(instrument))


def _flatten(scope: str, desk: Desk, others: int) -> Flattening:
    at, days = desk.clock(), desk.days
    cancelled = cancel_buys(desk, lambda instrument: within(scope, instrument))
    verdicts: list[Verdict] = []
    if days.is_open(at):
        verdicts = sell_out(desk, lambda: _due(scope, desk), Exit.FLATTEN, turn(desk, others), days.closes(at))
    left = proven(desk, lambda instrument: within(scope, instrument), days.day_of(at))
    done = outcome_of(left, verdicts, cancelled)
    if done.outcome is Liquidating.FLAT and _everywhere(scope, desk):
        desk.ledger.flattened(scope)
    waiting = "" if days.is_open(at) or not left.units else "the market is closed: sold when it opens"
    untold = deliver(desk.alerts, [_told(scope, left, waiting, verdicts, desk, at)])
    return Flattening(scope=scope, done=done, waiting=waiting, untold=untold)


def _due(scope: str, desk: Desk) -> list[Due]:
    positions = held(desk.leases, desk.market)
    return [Due(position) for position in positions if within(scope, position.instrument)]


def _everywhere(scope: str, desk: Desk) -> bool:
    """An order over all markets stands until each of them is flat."""
    return scope != ALL or not any(lock.position for lock in desk.leases.locks())


def _told(scope: str, left: Remainder, waiting: str, verdicts: list[Verdict], desk: Desk, at: Millis) -> Alert:
    """Flat as the venue says, or what is left and why."""
    if not left.units and not left.unproven:
        memo = f"flatten {scope}: the venue holds nothing of it"
        id = f"{desk.market.value}:{Kind.LIQUIDATION.value}:flatten:{scope}:{at // MINUTE}"
        rule = Exit.FLATTEN.value
        return Alert(id=id, kind=Kind.LIQUIDATION, at=at, market=desk.market, rule=rule, memo=memo, lasting=False)
    why = waiting or left.unproven or next((verdict.detail for verdict in reversed(verdicts) if verdict.detail), "")
    shown = ", ".join(f"{symbol} {tidings.plain(units)}" for symbol, units in sorted(left.units.items()))
    return Alert(
        id=f"{desk.market.value}:{Kind.UNSOLD.value}:flatten:{scope}:{at // MINUTE}",
        kind=Kind.UNSOLD,
        at=at,
        market=desk.market,
        rule=f"{Exit.FLATTEN.value} {scope}",
        condition="positions > 0",
        value=float(len(left.units)),
        threshold=0.0,
        memo=f"flatten {scope}: {shown or 'nothing by our books'} · {why}",
    )
