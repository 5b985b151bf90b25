"""Watching the exits in the streamer's place (E8): by REST prices, once a run, only while it gives no sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan

import msgspec

from core.app import ownership, tidings
from core.app.desk import Desk, Verdict
from core.app.ports import Quotes
from core.app.trade import handle
from core.domain import exits
from core.domain.errors import CoreError
from core.domain.events import Ticker
from core.domain.leases import Lock
from core.domain.levels import StreamHealth, Targets
from core.domain.positions import Position
from core.domain.signals import Signal
from core.domain.values import Instrument, Millis


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """`silent`: the streamer gave no sign. What was sold for it, and what could not be looked at."""

    silent: bool
    sold: tuple[Verdict, ...] = ()
    faults: tuple[tuple[Instrument, str], ...] = ()


def keep(locks: Sequence[Lock], desk: Desk, quotes: Quotes) -> Watched:
    """Look at every position whose exit nobody watches. People are told where there is anything to watch."""
    at = desk.clock()
    if not desk.days.is_open(at):
        return Watched(silent=False)  # nothing trades, so nothing is said, and nothing could be sold
    sign = _last_sign(desk)
    if sign is not None and at - sign <= desk.policy.sweep.silent_s * 1000:
        return Watched(silent=False)
    held = [lock.position for lock in locks if lock.position and not lock.intent and not ownership.running(lock, at)]
    if not held and desk.shelf.read(Targets, desk.market) is None:
        return Watched(silent=False)  # nothing was ever asked of the streamer
    desk.alerts.send([tidings.silent(sign, desk, at)])
    return _sell(held, desk, quotes) if held else Watched(silent=True)


def _last_sign(desk: Desk) -> Millis | None:
    """When the streamer last said something; while it has subscriptions, when it last had data for them."""
    health = desk.shelf.read(StreamHealth, desk.market)
    if health is None:
        return None
    return min(health.at, health.last_data) if health.subscribed else health.at


def _sell(held: Sequence[Position], desk: Desk, quotes: Quotes) -> Watched:
    symbols = [position.instrument.symbol for position in held]
    try:
        prices = _prices(quotes.tickers(symbols, desk.policy.universe.quote))
    except CoreError as trouble:
        return Watched(silent=True, faults=tuple((position.instrument, str(trouble)) for position in held))
    sold: list[Verdict] = []
    faults: list[tuple[Instrument, str]] = []
    for position in held:
        signal = _due(position, prices.get(position.instrument.symbol, 0.0), desk)
        try:
            sold += [handle(signal, desk)] if signal else []
        except CoreError as trouble:
            faults.append((position.instrument, str(trouble)))
    return Watched(silent=True, sold=tuple(sold), faults=tuple(faults))


def _prices(tickers: Iterable[Ticker]) -> dict[str, float]:
    return {ticker.instrument.symbol: ticker.price for ticker in tickers}


def _due(position: Position, price: float, desk: Desk) -> Signal | None:
    """The sale that is due at this price or time; the trend needs candles, which only the streamer has."""
    at, policy = desk.clock(), desk.policy.exits
    left = desk.days.closes(at) - at
    leave = exits.check(exits.holding(position, policy), price, nan, left, policy, at)
    if leave is None:
        return None
    instrument = position.instrument
    return exits.sell(instrument, leave, price or float(position.price), at, at, desk.name(instrument.symbol))
