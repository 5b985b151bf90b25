"""Selling what is held for a reason that is not its price: it turned unsafe (A4), or it left the Top N (C4)."""

from __future__ import annotations

from collections.abc import Sequence

from core.app.lookout import Lookout
from core.app.ports import Leases, Signals
from core.domain.levels import Scan
from core.domain.positions import Position
from core.domain.signals import Exit, Signal, Urgency, signal_id
from core.domain.values import Market, Millis, Side

SELL_WITHIN = Millis(600_000)
"""A sell that no worker has taken after this long is decided anew by the next run, at a price that still counts."""


def held(leases: Leases, market: Market) -> list[Position]:
    """Every open position of a market, as its lock items say."""
    positions = (lock.position for lock in leases.locks())
    return [position for position in positions if position and position.instrument.market is market]


def leave(
    lookout: Lookout, signals: Signals, positions: Sequence[Position], reason: Exit, names: dict[str, str], at: Millis
) -> tuple[str, ...]:
    """Send one sell for each whole position; returns the symbols. A worker that gets one twice finds nothing held."""
    if not positions:
        return ()
    prices = _last_prices(lookout)
    symbols = tuple(position.instrument.symbol for position in positions)
    signals.send([_sell(position, reason, prices, names, at) for position in positions])
    return symbols


def _last_prices(lookout: Lookout) -> dict[str, float]:
    scan = lookout.shelf.read(Scan, lookout.market)
    return {snapshot.symbol: snapshot.price for snapshot in scan.snapshots} if scan else {}


def _sell(position: Position, reason: Exit, prices: dict[str, float], names: dict[str, str], at: Millis) -> Signal:
    """At the last scanned price; a symbol that is not scanned any more has only its entry price."""
    entry = float(position.price)
    price = prices.get(position.instrument.symbol) or entry
    return Signal(
        id=signal_id(position.instrument, Side.SELL, reason.value, at),
        instrument=position.instrument,
        side=Side.SELL,
        rule=reason.value,
        price=price,
        value=price,
        threshold=entry,
        at=at,
        seen=at,
        expires=Millis(at + SELL_WITHIN),
        urgency=Urgency.HIGH,
        name=names.get(position.instrument.symbol, ""),
        position=position.signal,
    )
