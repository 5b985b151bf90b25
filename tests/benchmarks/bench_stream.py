"""CPU per message of receiving Upbit's stream: bare `websockets`, bare picows, and the whole streamer path.

`make bench` runs it. A child process serves pre-built frames over loopback as fast as they are taken; the parent
receives and counts the CPU of its own thread, which load on the other cores hardly moves.

    a  bare websockets   recv, no decoding
    b  bare picows       frame callback, payload as bytes
    c  whole path        link + session + decode + engine (candles, indicators, rules of settings.yaml)
    d  as c, by the websockets transport

`--paced N` sends N messages a second, one per wake-up, as a live venue does; without it all is bulk.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import picows
import uvloop
from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.domain.engine import Engine  # noqa: E402
from core.domain.policies import MarketPolicy  # noqa: E402
from core.domain.values import Market  # noqa: E402
from core.feed.session import Session  # noqa: E402
from core.settings import load  # noqa: E402
from core.venues.upbit import VENUE  # noqa: E402
from streamer.link import Link  # noqa: E402
from streamer.outbox import Outbox  # noqa: E402
from streamer.pump import Pump  # noqa: E402
from streamer.transport import transport  # noqa: E402

MESSAGES = 200_000
SYMBOLS = 20
SPAN_MS = 180_000
"""Market time that the frames tell of, so that candles of a minute close whatever their number."""
END = b"END"
LIMIT = 0.65
"""What c / a must not exceed."""


def frames(count: int, start: int) -> list[bytes]:
    """A stream as Upbit sends it in SIMPLE format: 45 % trades, 45 % books of 15 levels, 10 % tickers, 20 pairs."""
    dice = random.Random(11)
    prices = {f"KRW-C{number:02d}": dice.uniform(100, 100_000) for number in range(SYMBOLS)}
    made = []
    for number in range(count):
        at, code = start + number * SPAN_MS // count, dice.choice(list(prices))
        if dice.random() < 0.3:
            prices[code] *= 1 + dice.gauss(0, 0.0003)
        row = _row(dice, dice.random(), code, round(prices[code], 1), at, number)
        made.append(msgspec.json.encode(row))
    return made


def _row(dice: random.Random, kind: float, code: str, price: float, at: int, number: int) -> dict[str, object]:
    if kind < 0.45:
        return {
            "ty": "trade", "cd": code, "tms": at, "td": "2026-11-20", "ttm": "01:02:03", "ttms": at - 40, "tp": price,
            "tv": round(dice.uniform(0.001, 5), 8), "ab": "BID" if dice.random() < 0.5 else "ASK", "pcp": price,
            "c": "RISE", "cp": 10.0, "sid": (at - 40) * 10_000 + number % 10_000, "bap": price, "bas": 1.5,
            "bbp": price, "bbs": 2.5, "st": "REALTIME",
        }  # fmt: skip
    if kind < 0.90:
        units = [
            {"ap": price + step, "bp": price - step, "as": round(dice.random(), 8), "bs": round(dice.random(), 8)}
            for step in range(1, 16)
        ]
        return {
            "ty": "orderbook",
            "cd": code,
            "tms": at,
            "tas": 9.1,
            "tbs": 8.2,
            "obu": units,
            "lv": 0,
            "st": "REALTIME",
        }
    return {
        "ty": "ticker", "cd": code, "op": price, "hp": price * 1.02, "lp": price * 0.98, "tp": price, "pcp": price,
        "c": "RISE", "cp": 10.0, "scp": 10.0, "cr": 0.001, "scr": 0.001, "tv": 0.1, "atv": 1000.5, "atv24h": 2000.5,
        "atp": 1e9, "atp24h": 2e9, "tdt": "20261120", "ttm": "010203", "ttms": at - 40, "ab": "BID", "aav": 1.0,
        "abv": 2.0, "h52wp": price * 2, "h52wdt": "2026-01-01", "l52wp": price / 2, "l52wdt": "2026-02-01",
        "ms": "ACTIVE", "its": False, "dd": None, "mw": "NONE", "tms": at, "st": "REALTIME",
    }  # fmt: skip


# ---- the child: a server of pre-built frames -------------------------------------------------------------------------


class Serving(picows.WSListener):
    """Sends everything when a client says anything; waits while the client's side is full."""

    def __init__(self, made: list[bytes], paced: int) -> None:
        self._made, self._paced = made, paced
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()
        elif self._task is None:
            self._task = asyncio.create_task(self._send(transport))

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    async def _send(self, transport: picows.WSTransport) -> None:
        began = time.monotonic()
        for number, frame in enumerate(self._made):
            if not self._room.is_set():
                await self._room.wait()
            if self._paced:
                await asyncio.sleep(max(0.0, began + number / self._paced - time.monotonic()))
            transport.send(picows.WSMsgType.BINARY, frame)
        transport.send(picows.WSMsgType.BINARY, END)


