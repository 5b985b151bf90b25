"""More messages than one core can take, stamped with the moment they were made: what the streamer gives up, in which
order, and when it takes it back (D11).

`python tests/benchmarks/overload.py --seconds 20` says each second how far processing lags and which step is taken. The
server (a process of its own) speaks Upbit's protocol, sends `--rate` messages a second for all `--symbols` together and
nothing of those that are not subscribed; then it is quiet (`--calm-rate`) until everything is subscribed again.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SLICE_S = 0.02
MOST = 48 * 1024 * 1024
"""Bytes that may wait for the reader: beyond that the market makes nothing new, as a real venue would hang up."""
STAMP = b"1111111111111"
QUANTITY = 0.5
TRADES = 4
"""One trade in so many messages; the others are books."""


def block(code: str, count: int) -> bytes:
    """`count` framed messages of one symbol, with STAMP where the time goes; ids are the time and a number."""
    rows = []
    for number in range(count):
        if number % TRADES == 0:
            body = (
                b'{"ty":"trade","cd":"%s","tms":%s,"td":"2026-11-20","ttm":"01:02:03","ttms":%s,"tp":%d.0,"tv":%.1f,'
                b'"ab":"BID","pcp":1000.0,"c":"RISE","cp":10.0,"sid":%s%05d,"st":"REALTIME"}'
                % (code.encode(), STAMP, STAMP, 1_000 + number % 7, QUANTITY, STAMP, number)
            )
        else:
            body = (
                b'{"ty":"orderbook","cd":"%s","tms":%s,"tas":10.0,"tbs":10.0,"obu":[{"ap":1008.0,"bp":999.0,"as":%d.5,'
                b'"bs":2.5},{"ap":1009.0,"bp":998.0,"as":1.5,"bs":2.5}],"lv":0,"st":"REALTIME"}'
                % (code.encode(), STAMP, number)
            )
        rows.append(b"\x81\x7e" + len(body).to_bytes(2, "big") + body)
    return b"".join(rows)


class Firehose:
    """One connection's: sends what is subscribed, at a rate that the parent process changes by a line."""

    def __init__(self, symbols: int) -> None:
        self.symbols, self.rate = symbols, 0
        self.sent: dict[str, int] = {}
        self._blocks: dict[tuple[str, int], bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(row for row in head.split(b"\r\n") if row.lower().startswith(b"sec-websocket-key:")).split(b":")[1]
        proof = base64.b64encode(hashlib.sha1(key.strip() + GUID).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n")
        self._codes: list[str] = []
        pouring = asyncio.create_task(self._pour(writer))
        try:
            while True:
                await self._heard(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            pouring.cancel()

    async def _heard(self, reader: asyncio.StreamReader) -> None:
        """One masked frame of the client; a request names all that is wanted."""
        first, size = await reader.readexactly(2)
        size &= 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask, body = await reader.readexactly(4), await reader.readexactly(size)
        text = bytes(each ^ mask[n % 4] for n, each in enumerate(body))
        if first & 0x0F in (1, 2) and text.startswith(b"["):
            self._codes = sorted({code.partition(".")[0] for row in json.loads(text) for code in row.get("codes", ())})

    async def _pour(self, writer: asyncio.StreamWriter) -> None:
        while True:
            count = max(1, round(self.rate * SLICE_S / self.symbols)) if self.rate else 0
            if count and writer.transport.get_write_buffer_size() < MOST:
                stamp = b"%d" % (time.time_ns() // 1_000_000)
                for code in self._codes:
                    if (code, count) not in self._blocks:
                        self._blocks[code, count] = block(code, count)
                    writer.write(self._blocks[code, count].replace(STAMP, stamp))
                    self.sent[code] = self.sent.get(code, 0) + -(-count // TRADES)
            await asyncio.sleep(SLICE_S)


async def pour(symbols: int) -> None:
    """The server: its port on standard output; a line of a number is the new rate, `sent` asks for the trades sent."""
    hose = Firehose(symbols)
    server = await asyncio.start_server(hose.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := (await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)).strip():
        if line == "sent":
            print(json.dumps(hose.sent), flush=True)
        else:
            hose.rate = int(line)


class Tap:
    """The server as its user sees it."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.port = int(self._ask())

    def rate(self, messages: int) -> None:
        self._tell(str(messages))

    def sent(self) -> dict[str, int]:
        """Trades that were sent so far, by symbol."""
        self._tell("sent")
        return json.loads(self._ask())

    def _tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def _ask(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline()


@contextmanager
def tap(symbols: int) -> Iterator[Tap]:
    words = [sys.executable, __file__, "--serve", "--symbols", str(symbols)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield Tap(child)
        finally:
            child.kill()


async def overload(
    seconds: float, symbols: int, rate: int, calm_rate: int, folder: Path, say=print, before_s: float = 5.0
) -> dict:
    """One run. Gives the steps in their order, the worst lag (ms), what was held all the time and its trades."""
    from tests.benchmarks.overloaded import Overloaded

    with tap(symbols) as source:
        return await Overloaded(source, symbols, folder, say).run(seconds, rate, calm_rate, before_s)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--symbols", type=int, default=16)
    options.add_argument("--rate", type=int, default=600_000)
    options.add_argument("--calm-rate", type=int, default=1_600)
    options.add_argument("--serve", action="store_true", help="be the server")
    chosen = options.parse_args()
    if chosen.serve:
        asyncio.run(pour(chosen.symbols))
        return 0
    import tempfile

    import uvloop

    with tempfile.TemporaryDirectory() as folder:
        found = uvloop.run(overload(chosen.seconds, chosen.symbols, chosen.rate, chosen.calm_rate, Path(folder)))
    print(json.dumps(found))
    return 0 if found["exact"] and not found["wrong"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
