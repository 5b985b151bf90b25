"""`python -m streamer.bench`: how fast this machine takes a stream. `hoga bench stream` starts it.

The real link, session, pump and engine on one server, without SQS: what rules say goes nowhere. It prints one line of
JSON. Exit codes: 0 the run ended (`ended` says how), 1 no connection or no market
data.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import sys
from collections.abc import Iterable
from math import fsum
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from core import COMPILED
from core.adapters.wiring import wall_clock
from core.domain.engine import Engine
from core.domain.errors import Transient
from core.domain.messages import Alert
from core.domain.policies import MarketPolicy
from core.domain.signals import Signal
from core.venues.spec import HOMES, Topic, Venue, venue
from streamer.outbox import Outbox
from streamer.pump import Pump
from streamer.stopwatch import Stopwatch, quantile, received_us, resident_mb, sent_us
from streamer.transport import Ear, Line, Transport, transport

SYMBOLS = {
    "upbit": "KRW-BTC,KRW-ETH,KRW-XRP,KRW-SOL,KRW-DOGE,KRW-ADA,KRW-TRX,KRW-LINK",
    "binance": "BTCUSDT,ETHUSDT,XRPUSDT,SOLUSDT,DOGEUSDT,ADAUSDT,TRXUSDT,LINKUSDT",
    "kis": "005930,000660,373220,207940,005380,000270,068270,105560",
}
"""What is asked for where nobody says: some of the busiest of every venue."""
LOOK_S = 0.05


class Report(msgspec.Struct, kw_only=True):
    """What is printed; `hoga bench stream --help` tells what each figure is."""

    venue: str
    messages: int
    records: int
    seconds: float
    cpu_us_per_message: float
    msg_s: float
    rss_mb: float
    latency_p50_us: float
    latency_p99_us: float
    latency_from: str
    received_p50_us: float
    received_p99_us: float
    checksum: float
    symbols: int
    candles: int
    signals: int
    unread: int
    others: int
    paced: int
    transport: str
    compiled: bool
    ended: str


class NoSignals:
    """The queue of signals in this run: nobody reads what the rules say."""

    def send(self, signals: Iterable[Signal]) -> None:
        """Nothing leaves."""


class NoAlerts:
    """The same for people."""

    def send(self, alerts: Iterable[Alert]) -> None:
        """Nothing leaves."""


class Bench:
    """The streamer's parts joined as in production, with a stopwatch between the transport and the link."""

    def __init__(self, chosen: argparse.Namespace, venue: Venue, policy: MarketPolicy, folder: Path) -> None:
        self._chosen = chosen
        self._symbols = tuple(filter(None, chosen.symbols.split(",")))
        topics = tuple(Topic(name) for name in chosen.topics.split(",") if name) or venue.stream.topics
        spec = msgspec.structs.replace(venue.stream, topics=topics)
        stream = msgspec.structs.replace(
            policy.stream,
            url=chosen.url,
            transport=chosen.transport,
            connections=1,
            per_connection=max(1, len(self._symbols)),
        )
        self.engine = Engine(venue.market, policy, venue.rules.link)
        self.engine.safe(frozenset(self._symbols))
        self._outbox = Outbox(NoSignals(), NoAlerts(), stream, clock=wall_clock, dice=random.random)
        self.pump = Pump(
            spec,
            stream,
            self.engine,
            self._outbox,
            clock=wall_clock,
            dice=random.random,
            folder=folder,
            on_gap=lambda symbols, gap: None,
            opener=self._between(transport(chosen.transport)),
        )
        self._over = asyncio.Event()
        self.watch = Stopwatch(chosen.messages, lambda: self.pump.others, self._over.set)
        self.lost = ""

    async def run(self) -> Report:
        """Receive until all messages came, the server closed, or nothing came for a while."""
        running = asyncio.create_task(self.pump.run())
        await asyncio.sleep(0)
        self.pump.carry(self._symbols)
        for link in self.pump.links.values():
            link.session.ticket(self._chosen.ticket or "bench")
        ended = await self._end()
        self.watch.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return self._report(ended)

    async def _end(self) -> str:
        """Why it ended, in one word."""
        loop, before = asyncio.get_running_loop(), -1
        quiet = loop.time() + self._chosen.quiet
        while not self._over.is_set():
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._over.wait()
            except TimeoutError:
                if self.pump.reconnects:
                    return "closed"
                if self.watch.messages != before:
                    before, quiet = self.watch.messages, loop.time() + self._chosen.quiet
                elif loop.time() > quiet:
                    return "quiet"
        return "messages"

    def _between(self, real: Transport) -> Transport:
        """The transport, with the stopwatch before the ear of whoever opens it."""

        async def opened(url: str, ear: Ear) -> Line:
            try:
                return await real(url, self.watch.before(ear))
            except Transient as fault:
                self.lost = str(fault)
                raise

        return opened

    def _report(self, ended: str) -> Report:
        watch, engine, chosen = self.watch, self.engine, self._chosen
        received, sent = received_us(watch.samples), sent_us(watch.samples)
        latency = sent or received
        messages = watch.messages
        return Report(
            venue=chosen.venue,
            messages=messages,
            records=engine.trades + engine.books + engine.tickers + engine.bars,
            seconds=round(watch.seconds, 6),
            cpu_us_per_message=round(watch.cpu_s / messages * 1e6, 3) if messages else 0.0,
            msg_s=round(messages / watch.seconds, 1) if watch.seconds else 0.0,
            rss_mb=resident_mb(),
            latency_p50_us=round(quantile(latency, 0.50), 2),
            latency_p99_us=round(quantile(latency, 0.99), 2),
            latency_from="sent" if sent else "received",
            received_p50_us=round(quantile(received, 0.50), 2),
            received_p99_us=round(quantile(received, 0.99), 2),
            checksum=fsum(state.price for state in engine.states),
            symbols=len(engine.states),
            candles=engine.candles,
            signals=engine.signals,
            unread=self.pump.quarantine.count,
            others=self.pump.others,
            paced=chosen.paced,
            transport=chosen.transport,
            compiled=COMPILED,
            ended=ended,
        )


