"""A tape through the whole pipeline on stores in memory: the composition root of `hoga replay`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.paper import PaperBroker
from core.app.desk import Desk
from core.app.playhead import Playhead
from core.app.replay import Replay, replay
from core.domain.engine import Engine
from core.domain.events import Bar
from core.domain.specifications import FINEST
from core.domain.values import HOUR, Market, Millis
from core.feed.session import Session
from core.settings import Settings
from core.venues.spec import venue

TICKET = "replay"
COLUMNS = ("symbol", "span_ms", "opens_ms", "open", "high", "low", "close", "volume", "value", "closed")


def play(tape: Iterable[tuple[Millis, bytes]], settings: Settings, market: Market) -> Replay:
    """Play a tape as the settings say; nothing outside it is read, no clock and no dice."""
    policy, playhead = settings.markets[market], Playhead()
    spec = venue(market, policy)
    session = Session(spec.stream, policy.stream, TICKET)
    engine = Engine(market, policy, spec.rules.link, days=spec.rules.calendar(policy.day))
    return replay(tape, session, engine, _desk(settings, market, playhead), playhead)


def write_candles(candles: Sequence[Bar], path: Path) -> None:
    """Every candle as one row of CSV; times in epoch ms, prices and sums as the engine has them."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for bar in candles:
            figures = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value)
            rows.writerow((bar.instrument.symbol, bar.span, bar.opens, *map(repr, figures), int(bar.closed)))


def _desk(settings: Settings, market: Market, playhead: Playhead) -> Desk:
    books, attempts = MemoryBooks(), count()
    spec = venue(market, settings.markets[market], lambda symbol: FINEST)
    return Desk(
        market=market,
        policy=settings.markets[market],
        rules=spec.rules,
        shelf=MemoryShelf(),
        leases=books.leases,
        ledger=books.ledger,
        broker=PaperBroker(playhead, spec.rules, MemoryPaperStore(), playhead.clock),
        alerts=MemoryAlerts(settings.notify.channels),
        clock=playhead.clock,
        monotonic_s=playhead.monotonic_s,
        pause=lambda seconds: None,
        owner=TICKET,
        nonce=lambda: f"{TICKET}-{next(attempts)}",
        deadline_ms=HOUR,
        name=lambda symbol: symbol,
        last_price=playhead.last_price,
    )
