"""A tape through the whole pipeline: session, engine, locks, paper broker, exits (H3). The same tape, the same answer.

Nothing here decides: what comes off the tape goes the way that it goes live, at the tape's own time. What live comes
from other functions is told as it would be: the symbols on the tape are the market's listing, split by the same
safety filter, and after every trade the engine is told what is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import assert_never

import msgspec

from core.app.desk import Desk, Ending, Verdict
from core.app.leave import held
from core.app.playhead import Playhead
from core.app.trade import handle
from core.app.wishes import today
from core.domain.effects import Announce, Effect, Emit
from core.domain.engine import Engine
from core.domain.errors import WireSurprise
from core.domain.events import Bar, Inbound, Listing, MarketData
from core.domain.orders import Order
from core.domain.safety import split
from core.domain.signals import Signal
from core.domain.values import SECOND, Instrument, Millis
from core.feed.session import Session

Key = tuple[str, Millis, Millis]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a tape held and what came of it.

    frames     received; `decoded` of them read, `surprises` did not
    trades, books, tickers, late, duplicates   events, as the engine counts them
    candles    of every span, those still open at the tape's end among them
    signals    buy and sell; `buys` and `sells` those that ended in fills
    first_at, last_at   when the first and the last frame came, epoch ms; None for an empty tape
    digest     SHA-256 over candles, signals and fills: equal digests, equal runs
    """

    frames: int
    decoded: int
    surprises: int
    trades: int
    books: int
    tickers: int
    late: int
    duplicates: int
    candles: int
    signals: int
    buys: int
    sells: int
    first_at: Millis | None
    last_at: Millis | None
    digest: str


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """The report and what it was made from: candles by symbol, span and time, the open ones `closed=False`."""

    report: Report
    candles: list[Bar]
    signals: list[Signal]
    verdicts: list[Verdict]
    orders: list[Order]


def replay(
    tape: Iterable[tuple[Millis, bytes]], session: Session, engine: Engine, desk: Desk, playhead: Playhead
) -> Replay:
    """Play a tape from its first frame to its last.

    `desk` stands on stores that are empty, and `desk.clock`, its broker's books and its last prices are `playhead`'s.
    """
    player = Player(session, engine, desk, playhead)
    for at, frame in tape:
        player.take(frame, at)
    return player.finished()


class Player:
    """One replay under way."""

    def __init__(self, session: Session, engine: Engine, desk: Desk, playhead: Playhead) -> None:
        self._session, self._engine, self._desk, self._playhead = session, engine, desk, playhead
        self._candles: dict[Key, Bar] = {}
        self._signals: list[Signal] = []
        self._verdicts: list[Verdict] = []
        self._days: set[str] = set()
        self._listed: dict[Instrument, Listing] = {}
        self._split_at = self._ticked = Millis(0)
        self._first: Millis | None = None
        self._last: Millis | None = None
        engine.on_candle = self._keep

    def take(self, frame: bytes, at: Millis) -> None:
        """One frame as it came at `at`."""
        self._first = at if self._first is None else self._first
        self._last = at
        self._playhead.reach(at)
        self._pass_time(self._playhead.at)
        try:
            inbound = self._session.received(frame, at)
        except WireSurprise:
            return  # counted by the session; the frame itself stays on the tape
        for event in inbound:
            self._step(event)

    def finished(self) -> Replay:
        """The tape has ended: no candle is closed for it, no position is sold for it."""
        for instrument in self._listed:
            for bar in self._engine.forming(instrument.symbol):
                self._keep(bar)
        candles = [self._candles[key] for key in sorted(self._candles)]
        orders = self._orders()
        return Replay(
            report=self._report(candles, orders),
            candles=candles,
            signals=self._signals,
            verdicts=self._verdicts,
            orders=orders,
        )

    def _pass_time(self, at: Millis) -> None:
        """Once in every second that the tape has: what live a timer does."""
        if at // SECOND == self._ticked // SECOND:
            return
        self._ticked = at
        if self._listed and (at - self._split_at) * 2 >= self._desk.policy.safety.max_age_s * 1000:
            self._split()
        self._carry(self._engine.tick(at))

    def _step(self, event: Inbound) -> None:
        if not isinstance(event, MarketData):
            return
        if event.instrument not in self._listed:
            self._listed[event.instrument] = Listing(instrument=event.instrument, name=event.instrument.symbol)
            self._split()
        self._playhead.see(event)
        self._carry(self._engine.step(event))

    def _split(self) -> None:
        """What the safety filter would say of the symbols met so far."""
        policy, self._split_at = self._desk.policy, self._playhead.at
        found = split(list(self._listed.values()), policy.universe, policy.safety, self._split_at)
        self._desk.shelf.write(found)
        self._engine.safe(frozenset(found.safe))

    def _carry(self, effects: Sequence[Effect]) -> None:
        """Carry effects out, and those that they lead to, before the tape moves on."""
        waiting = deque(effects)
        while waiting:
            match waiting.popleft():
                case Emit(signal=signal):
                    waiting.extend(self._trade(signal))
                case Announce(alert=alert):
                    self._desk.alerts.send([alert])
                case never:
                    assert_never(never)

    def _trade(self, signal: Signal) -> Sequence[Effect]:
        at = self._playhead.at
        self._signals.append(signal)
        self._days.add(today(self._desk, at))
        self._verdicts.append(handle(signal, self._desk))
        return self._engine.hold(held(self._desk.leases, self._desk.market), at)

    def _keep(self, bar: Bar) -> None:
        """A candle that a late trade amended comes again; the last one is right."""
        self._candles[bar.instrument.symbol, bar.span, bar.opens] = bar

    def _orders(self) -> list[Order]:
        found = (self._desk.ledger.orders(self._desk.market, day) for day in sorted(self._days))
        return [order for orders in found for order in orders]

    def _report(self, candles: Sequence[Bar], orders: Sequence[Order]) -> Report:
        session, engine = self._session, self._engine
        return Report(
            frames=session.frames,
            decoded=session.frames - session.surprises,
            surprises=session.surprises,
            trades=engine.trades,
            books=engine.books,
            tickers=engine.tickers,
            late=engine.late,
            duplicates=engine.duplicates,
            candles=len(candles),
            signals=len(self._signals),
            buys=self._ended(Ending.BOUGHT),
            sells=self._ended(Ending.SOLD),
            first_at=self._first,
            last_at=self._last,
            digest=digest(_lines(candles, self._signals, orders)),
        )

    def _ended(self, ending: Ending) -> int:
        return sum(verdict.outcome is ending for verdict in self._verdicts)


def digest(lines: Iterable[bytes]) -> str:
    """SHA-256 in hex over lines.

    >>> digest([b"a", b"b"]) == digest([b"a", b"b"]) != digest([b"ab"])
    True
    """
    total = sha256()
    for line in lines:
        total.update(line + b"\n")
    return total.hexdigest()


def _lines(candles: Sequence[Bar], signals: Sequence[Signal], orders: Sequence[Order]) -> Iterator[bytes]:
    yield from map(msgspec.json.encode, candles)
    yield from map(msgspec.json.encode, signals)
    for order in orders:
        yield from map(msgspec.json.encode, order.fills)
