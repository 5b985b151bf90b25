"""Who wants which topics of which symbols, and what is kept for a moment after the last one has gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from core.domain.values import Millis
from core.venues.spec import Topic

Key = tuple[str, Topic]


class Wants:
    """Counts, so that two readers of one symbol need one subscription. A short pause costs no new one: `linger_ms`."""

    def __init__(self, linger_ms: int) -> None:
        self._linger_ms = linger_ms
        self._counts: Counter[Key] = Counter()
        self._lingers: dict[Key, Millis] = {}

    def add(self, symbols: Collection[str], topics: frozenset[Topic]) -> list[Key]:
        """What was added, to be given back to `drop`."""
        keys = [(symbol, topic) for symbol in dict.fromkeys(symbols) for topic in sorted(topics)]
        self._counts.update(keys)
        return keys

    def drop(self, keys: Collection[Key], at: Millis) -> None:
        self._counts.subtract(keys)
        self._counts = +self._counts
        self._lingers.update(dict.fromkeys(keys, Millis(at + self._linger_ms)))

    def at(self, at: Millis) -> dict[str, frozenset[Topic]]:
        """Topics by symbol, those in use first."""
        self._lingers = {key: ends for key, ends in self._lingers.items() if ends > at}
        wanted: dict[str, frozenset[Topic]] = {}
        for symbol, topic in (*self._counts, *self._lingers):
            wanted[symbol] = wanted.get(symbol, frozenset()) | {topic}
        return wanted
