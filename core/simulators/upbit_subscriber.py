"""What one stream connection wants and which frames it is owed. No sockets: a market and a moment in, frames out.

Source: reference/upbit.md 4.2 and 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from core.simulators.books import levels
from core.simulators.line import Print
from core.simulators.market import SimulatedMarket, Turn
from core.simulators.upbit_requests import CANDLES, Ask, ListAll, Subscribe
from core.simulators.upbit_rows import stream_book, stream_candle, stream_ticker, stream_trade
from core.simulators.upbit_wire import Format, Row, framed, shortened

Key = tuple[object, ...]
SNAPSHOT, REALTIME = "SNAPSHOT", "REALTIME"


class Owed(NamedTuple):
    """One frame and the type it is of."""

    kind: str
    frame: bytes


class Press:
    """Words and encodes each frame once a turn, however many connections want it."""

    def __init__(self, market: SimulatedMarket) -> None:
        self.market = market
        self._done: dict[Key, bytes] = {}
        self.turn = Turn([], {})
        self.traded: dict[str, None] = {}
        self.at = 0

    def begin(self, turn: Turn, at: int) -> None:
        """Forget the last turn's frames and take up this one's news."""
        self._done.clear()
        self.turn, self.at = turn, at
        self.traded = dict.fromkeys(trade.symbol for trade in turn.trades)

    def frame(self, key: Key, kind: str, style: Format, row: Callable[[], Row]) -> Owed:
        """`key` names the frame within the turn; `row` says it, and is asked once."""
        if key not in self._done:
            self._done[key] = framed(row(), kind, style)
        return Owed(kind, self._done[key])


class Subscriber:
    """One connection's subscriptions: what it asked for last is all that it has."""

    def __init__(self, market: SimulatedMarket, snapshot_ms: int) -> None:
        self._market = market
        self._snapshot_ms = snapshot_ms
        self.style = Format.DEFAULT
        self.asks: list[Ask] = []
        self._due: int | None = None
        self._carried: frozenset[tuple[str, str]] = frozenset()
        self._stale: dict[tuple[str, str], int] = {}

    def subscribe(self, said: Subscribe, at: int) -> None:
        """Replace everything; what was subscribed before goes on, what is new waits for its snapshot."""
        self._carried = frozenset((ask.kind, code) for ask in self.asks if ask.realtime for code in ask.codes)
        self.asks, self.style = said.asks, said.style
        self._due = at + self._snapshot_ms

    def listing(self, said: ListAll) -> bytes:
        """The answer to LIST_SUBSCRIPTIONS."""
        self.style = said.style or self.style
        result = [{"type": ask.kind, "codes": list(ask.codes), "level": ask.level} for ask in self.asks]
        row: Row = {"method": "LIST_SUBSCRIPTIONS", "result": result, "ticket": said.ticket}
        return msgspec.json.encode(shortened(row, "list") if self.style.short else row)

    def owed(self, press: Press) -> Iterator[Owed]:
        """Everything that is due in this turn: news of what is subscribed, then the snapshots if it is their time."""
        for ask in self.asks:
            if ask.realtime:
                yield from self._news(ask, press)
        if self._due is not None and press.at >= self._due:
            self._due, self._carried = None, frozenset()
            for ask in self.asks:
                if ask.snapshot:
                    yield from self._all(ask, press, SNAPSHOT, ask.codes)

    def _open(self, ask: Ask, code: str) -> bool:
        """Whether news of this code may be told: subscribed, and not waiting for its first snapshot."""
        waiting = self._due is not None and ask.snapshot and (ask.kind, code) not in self._carried
        return code in ask.codes and not waiting

    def _news(self, ask: Ask, press: Press) -> Iterator[Owed]:
        match ask.kind:
            case "trade":
                for trade in press.turn.trades:
                    if self._open(ask, trade.symbol):
                        yield self._trade(press, trade, REALTIME)
            case "ticker":
                yield from self._all(ask, press, REALTIME, press.traded)
            case "orderbook":
                yield from self._all(ask, press, REALTIME, press.turn.books)
            case _:
                yield from self._all(ask, press, REALTIME, self._changed(ask, press))

    def _changed(self, ask: Ask, press: Press) -> list[str]:
        """Codes whose candle a trade changed, each at most once a calendar second."""
        for code in press.traded:
            if code in ask.codes:
                self._stale.setdefault((ask.kind, code), press.at // 1000)
        ripe = [key for key, second in self._stale.items() if key[0] == ask.kind and second < press.at // 1000]
        for key in ripe:
            del self._stale[key]
        return [code for _, code in ripe]

    def _all(self, ask: Ask, press: Press, stream_type: str, codes: Iterable[str]) -> Iterator[Owed]:
        for code in codes:
            if self._open(ask, code) and code in self._market.lines:
                yield from self._one(ask, press, stream_type, code)

    def _one(self, ask: Ask, press: Press, stream_type: str, code: str) -> Iterator[Owed]:
        line = self._market.lines[code]
        if ask.kind == "orderbook" and ask.level not in levels(line):
            return
        if ask.kind == "trade":
            yield self._trade(press, line.last, stream_type)
            return
        key = (ask.kind, code, ask.codes[code], ask.level, self.style, stream_type)
        yield press.frame(key, ask.kind, self.style, lambda: self._row(ask, code, stream_type, press.at))

    def _row(self, ask: Ask, code: str, stream_type: str, at: int) -> Row:
        line = self._market.lines[code]
        match ask.kind:
            case "ticker":
                return stream_ticker(line, at, stream_type)
            case "orderbook":
                return stream_book(line, ask.codes[code], ask.level, stream_type)
            case kind:
                span = CANDLES[kind.partition(".")[2]] * 1000
                newest = line.candles(span, 1, at + 1) or line.candles(60_000, 1, at + 1)
                return stream_candle(line, kind, newest[0], stream_type)

    def _trade(self, press: Press, trade: Print, stream_type: str) -> Owed:
        key = ("trade", trade.symbol, trade.sequence, self.style, stream_type)
        line = self._market.lines[trade.symbol]
        return press.frame(key, "trade", self.style, lambda: stream_trade(line, trade, stream_type))
