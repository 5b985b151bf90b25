"""Memory of the streamer with 1,000 symbols over ten minutes of trades: under 100 MB, and no growth from minute 5 on.

The minutes are those of the trades: as many as a stream of `--rate` a second brings are handed to the link as the
transport would, one after the other, so ten minutes pass in one or two. `--warm` gives every symbol its history
first, as the streamer does. One line a minute, then whether it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.domain.events import Bar  # noqa: E402
from core.domain.values import SPANS, Instrument, Market, Millis  # noqa: E402
from core.settings import load  # noqa: E402
from core.venues.spec import venue  # noqa: E402
from streamer.bench import Bench  # noqa: E402
from streamer.stopwatch import resident_mb  # noqa: E402

MOST_MB, GROWTH_MB = 100.0, 2.0
"""What five minutes add where there was no history: 6,000 candles of 34 bytes, until as many are there as are kept."""
MINUTES, LOOK = 10, 5
TOGETHER = 16
"""Frames that one wake-up reads."""
START = 1_700_000_000_000 // 3_600_000 * 3_600_000


class Tape:
    """Upbit's trades of many pairs, made as they are needed: a tape of ten minutes would be the largest thing here."""

    def __init__(self, symbols: list[str]) -> None:
        self._symbols, self._dice = symbols, random.Random(5)
        self._prices = {symbol: self._dice.randrange(1_000, 50_000) for symbol in symbols}
        self._count = 0

    def frame(self, at: int) -> bytes:
        dice, symbol = self._dice, self._dice.choice(self._symbols)
        if dice.random() < 0.3:
            self._prices[symbol] += dice.choice((-1, 1))
        self._count += 1
        return (
            f'{{"ty":"trade","cd":"{symbol}","tms":{at},"td":"2026-11-20","ttm":"01:02:03","ttms":{at},'
            f'"tp":{self._prices[symbol]},"tv":{dice.randrange(1, 10**8) / 1e8},"ab":"BID","pcp":1000,"c":"RISE","cp":10,'
            f'"sid":{at * 10_000 + self._count % 10_000},"st":"REALTIME"}}'
        ).encode()


def warm(bench: Bench, symbols: list[str], count: int) -> None:
    """The history of every span that the streamer asks the venue for."""
    for symbol in symbols:
        for span in SPANS:
            last = START - START % span
            bars = [_bar(symbol, span, Millis(last - number * span), number) for number in range(count, 0, -1)]
            bench.engine.warm(symbol, span, bars)


def _bar(symbol: str, span: Millis, opens: Millis, number: int) -> Bar:
    price = 1000.5 + number % 17
    return Bar(
        instrument=Instrument(Market.UPBIT, symbol), span=span, opens=opens, open=price, high=price + 1.25,
        low=price - 1.75, close=price + 0.25, volume=number * 1.1, value=number * price, seen=Millis(START),
    )  # fmt: skip


async def measure(symbols: int, rate: int, warmed: bool) -> list[float]:
    """MB after each minute."""
    names = [f"KRW-C{number:04d}" for number in range(symbols)]
    policy = load(ROOT / "settings.yaml", {}).markets[Market.UPBIT]
    chosen = argparse.Namespace(
        url="ws://127.0.0.1:1/", symbols=",".join(names), topics="", transport="picows", messages=10**9, paced=0,
        venue="upbit", quiet=1.0, ticket="",
    )  # fmt: skip
    found = []
    with TemporaryDirectory() as folder:
        bench = Bench(chosen, venue(Market.UPBIT), policy, Path(folder))
        running = asyncio.create_task(bench.pump.run())
        await asyncio.sleep(0)
        bench.pump.carry(tuple(names))
        link = bench.pump.links[0]
        gc.collect()
        gc.freeze()
        print(f"{resident_mb():6.1f} MB before the first trade")
        if warmed:
            warm(bench, names, policy.indicators.warmup)
        tape = Tape(names)
        for minute in range(MINUTES):
            for number in range(0, rate * 60, TOGETHER):
                at = START + minute * 60_000 + number * 1000 // rate
                link.frames([tape.frame(at) for _ in range(TOGETHER)])
            found.append(resident_mb())
            print(f"{found[-1]:6.1f} MB after minute {minute + 1}, {bench.engine.trades} trades", flush=True)
        assert bench.engine.trades == link.session.frames
        assert bench.engine.duplicates == 0
        running.cancel()
    return found


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--symbols", type=int, default=1000)
    options.add_argument("--rate", type=int, default=5_000, help="trades a second of all symbols together")
    options.add_argument("--warm", action="store_true")
    chosen = options.parse_args()
    found = asyncio.run(measure(chosen.symbols, chosen.rate, chosen.warm))
    grown, most = found[-1] - found[LOOK - 1], max(found)
    print(f"most {most:.1f} MB (under {MOST_MB:g}), growth from minute {LOOK} to {MINUTES}: {grown:+.1f} MB")
    return 0 if most < MOST_MB and grown <= GROWTH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
