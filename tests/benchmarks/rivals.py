"""What the streamer is compared with: bare `websockets`, and a plain `websockets` + msgspec client that does the same
work: snapshot, candles of 1m, 5m and 1h with EMA and RSI on each, two rules on every trade. It is written as somebody
who knows the library would write it in an afternoon: typed decoding, slotted state, indicators moved bar by bar.

They run on asyncio's own loop, as anybody's first client does. `swift` is `plain` on uvloop, to show what of the
difference is the loop.

`python rivals.py bare|plain|swift VENUE URL MESSAGES` prints one line of JSON, measured as `hoga bench stream` measures.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator

import msgspec
import uvloop
from websockets.asyncio.client import connect

SPANS = (60_000, 300_000, 3_600_000)
UNREAD = 9
"""The cell of a KIS frame in which the server writes its sending time."""
FAST, SLOW, LENGTH, FALL_MINUTES = 12, 26, 14, 5


class Series:
    """One span's forming candle and its indicators."""

    __slots__ = ("close", "closes", "count", "fast", "gain", "high", "loss", "low", "open", "opens", "slow", "span", "value", "volume")  # fmt: skip

    def __init__(self, span: int) -> None:
        self.span, self.opens, self.count = span, 0, 0
        self.open = self.high = self.low = self.close = self.volume = self.value = 0.0
        self.fast = self.slow = self.gain = self.loss = 0.0
        self.closes: deque[float] = deque(maxlen=200)

    def add(self, at: int, price: float, quantity: float) -> None:
        opens = at - at % self.span
        if opens != self.opens:
            if self.opens:
                self._shut()
            self.opens, self.volume, self.value = opens, 0.0, 0.0
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += quantity
        self.value += price * quantity

    def _shut(self) -> None:
        close = self.close
        change = close - self.closes[-1] if self.closes else 0.0
        self.closes.append(close)
        self.count += 1
        self.fast += (close - self.fast) * (2 / (FAST + 1) if self.count > 1 else 1.0)
        self.slow += (close - self.slow) * (2 / (SLOW + 1) if self.count > 1 else 1.0)
        self.gain += (max(change, 0.0) - self.gain) / LENGTH
        self.loss += (max(-change, 0.0) - self.loss) / LENGTH

    def indicators(self, price: float) -> tuple[float, float, float]:
        """EMA fast and slow and RSI, as if the forming candle closed now."""
        change = price - self.closes[-1] if self.closes else 0.0
        gain = self.gain + (max(change, 0.0) - self.gain) / LENGTH
        loss = self.loss + (max(-change, 0.0) - self.loss) / LENGTH
        fast = self.fast + (price - self.fast) * 2 / (FAST + 1)
        slow = self.slow + (price - self.slow) * 2 / (SLOW + 1)
        return fast, slow, 100.0 * gain / (gain + loss) if gain + loss else math.nan


class State:
    """One symbol."""

    __slots__ = ("at", "indicators", "price", "series", "signals", "ticks")

    def __init__(self) -> None:
        self.series = tuple(Series(span) for span in SPANS)
        self.ticks: deque[tuple[int, float, float]] = deque(maxlen=1000)
        self.price, self.at, self.signals = 0.0, 0, 0
        self.indicators: list[tuple[float, float, float]] = []

    def trade(self, at: int, price: float, quantity: float) -> None:
        self.ticks.append((at, price, quantity))
        moved = price != self.price
        self.price, self.at = price, at
        for series in self.series:
            series.add(at, price, quantity)
        if moved:
            self.indicators = [series.indicators(price) for series in self.series]
            closes = self.series[0].closes
            if len(closes) >= FALL_MINUTES and price <= closes[-FALL_MINUTES] * 0.97:
                self.signals += 1


class UpbitTrade(msgspec.Struct):
    ty: str
    cd: str
    tms: int
    ttms: int
    tp: float
    tv: float


class BinanceTrade(msgspec.Struct):
    E: int
    s: str
    T: int
    p: str
    q: str


class Combined(msgspec.Struct):
    data: BinanceTrade


Row = tuple[str, int, float, float, int]
"""Symbol, time (ms), price, quantity, when it was sent (us, 0 where nobody says)."""


def upbit() -> Callable[[bytes], Iterator[Row]]:
    decoder = msgspec.json.Decoder(UpbitTrade)

    def rows(frame: bytes) -> Iterator[Row]:
        trade = decoder.decode(frame)
        yield trade.cd, trade.ttms, trade.tp, trade.tv, trade.tms

    return rows


def binance() -> Callable[[bytes], Iterator[Row]]:
    decoder = msgspec.json.Decoder(Combined)

    def rows(frame: bytes) -> Iterator[Row]:
        trade = decoder.decode(frame).data
        yield trade.s, trade.T, float(trade.p), float(trade.q), trade.E

    return rows


def kis() -> Callable[[bytes], Iterator[Row]]:
    midnight = 1_700_000_000_000 // 86_400_000 * 86_400_000

    def rows(frame: bytes) -> Iterator[Row]:
        _, _, count, payload = frame.decode().split("|", 3)
        cells = payload.split("^")
        width, sent = len(cells) // int(count), int(cells[UNREAD])
        for first in range(0, len(cells), width):
            clock = cells[first + 1]
            seconds = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:])
            yield cells[first], midnight + seconds * 1000, float(cells[first + 2]), float(cells[first + 12]), sent

    return rows


async def bare(venue: str, url: str, messages: int) -> dict[str, float]:
    """Receiving, and nothing else."""
    async with connect(url, compression=None, ping_interval=None, max_size=None) as wire:
        await wire.send("go")
        await wire.recv(decode=False)
        cpu = time.process_time()
        for _ in range(messages - 1):
            await wire.recv(decode=False)
        return {"cpu_us_per_message": (time.process_time() - cpu) / messages * 1e6}


async def plain(venue: str, url: str, messages: int) -> dict[str, float]:
    """Receiving, decoding, and the work. Latency is from the server's stamp to the decision, in us."""
    rows, states, spans = {"upbit": upbit, "binance": binance, "kis": kis}[venue](), dict[str, State](), []
    stride = max(1, messages // 1024)
    async with connect(url, compression=None, ping_interval=None, max_size=None) as wire:
        await wire.send("go")
        cpu = 0.0
        for number in range(messages):
            frame = await wire.recv(decode=False)
            cpu = cpu or time.process_time()
            came = time.time_ns()
            sent = 0
            for name, at, price, quantity, sent in rows(frame):  # noqa: B007
                if (state := states.get(name)) is None:
                    state = states[name] = State()
                state.trade(at, price, quantity)
            if number % stride == 0:
                spans.append((time.time_ns() - (sent * 1000 if sent > 10**15 else came)) / 1000)
        cpu = time.process_time() - cpu
    spans.sort()
    return {
        "cpu_us_per_message": cpu / messages * 1e6,
        "latency_p50_us": spans[len(spans) // 2],
        "latency_p99_us": spans[len(spans) * 99 // 100],
        "checksum": math.fsum(state.price for state in states.values()),
    }


if __name__ == "__main__":
    way, venue, url, messages = sys.argv[1:]
    gc.collect()
    gc.freeze()
    run = uvloop.run if way == "swift" else asyncio.run
    print(json.dumps(run((bare if way == "bare" else plain)(venue, url, int(messages)))))