def main() -> int:
    chosen = _arguments()
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    logging.getLogger("hoga").setLevel(logging.CRITICAL)
    market = {home: market for market, home in HOMES.items()}[chosen.venue]
    policy = msgspec.json.decode(chosen.policy, type=MarketPolicy)
    with TemporaryDirectory(prefix="hoga-bench-") as folder:
        report, lost = uvloop.run(_measure(chosen, venue(market, policy), policy, Path(folder)))
    if not report.messages:
        sys.stderr.write(f"no market data came from {chosen.url}: {lost or report.ended}\n")
        return 1
    sys.stdout.write((msgspec.json.encode(report).decode() if chosen.json else _sentence(report)) + "\n")
    return 0


async def _measure(chosen: argparse.Namespace, venue: Venue, policy: MarketPolicy, folder: Path) -> tuple[Report, str]:
    bench = Bench(chosen, venue, policy, folder)
    gc.collect()
    gc.freeze()  # as the streamer does
    return await bench.run(), bench.lost


def _sentence(report: Report) -> str:
    return (
        f"{report.venue}: {report.messages} messages in {report.seconds:.2f} s ({report.msg_s:,.0f}/s), "
        f"{report.cpu_us_per_message:.2f} us of CPU each, latency p50 {report.latency_p50_us:.1f} us and "
        f"p99 {report.latency_p99_us:.1f} us ({report.latency_from} to decision), {report.rss_mb:.1f} MB, "
        f"checksum {report.checksum!r}, hot path {'compiled' if report.compiled else 'from source'}, "
        f"ended by {report.ended}"
    )


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="streamer.bench")
    options.add_argument("--url", required=True)
    options.add_argument("--venue", required=True, choices=sorted(HOMES.values()))
    options.add_argument("--messages", required=True, type=int)
    options.add_argument("--paced", type=int, default=0)
    options.add_argument("--symbols", default="")
    options.add_argument("--topics", default="")
    options.add_argument("--ticket", default="")
    options.add_argument("--transport", choices=("picows", "websockets"), default="picows")
    options.add_argument("--quiet", type=float, default=15.0)
    options.add_argument("--policy", required=True, help="the market's settings, as JSON")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    chosen.symbols = chosen.symbols or SYMBOLS.get(chosen.venue, "")
    return chosen


if __name__ == "__main__":
    raise SystemExit(main())
