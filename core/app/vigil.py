"""Watching the exits in the streamer's place (E8): by REST prices, once a run, only for what it does not see."""

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
from core.domain.messages import Alert
from core.domain.positions import Position
from core.domain.signals import Signal
from core.domain.values import Instrument, Millis


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """`silent`: the streamer gave no sign, or lost what is held. What was sold in its place, what could not be looked
    at, and `news`: what the caller tells people once everything is done."""

    silent: bool
    sold: tuple[Verdict, ...] = ()
    faults: tuple[tuple[Instrument, str], ...] = ()
    news: tuple[Alert, ...] = ()


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Positions whose exit nobody watches. `told`: people must know; `since` the last sign, None where there was none.

    A symbol that is subscribed and has merely been quiet is looked at without a word: thin ones are quiet for minutes.
    """

    unwatched: tuple[Position, ...] = ()
    told: bool = False
    since: Millis | None = None


def keep(locks: Sequence[Lock], desk: Desk, quotes: Quotes) -> Watched:
    """Look at every position whose exit nobody watches. People are told where there is anything to watch."""
    at = desk.clock()
    if not desk.days.is_open(at):
        return Watched(silent=False)  # nothing trades, so nothing is said, and nothing could be sold
    held = [lock.position for lock in locks if lock.position and not lock.intent and not ownership.running(lock, at)]
    silence = _silence(held, desk, at)
    news = (tidings.silent(silence.since, desk, at),) if silence.told else ()
    sold, faults = _sell(silence.unwatched, desk, quotes) if silence.unwatched else ((), ())
    return Watched(silent=silence.told, sold=sold, faults=faults, news=news)


def _silence(held: Sequence[Position], desk: Desk, at: Millis) -> Silence:
    health = desk.shelf.read(StreamHealth, desk.market)
    patience = desk.policy.sweep.silent_s * 1000
    opened = desk.days.opens(desk.days.closed(at))
    since = None if health is None else _last_sign(health, opened)
    if since is None or health is None or at - since > patience:
        anything = bool(held) or desk.shelf.read(Targets, desk.market) is not None
        return Silence(unwatched=tuple(held), told=anything, since=since)
    signs = {position: max(_heard(position, health), opened) for position in held}
    quiet = {position: sign for position, sign in signs.items() if at - sign > patience}
    lost = {position: sign for position, sign in signs.items() if not _subscribed(position, health)}
    overdue = [sign for position, sign in lost.items() if position in quiet]
    unwatched = tuple(position for position in held if position in quiet or position in lost)
    return Silence(unwatched=unwatched, told=bool(overdue), since=min(overdue, default=None))


def _last_sign(health: StreamHealth, opened: Millis) -> Millis:
    """When the streamer last said something; while it should have data, when it last had any, or began to wait.

    It waits from its start, and not before the market opened.
    """
    if not (health.wanted or health.subscribed):
        return health.at
    return min(health.at, max(health.last_data, health.started, opened))


def _heard(position: Position, health: StreamHealth) -> Millis:
    """When data of this very symbol last came: with several connections one may be dead while the others are well."""
    return max(health.heard.get(position.instrument.symbol, health.started), health.started)


def _subscribed(position: Position, health: StreamHealth) -> bool:
    return position.instrument.symbol in health.subscribed


Looked = tuple[tuple[Verdict, ...], tuple[tuple[Instrument, str], ...]]


def _sell(held: Sequence[Position], desk: Desk, quotes: Quotes) -> Looked:
    """What was sold, and what could not be looked at, with the reason."""
    symbols = [position.instrument.symbol for position in held]
    try:
        prices = _prices(quotes.tickers(symbols, desk.policy.universe.quote))
    except CoreError as trouble:
        return (), tuple((position.instrument, str(trouble)) for position in held)
    sold: list[Verdict] = []
    faults: list[tuple[Instrument, str]] = []
    for position in held:
        signal = _due(position, prices.get(position.instrument.symbol, 0.0), desk)
        try:
            sold += [handle(signal, desk)] if signal else []
        except CoreError as trouble:
            faults.append((position.instrument, str(trouble)))
    return tuple(sold), tuple(faults)


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
    name, worth = desk.name(instrument.symbol), price or float(position.price)
    about, every = position.signal, policy.repeat_s
    return exits.sell(instrument, leave, worth, at, at, name, position=about, repeat_s=every)
