"""Which frames Binance's streams owe in a turn of the market. No sockets: a market and a moment in, frames out.

Source: reference/binance.md 3.3. Every frame is worded and encoded once a turn, however many connections want it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from core.simulators.binance_limits import BinanceLimits
from core.simulators.binance_requests import EVERY, Feed, feed
from core.simulators.binance_rows import (
    Row,
    Step,
    aggregate_event,
    best,
    candles,
    depth,
    kline_event,
    mini_event,
    steps,
    ticker_event,
    trade_event,
)
from core.simulators.line import Line, Print
from core.simulators.market import SimulatedMarket, Turn

SHUTDOWN = "!serverShutdown"
TRADES = {"trade": trade_event, "aggTrade": aggregate_event}


class Page:
    """A book as one stream of changes told it last."""

    def __init__(self, line: Line) -> None:
        self.version = line.version
        self.bids, self.asks = (dict(side) for side in steps(line))

    def turned(self, line: Line, at: int) -> Row:
        """What has changed since, and go on from there; steps that are gone have size 0."""
        first, (bids, asks) = self.version + 1, (dict(side) for side in steps(line))
        row: Row = {"e": "depthUpdate", "E": at, "s": line.coin.symbol, "U": first, "u": line.version}
        row |= {"b": _changes(self.bids, bids), "a": _changes(self.asks, asks)}
        self.version, self.bids, self.asks = line.version, bids, asks
        return row


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Step]:
    gone = [(price, "0.00000000") for price in before if price not in after]
    return [(price, size) for price, size in after.items() if before.get(price) != size] + gone


class Press:
    """Streams that somebody wants, and what they said last. `silent` are symbols that do not trade."""

    def __init__(self, market: SimulatedMarket, limits: BinanceLimits, silent: frozenset[str]) -> None:
        self._market, self._limits, self._silent = market, limits, silent
        self._pages: dict[str, Page] = {}
        self._told: dict[str, int] = {}
        self._due: dict[str, int] = {}
        self._trades: dict[str, list[Print]] = {}

    def print(self, names: Iterable[str], turn: Turn, at: int) -> dict[str, list[bytes]]:
        """Payloads of each wanted stream in this turn, oldest first; what nobody wants is forgotten."""
        wanted = set(names)
        self._trades = {}
        for trade in turn.trades:
            self._trades.setdefault(trade.symbol, []).append(trade)
        for memory in (self._pages, self._told, self._due):
            for gone in [name for name in memory if name not in wanted]:
                del memory[gone]
        found = {name: list(self._payloads(name, turn, at)) for name in wanted}
        return {name: frames for name, frames in found.items() if frames}

    def _payloads(self, name: str, turn: Turn, at: int) -> Iterator[bytes]:
        said = feed(name)
        if name == EVERY:
            yield from self._changed(name, at)
        elif said is not None and said.symbol in self._market.lines and said.symbol not in self._silent:
            for row in self._rows(name, said, turn, at):
                yield msgspec.json.encode(row)

    def _rows(self, name: str, said: Feed, turn: Turn, at: int) -> Iterator[Row]:
        line = self._market.lines[said.symbol]
        match said.kind:
            case "trade" | "aggTrade":
                yield from (TRADES[said.kind](trade) for trade in self._trades.get(said.symbol, ()))
            case "bookTicker":
                if said.symbol in turn.books:
                    yield best(line)
            case "depth":
                yield from self._depth(name, said, line, at)
            case "kline":
                yield from self._kline(name, said, line, at)
            case _:
                if self._ripe(name, self._limits.slow_s, at):
                    yield mini_event(line, at) if said.kind == "miniTicker" else ticker_event(line, at)

    def _depth(self, name: str, said: Feed, line: Line, at: int) -> Iterator[Row]:
        """Changes begin with the book as it is when the stream begins; a part of it is told whole."""
        if said.detail:
            if self._told.get(name) != line.version and self._ripe(name, self._pace(said), at):
                self._told[name] = line.version
                yield depth(line, int(said.detail))
            return
        page = self._pages.setdefault(name, Page(line))
        if page.version != line.version and self._ripe(name, self._pace(said), at):
            yield page.turned(line, at)

    def _pace(self, said: Feed) -> float:
        return self._limits.slow_s if said.slow else 0.1

    def _kline(self, name: str, said: Feed, line: Line, at: int) -> Iterator[Row]:
        """The open candle again and again; one that has closed once more, with its flag."""
        opens = at // said.span * said.span
        before = self._told.setdefault(name, opens)
        if opens > before:
            self._told[name] = opens
            for candle in candles(line, said.span, (opens - before) // said.span, opens):
                yield kline_event(line, candle, said.detail, said.span, at)
        if self._ripe(name, 1.0 if said.detail == "1s" else self._limits.kline_s, at):
            yield kline_event(line, candles(line, said.span, 1, at + 1)[0], said.detail, said.span, at)

    def _changed(self, name: str, at: int) -> Iterator[bytes]:
        """One array of all pairs that traded since the last one."""
        if self._ripe(name, self._limits.slow_s, at):
            since = at - round(self._limits.slow_s * 1000)
            lines = [line for line in self._market.lines.values() if line.last.told >= since]
            if lines:
                yield msgspec.json.encode([mini_event(line, at) for line in lines])

    def _ripe(self, name: str, every_s: float, at: int) -> bool:
        """Whether the stream's time has come; its next time is then `every_s` later."""
        if at < self._due.get(name, 0):
            return False
        self._due[name] = at + round(every_s * 1000)
        return True


STAMPS = frozenset({"E", "T", "t", "O", "C"})


def micros(payload: bytes) -> bytes:
    """The payload with its times in microseconds; a trade's `t` is its id, a candle's is a time."""
    found = msgspec.json.decode(payload)
    for row in found if isinstance(found, list) else [found]:
        _finer(row, STAMPS - {"t"})
        _finer(row.get("k", {}), STAMPS)
    return msgspec.json.encode(found)


def _finer(row: Row, names: frozenset[str]) -> None:
    row |= {name: row[name] * 1000 for name in names & row.keys() if isinstance(row[name], int)}


def farewell(at: int) -> bytes:
    return msgspec.json.encode({"e": "serverShutdown", "E": at})


def wrapped(name: str, payload: bytes) -> bytes:
    """The payload as a combined stream sends it."""
    return b'{"stream":"%b","data":%b}' % (name.encode(), payload)
