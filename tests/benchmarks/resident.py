"""The streamer's own process with 1,000 symbols for ten real minutes: under 100 MB, and no growth from minute 5 on (D5).

`python tests/benchmarks/resident.py` starts the embedded AWS with the template in it, the simulated Upbit and Binance,
and `python -m streamer` as it is deployed: AWS clients, tables, queues, warm-up of 200 bars on three spans (two to four
minutes, within the venues' limits), state saved. Each `--every` seconds one line of what the kernel says is resident; in
the end minute 5, the last minute, and the slope between them. With 1 where the limit is not kept, growth is above
GROWTH_MB, or a symbol is missing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.adapters.access import access  # noqa: E402
from core.adapters.dynamo.shelf import DynamoShelf  # noqa: E402
from core.domain.levels import Candidate, StreamHealth, Targets  # noqa: E402
from core.domain.values import Market, Millis  # noqa: E402
from core.local.stack import Stack  # noqa: E402
from core.simulators.binance_pairs import listing as pairs  # noqa: E402
from core.simulators.coins import listing as coins  # noqa: E402

MOST_MB, GROWTH_MB, LOOK_S = 100.0, 1.0, 300.0
"""Growth is between the means of the minute before LOOK_S and of the last minute; 1 MB is what one malloc heap may do."""
SCALE = ROOT / "tests/benchmarks/bench_scale.py"
KEPT = ("VmRSS", "RssAnon", "RssFile", "VmHWM", "Threads")


def wall_ms() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def resident(pid: int) -> dict[str, float]:
    """MB by name of /proc/PID/status; threads as they are counted."""
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    told = {row[0].rstrip(":"): float(row[1]) for row in rows if row and row[0].rstrip(":") in KEPT}
    return {name: value if name == "Threads" else value / 1024 for name, value in told.items()}


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


def wanted(binance: int, upbit: int) -> dict[Market, list[str]]:
    return {
        Market.BINANCE: [pair.coin.symbol for pair in pairs(binance)[:binance]],
        Market.UPBIT: [coin.symbol for coin in coins(upbit) if coin.quote == "KRW"],
    }


def settings(addresses: list[str]) -> Iterator[tuple[str, str]]:
    """What is unlike settings.yaml: where the venues are, that all of their symbols are wanted, and a lease that a busy
    machine does not let lapse in the middle."""
    for market, rest, stream in (("BINANCE", *addresses[:2]), ("UPBIT", *addresses[2:4])):
        yield f"HOGA__MARKETS__{market}__ENABLED", "true"
        yield f"HOGA__MARKETS__{market}__REST__URL", rest
        yield f"HOGA__MARKETS__{market}__STREAM__URL", stream
        yield f"HOGA__MARKETS__{market}__STREAM__LEASE_S", "60"
        yield f"HOGA__MARKETS__{market}__WATCH__MAX_WS_SUBS", "1000"
        yield f"HOGA__MARKETS__{market}__STREAM__CONNECTIONS", "10"
        yield f"HOGA__MARKETS__{market}__WATCH__SUBSCRIBE_COOLDOWN_S", "0"


def told(shelf: DynamoShelf, symbols: Mapping[Market, list[str]]) -> tuple[int, str]:
    """Symbols that are missing, and a line about each market."""
    found = {market: shelf.read(StreamHealth, market) for market in symbols}
    missing = sum(len(set(symbols[market]) - set(row.subscribed if row else ())) for market, row in found.items())
    lines = (f"{market.value} {len(row.subscribed)} on, {row.messages} frames" for market, row in found.items() if row)
    return missing, "; ".join(lines)


def watch(pid: int, shelf: DynamoShelf, symbols: Mapping[Market, list[str]], seconds: float, every: float) -> bool:
    """Whether all of it holds; one line for each look."""
    began, looks = time.monotonic(), list[tuple[float, float]]()
    while (gone := time.monotonic() - began) < seconds:
        time.sleep(every)
        found = resident(pid)
        looks.append((gone + every, found["VmRSS"]))
        detail = "  ".join(f"{name} {value:.1f}" for name, value in found.items())
        print(f"{gone + every:5.0f} s  {detail}  {told(shelf, symbols)[1]}", flush=True)
    missing = told(shelf, symbols)[0]
    first, last = mean(looks, LOOK_S), mean(looks, seconds)
    most, grown = max(size for _, size in looks), last - first
    print(
        f"{sum(map(len, symbols.values()))} symbols: minute {LOOK_S / 60:.0f} {first:.1f} MB, minute {seconds / 60:.0f} "
        f"{last:.1f} MB, {grown:+.1f} MB between; most {most:.1f} MB (under {MOST_MB:g}); {missing} symbols missing"
    )
    return most < MOST_MB and grown <= GROWTH_MB and not missing


def mean(looks: list[tuple[float, float]], until: float) -> float:
    """MB of the minute that ended then."""
    sizes = [size for at, size in looks if until - 60 < at <= until + 1] or [looks[-1][1]]
    return sum(sizes) / len(sizes)


def run(chosen: argparse.Namespace, folder: Path) -> bool:
    symbols = wanted(chosen.binance, chosen.upbit)
    simulators = [sys.executable, str(SCALE), "--simulate"]
    simulators += [f"--binance={chosen.binance}", f"--upbit={chosen.upbit}", f"--pace={chosen.pace}"]
    with (
        Stack.start(ROOT / "settings.yaml", log=folder / "aws.log") as stack,
        ended(subprocess.Popen(simulators, stdout=subprocess.PIPE, text=True)) as venues,
    ):
        assert venues.stdout is not None
        changed = dict(settings(venues.stdout.readline().split()))
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HOGA_"))}
        environment = {**plain, **stack.environment(), **changed, "HOGA_RUN_DIR": str(folder)}
        shelf = DynamoShelf(stack.outputs["StateTable"], wall_ms, access=access(stack.environment()))
        for market, names in symbols.items():
            rows = tuple(Candidate(name, 1.0) for name in names)
            shelf.write(Targets(market=market, at=wall_ms(), version=1, candidates=rows))
        log = Path(chosen.log or folder / "streamer.log")
        with (
            log.open("w") as file,
            ended(
                subprocess.Popen(
                    [sys.executable, "-m", "streamer"], cwd=ROOT, env=environment, stdout=file, stderr=file, text=True
                )
            ) as child,
        ):
            return watch(child.pid, shelf, symbols, chosen.minutes * 60, chosen.every)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--binance", type=int, default=750)
    options.add_argument("--upbit", type=int, default=250)
    options.add_argument("--pace", type=float, default=1.0, help="share of the simulators' usual messages")
    options.add_argument("--every", type=float, default=10.0)
    options.add_argument("--log", default="", help="keep the streamer's log lines here")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 0 if run(chosen, Path(folder)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