def serve(count: int, paced: int) -> None:
    made = frames(count, time.time_ns() // 1_000_000)

    async def run() -> None:
        server = await picows.ws_create_server(lambda request: Serving(made, paced), "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()

    uvloop.run(run())


# ---- the parent: three ways to receive -------------------------------------------------------------------------------


async def bare_websockets(url: str, policy: MarketPolicy) -> int:
    count = 0
    async with connect(url, compression=None, ping_interval=None, max_size=None) as wire:
        await wire.send("go")
        while await wire.recv(decode=False) != END:
            count += 1
    return count


class Counting(picows.WSListener):
    def __init__(self) -> None:
        self.count = 0
        self.done = asyncio.get_running_loop().create_future()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.get_payload_as_bytes() == END:
            self.done.set_result(None)
        else:
            self.count += 1


async def bare_picows(url: str, policy: MarketPolicy) -> int:
    wire, listener = await picows.ws_connect(Counting, url)
    wire.send(picows.WSMsgType.TEXT, b"go")
    await listener.done
    wire.disconnect()
    return listener.count


class Nowhere:
    def send(self, items: object) -> None:
        """Nobody reads what the rules say here."""


class Ending(Pump):
    """The pump as it is, and an end: the last frame does not read, which is how it is noticed."""

    done: asyncio.Event

    def odd(self, frame: bytes, surprise: object, at: int) -> None:
        assert frame == END, frame
        self.done.set()


async def whole(url: str, policy: MarketPolicy, kind: str) -> int:
    stream = msgspec.structs.replace(policy.stream, url=url, transport=kind)
    engine = Engine(Market.UPBIT, policy, VENUE.rules.link)
    engine.safe(frozenset(f"KRW-C{number:02d}" for number in range(SYMBOLS)))
    outbox = Outbox(Nowhere(), Nowhere(), stream, clock=_clock, dice=random.random)
    pump = Ending(
        VENUE.stream, stream, engine, outbox, clock=_clock, dice=random.random, folder=Path(), on_gap=lambda *_: None
    )
    pump.done = asyncio.Event()
    link = Link(
        0, Session(VENUE.stream, stream, "bench"), stream, transport(kind), pump,
        clock=_clock, dice=random.random, gate=_open_gate,
    )  # fmt: skip
    link.want(frozenset(["KRW-C00"]), frozenset(_channels()))
    task = asyncio.create_task(link.run())
    await pump.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    counted = engine.trades + engine.books + engine.tickers
    assert engine.duplicates + engine.bad + engine.crossed == 0, "the bench's own frames are wrong"
    assert engine.candles > 0, "not one candle closed: the bench measures nothing"
    return counted


def _channels() -> Iterator[object]:
    from core.venues.spec import Channel

    return (Channel(topic, "KRW-C00") for topic in VENUE.stream.topics)


async def _open_gate() -> None:
    """Nothing to wait for."""


def _clock() -> int:
    return time.time_ns() // 1_000_000


Way = Callable[[str, MarketPolicy], Awaitable[int]]


def measure(way: Way, url: str, policy: MarketPolicy) -> float:
    """Microseconds of this thread's CPU per message."""

    async def timed() -> tuple[int, float]:
        gc.collect()
        before = time.thread_time()
        count = await way(url, policy)
        return count, time.thread_time() - before

    count, cpu_s = uvloop.run(timed())
    return cpu_s / count * 1e6


WAYS: dict[str, Way] = {
    "a  bare websockets": bare_websockets,
    "b  bare picows": bare_picows,
    "c  link+session+engine, picows": lambda url, policy: whole(url, policy, "picows"),
    "d  link+session+engine, websockets": lambda url, policy: whole(url, policy, "websockets"),
}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--messages", type=int, default=MESSAGES)
    options.add_argument("--paced", type=int, default=0, help="messages a second; 0 = as fast as they are taken")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.messages, chosen.paced)
        return 0
    report(chosen.messages, chosen.paced, chosen.rounds)
    return 0


def report(messages: int, paced: int, rounds: int) -> None:
    policy = load(ROOT / "settings.yaml", {}).markets[Market.UPBIT]
    command = [sys.executable, __file__, "--serve", "--messages", str(messages), "--paced", str(paced)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            url = f"ws://127.0.0.1:{int(child.stdout.readline())}/"
            best = {name: min(measure(way, url, policy) for _ in range(rounds)) for name, way in WAYS.items()}
        finally:
            child.terminate()
    bare, *_ = best.values()
    how = f"{paced} a second" if paced else "bulk"
    print(f"{messages} messages, {how}, best of {rounds}, over loopback")
    for name, cost in best.items():
        print(f"  {name:38} {cost:7.2f} us of CPU per message   {cost / bare:5.2f} x a")


if __name__ == "__main__":
    raise SystemExit(main())
