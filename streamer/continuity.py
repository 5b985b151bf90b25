"""Whether every symbol's data is whole, looked at once a second, and what is done about it where it is not (D6, D8).

Found are: symbols heard for the first time, one that froze among others that move (subscribed anew, alone), an open
connection that paused, frames that did not read, ids that are missing, and trades that do not add up to the volume that
the venue itself counts. Each is a gap: its candles say so, rules
that look there give no signal, and REST fills it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from core.domain.engine import Engine
from core.domain.symbols import REMEMBERED, Symbol
from core.domain.values import SECOND, Millis
from core.feed.freshness import Gap
from core.feed.pauses import Counted, Pauses
from core.feed.pulses import Pulses
from core.feed.sequences import Ids, Sequences
from core.venues.spec import StreamSpec
from streamer.pump import Pump
from streamer.tallies import Tallies

FROZE, PAUSED, UNREAD, MISSING, SHORT = "frozen", "paused", "unread", "missing", "short"
WHY = {
    FROZE: "the symbol froze while others moved",
    PAUSED: "frames stopped on an open connection",
    UNREAD: "a frame did not read",
    MISSING: "ids of trades are missing",
    SHORT: "trades do not add up to the venue's volume",
}
RESTARTED = "the streamer was restarted"
log = logging.getLogger(__name__)


class Continuity:
    """found: how often each kind of gap was found since the start."""

    def __init__(
        self, spec: StreamSpec, engine: Engine, pump: Pump, fill: Callable[[Iterable[str], Gap], None]
    ) -> None:
        self._dense, self._summed = spec.dense, spec.summed
        self._engine, self._pump, self._fill = engine, pump, fill
        self._restored: dict[str, Millis] = {}
        self.pulses, self.pauses, self.sequences, self.tallies = Pulses(), Pauses(), Sequences(), Tallies()
        self.found = Counter[str]()

    def restored(self, symbols: Iterable[str], saved: Millis) -> None:
        """What these symbols traded after `saved` was not heard."""
        self._restored = dict.fromkeys(symbols, saved)

    def look(self, at: Millis) -> None:
        """Called about once a second."""
        subscribed = self._pump.subscribed
        self._torn(subscribed)
        self._paused(at)
        self._fresh(subscribed, at)
        if self._dense:
            self._counted(subscribed, at)
        if self._summed:
            self._added_up(subscribed, at)
        for away in self._engine.refusals():
            extra = {"outcome": "refused", "instrument": away.symbol, "rule": away.rule, "why": away.why}
            log.warning("no signal: its data cannot be trusted", extra=extra)

    def _fresh(self, subscribed: tuple[str, ...], at: Millis) -> None:
        absent = self.pulses.rows.keys() & set(self._pump.wanted) - set(subscribed)
        names = (*subscribed, *absent)
        stamps = {name: symbol.stamp if (symbol := self._engine.snapshot(name)) else 0 for name in names}
        look = self.pulses.look(stamps, at, absent)
        for name in look.joined:
            self._joined(name, at)
        for name, gap in look.back:
            self._tear([name], gap, FROZE)
        resting = frozenset(name for name in look.frozen if name not in self._engine.halted)
        for name in resting:
            log.warning("a symbol froze: it is subscribed anew", extra={"outcome": "retry", "instrument": name})
        if resting != self._pump.resting:
            self._pump.rest(resting)

    def _joined(self, name: str, at: Millis) -> None:
        """Heard for the first time since we run: its candles of before are partial, or lack what a restart missed."""
        saved = self._restored.pop(name, None)
        if saved is None:
            self._engine.listen(name, at)
        else:
            self._engine.gap(name, saved, at, RESTARTED)
            self._fill([name], Gap(saved, at))

    def _paused(self, at: Millis) -> None:
        links = self._pump.links
        counts = {number: Counted(each.session.opens, each.session.frames) for number, each in links.items() if each.up}
        for number, gap in self.pauses.look(counts, at):
            self._tear(links[number].symbols, gap, PAUSED)

    def _torn(self, subscribed: tuple[str, ...]) -> None:
        """A frame that did not read cost the symbols that it names, or where it names none, perhaps any."""
        torn = self._pump.torn
        while torn:
            frame, at = torn.popleft()
            named = [name for name in subscribed if name.encode() in frame]
            self._tear(named or subscribed, Gap(Millis(at - SECOND), at), UNREAD)

    def _counted(self, subscribed: tuple[str, ...], at: Millis) -> None:
        known = {name: _ids(symbol) for name in subscribed if (symbol := self._engine.snapshot(name))}
        for name, gap in self.sequences.look(known, at):
            self._tear([name], gap, MISSING)

    def _added_up(self, subscribed: tuple[str, ...], at: Millis) -> None:
        known = [symbol for name in subscribed if (symbol := self._engine.snapshot(name))]
        lives = {name: each.session.opens for each in self._pump.links.values() for name in each.symbols}
        for name, gap in self.tallies.look(known, lives, at):
            self._tear([name], gap, SHORT)

    def _tear(self, names: Iterable[str], gap: Gap, kind: str) -> None:
        torn = list(names)
        self.found[kind] += 1
        self.tallies.forget(torn)
        for name in torn:
            self._engine.gap(name, gap.start, gap.end, WHY[kind])
        self._fill(torn, gap)
        extra = {"outcome": "gapped", "why": WHY[kind], "count": len(torn), "missed_ms": gap.end - gap.start}
        log.warning("trades may be missing", extra=extra)


def _ids(symbol: Symbol) -> Ids:
    return Ids(symbol.sequence, symbol.sequences, len(symbol.sequences) >= REMEMBERED)
