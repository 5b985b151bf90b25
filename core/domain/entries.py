"""Judging buy rules on one symbol: edges, refusals, the signal and its alert (D9, D10)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from core.domain.effects import Announce, Effect, Emit
from core.domain.messages import Alert, Kind
from core.domain.rules.rule import Fired, Rule
from core.domain.signals import Signal, signal_id
from core.domain.symbols import Symbol
from core.domain.values import MINUTE, Millis, Side

NOTHING: Final[tuple[Effect, ...]] = ()
TOLD = 1_000
"""Refusals that wait to be told, at most: nobody takes them in a replay."""


class TurnedAway(NamedTuple):
    """A rule was true and gave no signal, because what it looked at cannot be trusted (D8)."""

    symbol: str
    rule: str
    why: str
    minute: int


class Entries:
    """The buy rules of one market.

    safe    symbols that may be bought, None for none at all
    halted  symbols that do not trade freely now (a halt, a volatility interruption)
    names   what people call each symbol
    turned_away   signals refused for stale or missing data, each once a minute; `refusals` those not told yet

    A rule gives a signal when its condition becomes true, and again only after it has been false. A symbol that may
    not be bought now (not safe, halted, or trades are missing from what the rule looks at) keeps its edge, so the
    signal comes when it may, if the condition still holds. One that is held loses it: what was true while we held it
    is no news.
    """

    def __init__(self, rules: Sequence[Rule], link: Callable[[str], str]) -> None:
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.minutes = max((rule.minutes for rule in self.rules), default=0)
        self.by_volume = any(rule.by_volume for rule in self.rules)
        self.safe: frozenset[str] | None = None
        self.halted: frozenset[str] = frozenset()
        self.names: Mapping[str, str] = {}
        self.turned_away = 0
        self.refusals: deque[TurnedAway] = deque(maxlen=TOLD)
        self._last_refused: dict[tuple[str, str], int] = {}
        self._link = link

    def prepare(self, symbol: Symbol) -> None:
        """Renew the marks: a candle closed, history came, or the references did."""
        marks = [rule.prepare(symbol) for rule in self.rules]
        symbol.marks = marks
        symbol.low = max((mark.below for mark in marks if mark is not None), default=-inf)
        symbol.high = min((mark.above for mark in marks if mark is not None), default=inf)

    def judge(self, symbol: Symbol, at: Millis, seen: Millis) -> Sequence[Effect]:
        """Judge every rule at the newest price."""
        price, effects = symbol.candles.price, None
        for which, rule in enumerate(self.rules):
            mark = symbol.marks[which]
            if mark is None:  # nothing is known of it, so it has not been false either: its edge stays as it was
                continue
            if mark.below < price < mark.above:
                symbol.armed[which] = True
                continue
            fired = rule.check(symbol, mark)
            if fired is None:
                symbol.armed[which] = True
            elif symbol.armed[which] and (found := self._edge(symbol, which, fired, at, seen)):
                effects = [*(effects or ()), *found]
        symbol.calm = all(symbol.armed)
        return effects or NOTHING

    def calm(self, symbol: Symbol) -> None:
        """The price is where no rule can be true: all may fire again, but for those of which nothing is known.

        After a restart references come later than the first trades. A rule that gave its signal before must not give
        it again because for a moment nobody could tell: that would buy once more what was just sold.
        """
        symbol.armed = [armed or mark is not None for armed, mark in zip(symbol.armed, symbol.marks, strict=True)]
        symbol.calm = all(symbol.armed)

    def said(self, symbol: Symbol, name: str, signal: str) -> None:
        """The rule of this name gave this signal already: it must be false once before it gives another."""
        for which, rule in enumerate(self.rules):
            if rule.name == name:
                symbol.armed[which], symbol.fired[which] = False, signal
                symbol.calm = False

    def allowed(self, symbol: Symbol) -> bool:
        """May this symbol be bought, as far as the safety filter and the venue's halts go?"""
        name = symbol.instrument.symbol
        return self.safe is not None and name in self.safe and name not in self.halted

    def expire(self, symbol: Symbol, at: Millis) -> None:
        """Forget signals whose time is over and whose condition is too."""
        for which, signal in enumerate(symbol.live):
            if signal is not None and symbol.armed[which] and at >= signal.expires:
                symbol.live[which] = None

    def buyable(self, symbol: Symbol, at: Millis) -> list[Signal]:
        """Signals that are live: their condition holds, or they have not expired. None of what is not safe.

        What is held stays in: the ranking must compare it with the others, and a worker refuses it by itself.
        """
        if not self.allowed(symbol):
            return []
        lasting = (
            s for s, armed in zip(symbol.live, symbol.armed, strict=True) if s and not (armed and at >= s.expires)
        )
        return list(lasting)

    def _edge(self, symbol: Symbol, which: int, fired: Fired, at: Millis, seen: Millis) -> Sequence[Effect]:
        rule = self.rules[which]
        if symbol.holding is not None:
            symbol.armed[which] = False
            return NOTHING
        if not self.allowed(symbol) or self._untrusted(symbol, rule, at, seen):
            return NOTHING
        symbol.armed[which] = False
        signal = self._signal(symbol, rule, fired, at, seen)
        symbol.live[which] = signal
        if signal.id == symbol.fired[which]:  # the condition flickered within its minute: said already
            return NOTHING
        symbol.fired[which] = signal.id
        return Emit(signal), Announce(self._alert(symbol, rule, signal))

    def _untrusted(self, symbol: Symbol, rule: Rule, at: Millis, seen: Millis) -> bool:
        """Is the trade older than its signal would live, or may others be missing? Either is counted, and told."""
        if seen >= at + rule.expires_ms:
            why = "stale: the trade came later than its signal would last"
        elif rule.gapped(symbol, at):
            why = "gapped: trades may be missing from what the rule looks at"
        else:
            return False
        key, minute = (symbol.instrument.symbol, rule.name), at // MINUTE
        if self._last_refused.get(key) != minute:
            self._last_refused[key] = minute
            self.turned_away += 1
            self.refusals.append(TurnedAway(*key, why, minute))
        return True

    def _signal(self, symbol: Symbol, rule: Rule, fired: Fired, at: Millis, seen: Millis) -> Signal:
        instrument = symbol.instrument
        return Signal(
            id=signal_id(instrument, Side.BUY, rule.name, at),
            instrument=instrument,
            side=Side.BUY,
            rule=rule.name,
            price=symbol.candles.price,
            value=fired.value,
            threshold=fired.threshold,
            at=at,
            seen=seen,
            expires=Millis(at + rule.expires_ms),
            name=self.names.get(instrument.symbol, ""),
        )

    def _alert(self, symbol: Symbol, rule: Rule, signal: Signal) -> Alert:
        return Alert(
            id=signal.id,
            kind=Kind.SIGNAL,
            at=signal.at,
            market=signal.instrument.market,
            instrument=signal.instrument,
            name=signal.name,
            rule=rule.name,
            condition=rule.condition,
            value=signal.value,
            threshold=signal.threshold,
            link=self._link(signal.instrument.symbol),
            chart=symbol.chart(),
        )
