"""What a streamer sees of one symbol, for whoever asks why it was or was not bought: prices, candles, every rule.

Read from the engine's own state, now and then and never in the path of a tick. A rule is told by where the price would
have to go for it to be true: that is what its mark knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

import msgspec

from core.domain.candles import Candles
from core.domain.rules.rule import Rule
from core.domain.symbols import Symbol
from core.domain.values import Market, Millis

MOST = 100
"""Symbols told of in one level, the most wanted first: more would cost more to write than they are asked for."""


class RuleSight(msgspec.Struct, frozen=True, kw_only=True):
    """One buy rule at the newest price.

    below, above      it can be true only at or under `below`, or at or over `above`; None for no such price
    value, threshold  what it measured and held it against while it is true, else None
    armed             it may give a signal: it was false since the last one
    deaf              why it cannot be judged, "" where it can
    """

    name: str
    condition: str
    below: float | None
    above: float | None
    value: float | None
    threshold: float | None
    armed: bool
    deaf: str = ""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """price    of the newest trade, 0 before the first; `at` its time by the venue's clock
    opens    first millisecond of the newest one-minute candle, 0 before the first; `quality`, `reason` how whole it is
    candles  closed one-minute candles that are kept
    """

    symbol: str
    price: float
    at: Millis
    opens: Millis
    candles: int
    quality: str
    reason: str
    rules: tuple[RuleSight, ...]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """The level: what a streamer saw at `at`, the most wanted symbols first.

    cooldowns  until when each symbol that was dropped is not taken back (D4)
    """

    market: Market
    at: Millis
    sights: tuple[Sight, ...]
    cooldowns: dict[str, Millis] = {}


def sight(symbol: Symbol, rules: Sequence[Rule]) -> Sight:
    """One symbol as it is now."""
    opens, quality, reason, count = _newest(symbol.candles)
    return Sight(
        symbol=symbol.instrument.symbol,
        price=symbol.price,
        at=Millis(symbol.at),
        opens=opens,
        candles=count,
        quality=quality,
        reason=reason,
        rules=tuple(_rule(symbol, which, rule) for which, rule in enumerate(rules)),
    )


def watched(
    market: Market, symbols: Iterable[Symbol], rules: Sequence[Rule], cooldowns: dict[str, Millis], at: Millis
) -> Watched:
    """The level of the first MOST of these symbols."""
    seen = tuple(sight(symbol, rules) for symbol, _ in zip(symbols, range(MOST), strict=False))
    return Watched(market=market, at=at, sights=seen, cooldowns=dict(cooldowns))


def _newest(candles: Candles) -> tuple[Millis, str, str, int]:
    minute = candles.series[0]
    newest = minute.forming or (minute.closed[-1] if minute.closed else None)
    if newest is None:
        return Millis(0), "", "", 0
    return Millis(newest.opens), newest.quality, newest.reason, len(minute.closed)


def _rule(symbol: Symbol, which: int, rule: Rule) -> RuleSight:
    mark = symbol.marks[which]
    reached = mark is not None and symbol.price > 0.0 and not mark.below < symbol.price < mark.above
    fired = rule.check(symbol, mark) if mark is not None and reached else None
    return RuleSight(
        name=rule.name,
        condition=rule.condition,
        below=_price(mark.below) if mark else None,
        above=_price(mark.above) if mark else None,
        value=fired.value if fired else None,
        threshold=fired.threshold if fired else None,
        armed=symbol.armed[which],
        deaf=_deaf(symbol, rule, ready=mark is not None),
    )


def _deaf(symbol: Symbol, rule: Rule, *, ready: bool) -> str:
    if not ready:
        return "not enough history"
    return "trades are missing from what it looks at" if rule.gapped(symbol, symbol.at) else ""


def _price(edge: float) -> float | None:
    return edge if isfinite(edge) and edge > 0.0 else None
