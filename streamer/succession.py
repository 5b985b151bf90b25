"""A connection whose end is known is succeeded before it comes: the new one first, then the old one goes (D6).

While both are up every trade comes twice and counts once, by the venue's id.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from core.domain.values import SECOND, Millis
from core.venues.spec import StreamSpec
from streamer.link import Link
from streamer.pump import Pump

EARLY_S = 600.0
"""How long before its end a connection is succeeded, at most; a tenth of its life where that is less."""
OVERLAP_MS = 2 * SECOND
"""Both are up for at least this long, market data flowing on the new one."""
PATIENCE_MS = 30 * SECOND
"""A new one that brings nothing for so long is given up; the next look begins another."""
log = logging.getLogger(__name__)


class Heir(msgspec.Struct):
    link: Link
    task: asyncio.Task[None]
    begun: Millis
    proved: Millis = Millis(0)


class Succession:
    """handed: connections that were succeeded since the start."""

    def __init__(self, spec: StreamSpec, pump: Pump) -> None:
        self._pump = pump
        self._life_ms = None if spec.life_s is None else round((spec.life_s - min(EARLY_S, spec.life_s / 10)) * SECOND)
        self._born: dict[int, tuple[int, Millis]] = {}
        self._heirs: dict[int, Heir] = {}
        self.handed = 0

    def look(self, at: Millis) -> None:
        """Called about once a second."""
        for number in [number for number in self._heirs if number not in self._pump.links]:
            self._heirs.pop(number).task.cancel()
        for number, link in list(self._pump.links.items()):
            if number in self._heirs:
                self._watch(number, link, self._heirs[number], at)
            elif self._ends(number, link, at):
                self._begin(number, link, at)

    def _ends(self, number: int, link: Link, at: Millis) -> bool:
        life, born = self._born.get(number, (-1, at))
        if life != link.session.opens:
            born = at
            self._born[number] = (link.session.opens, at)
        old = self._life_ms is not None and at - born >= self._life_ms
        return link.up and (old or link.session.leaving)

    def _begin(self, number: int, link: Link, at: Millis) -> None:
        heir, task = self._pump.made(number)
        self._heirs[number] = Heir(heir, task, at)
        self._carry(heir, link)
        log.info("a connection is succeeded before it ends", extra={"outcome": "begun", "link": number})

    def _watch(self, number: int, link: Link, heir: Heir, at: Millis) -> None:
        self._carry(heir.link, link)
        if not (heir.link.session.proved and heir.link.session.settled):
            heir.proved = Millis(0)
            if at - heir.begun > PATIENCE_MS:
                self._heirs.pop(number).task.cancel()
            return
        heir.proved = heir.proved or at
        if at - heir.proved >= OVERLAP_MS:
            del self._heirs[number], self._born[number]
            self._pump.succeed(number, heir.link, heir.task)
            self.handed += 1
            log.info("a connection was succeeded", extra={"outcome": "handed over", "link": number})

    def _carry(self, heir: Link, link: Link) -> None:
        if heir.symbols != link.symbols:
            heir.want(link.symbols, self._pump.channels(link.symbols))
